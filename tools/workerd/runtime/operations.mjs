// For tests: logs each operation that Cloudflare would bill, as a line {"operation": ..., "count": ...}.
import { env } from "cloudflare:workers";

/** How the methods of bindings are billed, by the class of the binding. A method of an object is a call of it. */
const BILLED = {
  KvNamespace: { get: "kv read", put: "kv write", delete: "kv delete", list: "kv list" },
  DurableObjectStorage: { setAlarm: "alarm set" },
};

/** @param {string} operation @param {number} count */
function log(operation, count = 1) {
  if (count > 0) console.log(JSON.stringify({ operation, count }));
}

/**
 * The same object, with what `replace` returns in place of its properties. Methods keep their object.
 *
 * @param {any} object
 * @param {(name: string, value: any) => any} replace
 */
function replacing(object, replace) {
  return new Proxy(object, {
    get(target, name) {
      const value = Reflect.get(target, name, target);
      const bound = typeof value === "function" ? value.bind(target) : value;
      return typeof name === "string" ? replace(name, bound) : bound;
    },
  });
}

/** @param {any} binding @returns {any} */
function counted(binding) {
  const kind = binding?.constructor?.name;
  if (kind === "DurableObjectNamespace") return replacing(binding, countedNamespace);
  const billed = /** @type {Record<string, Record<string, string>>} */ (BILLED)[kind];
  if (billed === undefined) return binding;
  return replacing(binding, (name, value) => {
    if (name === "sql") return replacing(value, countedSql);
    return name in billed ? (/** @type {unknown[]} */ ...args) => (log(billed[name]), value(...args)) : value;
  });
}

/** @param {string} name @param {any} value */
function countedNamespace(name, value) {
  if (name !== "getByName") return value;
  return (/** @type {string} */ objectName) => {
    const stub = value(objectName);
    return new Proxy(stub, {
      get(_, method) {
        const member = stub[method];
        if (typeof member !== "function" || method === "constructor") return member;
        return (/** @type {unknown[]} */ ...args) => (log("object call"), stub[method](...args));
      },
    });
  };
}

/** @param {string} name @param {any} value */
function countedSql(name, value) {
  if (name !== "exec") return value;
  return (/** @type {unknown[]} */ ...args) => {
    const cursor = value(...args);
    // By then, all of its rows have been taken.
    queueMicrotask(() => (log("row read", cursor.rowsRead), log("row written", cursor.rowsWritten)));
    return cursor;
  };
}

const isCounting = Reflect.get(env, "__COUNT_OPERATIONS") === true;

/** The bindings. @param {object} env */
export function countingEnv(env) {
  return isCounting ? replacing(env, (_, value) => counted(value)) : env;
}

/** What a Durable Object is made with. @param {any} ctx */
export function countingContext(ctx) {
  return isCounting ? replacing(ctx, (_, value) => counted(value)) : ctx;
}
