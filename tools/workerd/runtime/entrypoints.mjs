// The Worker's classes as workerd wants them, with the project's Python classes behind them.
import * as workers from "cloudflare:workers";
import * as sockets from "cloudflare:sockets";
import { startPython } from "./interpreter.mjs";
import { countingContext, countingEnv } from "./operations.mjs";
import bridgeSource from "./bridge.py";

/** Handlers of a Durable Object that get the runtime's own objects, as many of them as they have parameters. */
const RAW_HANDLERS = ["alarm", "webSocketMessage", "webSocketClose", "webSocketError"];

/**
 * `bridge.py`, kept as single functions: each access would make a new proxy.
 *
 * @type {PyProxy}
 */
let beforeEvent;
/** @type {PyProxy} */
let callMethod;
/** @type {Map<string, PyProxy>} */
const classes = new Map();

/**
 * Python starts and imports the project here, in the global scope: where, as in production, neither I/O nor timers nor
 * randomness are to be had.
 *
 * @param {string} mainModule
 * @param {string[]} classNames
 */
export async function start(mainModule, classNames) {
  const { getRandomValues } = crypto;
  try {
    // What the standard library seeds while it is imported is seeded anew before the first event.
    Reflect.set(crypto, "getRandomValues", (/** @type {Uint8Array} */ array) => array.fill(43));
    const pyodide = await startPython();
    pyodide.registerJsModule("_pyodide_entrypoint_helper", {
      // Its waitUntil is workerd's own, which takes a promise or a proxy that lives. Older releases have this one (so has
      // 1.20260908.1), newer ones take a coroutine, too.
      cloudflareWorkersModule: { ...workers, env: countingEnv(workers.env) },
      cloudflareSocketsModule: sockets,
      patchWaitUntil,
      doAnImport(/** @type {string} */ name) {
        throw new Error(`the JavaScript module ${name} cannot be imported here`);
      },
    });
    pyodide.registerJsModule("_cloudflare_compat_flags", {
      ...Cloudflare.compatibilityFlags,
      python_workflows_implicit_dependencies: true,
    });
    const bridge = pyodide.toPy({ __name__: "bridge" });
    pyodide.runPython(bridgeSource, { globals: bridge, filename: "bridge.py" });
    [beforeEvent, callMethod] = [bridge.get("before_event"), bridge.get("call")];
    crypto.getRandomValues = () => {
      throw new Error("there is no randomness while the Worker is imported, only while it handles an event");
    };
    const project = bridge.get("import_project")(mainModule);
    for (const name of classNames) {
      if (typeof project[name] !== "function") throw new TypeError(`there is no class ${name} in ${mainModule}.py`);
      classes.set(name, project[name]);
    }
  } finally {
    crypto.getRandomValues = getRandomValues;
  }
}

/** What Python passes to `waitUntil` is gone when that call returns, unless it is copied. @param {typeof workers.waitUntil} waitUntil */
function keeping(waitUntil) {
  return (/** @type {PyProxy} */ awaitable) => {
    const kept = awaitable.copy?.() ?? awaitable;
    const finished = async () => {
      try {
        await kept;
      } finally {
        kept.destroy?.();
      }
    };
    waitUntil(finished());
  };
}

/** The SDK has this called for every `ctx`. Production, too, leaves that of a Durable Object as it is. @param {any} ctx */
function patchWaitUntil(ctx) {
  if (Object.prototype.toString.call(ctx) !== "[object ExecutionContext]" || Object.hasOwn(ctx, "waitUntil")) return;
  ctx.waitUntil = keeping(ctx.waitUntil.bind(ctx));
}

/** @param {string} className @param {object} ctx @param {object} env @returns {PyProxy} */
function instantiate(className, ctx, env) {
  beforeEvent();
  const construct = /** @type {PyProxy} */ (classes.get(className));
  return construct(ctx, env);
}

/** @param {PyProxy} instance @param {string} name @param {unknown[]} args */
function call(instance, name, args) {
  if (typeof instance[name] !== "function") throw new TypeError(`Method ${name} does not exist`);
  return callMethod(instance, name, ...args);
}

/**
 * Like production: a new Python object for every event.
 *
 * @param {workers.WorkerEntrypoint} event
 * @param {string} className
 * @param {string} name
 * @param {unknown[]} args
 */
async function handleEvent({ ctx, env }, className, name, args) {
  const instance = instantiate(className, ctx, env);
  try {
    return await call(instance, name, args);
  } finally {
    instance.destroy();
  }
}

/** Cloudflare says from where a request comes. Tests say so themselves, to play several clients. @param {Request} request */
function withAddress(request) {
  if (request.headers.has("CF-Connecting-IP")) return request;
  const headers = new Headers(request.headers);
  headers.set("CF-Connecting-IP", "127.0.0.1");
  return new Request(request, { headers });
}

/** @param {string} className */
export function worker(className) {
  return class extends workers.WorkerEntrypoint {
    /** @param {Request} request */
    fetch(request) {
      return handleEvent(this, className, "fetch", [withAddress(request), this.env, this.ctx]);
    }

    /** @param {unknown} controller */
    scheduled(controller) {
      return handleEvent(this, className, "scheduled", [controller, this.env, this.ctx]);
    }
  };
}

/** @param {string} className */
export function durableObject(className) {
  return class extends workers.DurableObject {
    /** @param {object} ctx @param {object} env */
    constructor(ctx, env) {
      super(ctx, env);
      const instance = instantiate(className, countingContext(ctx), env);
      // Which methods there are is Python's business.
      return new Proxy(this, {
        get(target, name) {
          if (typeof name !== "string") return Reflect.get(target, name);
          return async (/** @type {unknown[]} */ ...args) =>
            RAW_HANDLERS.includes(name) ? await instance[name].callRelaxed(...args) : await call(instance, name, args);
        },
      });
    }
  };
}
