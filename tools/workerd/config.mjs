// From a project's wrangler.toml to what is served. What is not understood is refused, so that nothing silently
// behaves otherwise than it would when deployed.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "smol-toml";

/**
 * @typedef {object} Config
 * @property {string} name
 * @property {string} main the entry point's path, relative to the project
 * @property {string} compatibilityDate
 * @property {string[]} compatibilityFlags for workerd, so without those that make it look for a Python itself
 * @property {Record<string, unknown>} vars
 * @property {{ binding: string, id: string }[]} kvNamespaces
 * @property {{ binding: string, name: string }[]} r2Buckets
 * @property {{ binding: string, className: string, storage: "sqlite" | "legacy-kv" }[]} durableObjects
 * @property {{ name: string, namespace: string, simple: { limit: number, period: 10 | 60 } }[]} rateLimits
 * @property {Assets | undefined} assets
 *
 * @typedef {object} Assets
 * @property {string} directory
 * @property {string | undefined} binding
 * @property {HtmlHandling | undefined} htmlHandling
 * @property {boolean | string[] | undefined} runWorkerFirst
 *
 * @typedef {"auto-trailing-slash" | "drop-trailing-slash" | "force-trailing-slash" | "none"} HtmlHandling
 */

/** The first day of the Python that the `pyodide` of package.json is. */
const PYTHON_SINCE = "2026-09-08";
const PYTHON = "3.14";

/** Settings that only mean something where a Worker is deployed. */
const IGNORED = [
  "$schema",
  "account_id",
  "env",
  "keep_vars",
  "limits",
  "logpush",
  "observability",
  "placement",
  "preview_urls",
  "routes",
  "send_metrics",
  "workers_dev",
];

class ConfigError extends Error {
  /** @param {string} message */
  constructor(message) {
    super(`wrangler.toml: ${message}`);
  }
}

/** @param {unknown} value @param {string} name @returns {Record<string, unknown>} */
function table(value, name) {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new ConfigError(`${name} must be a table`);
  return /** @type {Record<string, unknown>} */ (value);
}

/** @param {unknown} value @param {string} name @returns {unknown[]} */
function list(value, name) {
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw new ConfigError(`${name} must be a list`);
  return value;
}

/** @param {unknown} value @param {string} name */
function text(value, name) {
  if (typeof value !== "string" || value === "") throw new ConfigError(`${name} must be a string that is not empty`);
  return value;
}

/** @param {unknown} value @param {string} name */
function texts(value, name) {
  return list(value, name).map((item, index) => text(item, `${name}[${index}]`));
}

/** @param {Record<string, unknown>} settings @param {string[]} known @param {string} [within] */
function refuseOthers(settings, known, within = "") {
  const other = Object.keys(settings).find((key) => !known.includes(key));
  if (other !== undefined) throw new ConfigError(`${within}${other} is not supported here`);
}

/** @param {string} project @returns {Record<string, unknown>} */
function readToml(project) {
  const path = join(project, "wrangler.toml");
  if (!existsSync(path)) throw new Error(`there is no wrangler.toml in ${project}`);
  try {
    return parse(readFileSync(path, "utf8"));
  } catch (error) {
    throw new ConfigError(error instanceof Error ? error.message.split("\n")[0] : String(error));
  }
}

/** @param {unknown} value */
function readCompatibilityDate(value) {
  const date = text(value, "compatibility_date");
  if (!/^\d{4}-\d{2}-\d{2}$/.test(date)) throw new ConfigError("compatibility_date must be YYYY-MM-DD");
  if (date < PYTHON_SINCE) {
    throw new ConfigError(
      `compatibility_date ${date} means another Python than the ${PYTHON} that is here (from ${PYTHON_SINCE})`,
    );
  }
  return date;
}

/** @param {unknown} value */
function readCompatibilityFlags(value) {
  const flags = texts(value, "compatibility_flags");
  if (!flags.includes("python_workers")) throw new ConfigError("compatibility_flags must have python_workers");
  // With it, workerd would fetch Cloudflare's own Python. The others would change what runtime/ does.
  const others = flags.filter((flag) => flag !== "python_workers");
  const python = others.find((flag) => flag.includes("python"));
  if (python !== undefined) throw new ConfigError(`compatibility_flags: ${python} is not supported here`);
  return others;
}

/** @param {unknown} value */
function readKvNamespaces(value) {
  return list(value, "kv_namespaces").map((item, index) => {
    const name = `kv_namespaces[${index}].`;
    const namespace = table(item, name.slice(0, -1));
    refuseOthers(namespace, ["binding", "id", "preview_id"], name);
    const binding = text(namespace.binding, `${name}binding`);
    // Without an id, wrangler makes the namespace. Here, any name will do.
    return { binding, id: namespace.id === undefined ? binding : text(namespace.id, `${name}id`) };
  });
}

/** @param {unknown} value */
function readR2Buckets(value) {
  return list(value, "r2_buckets").map((item, index) => {
    const name = `r2_buckets[${index}].`;
    const bucket = table(item, name.slice(0, -1));
    refuseOthers(bucket, ["binding", "bucket_name", "preview_bucket_name"], name);
    return { binding: text(bucket.binding, `${name}binding`), name: text(bucket.bucket_name, `${name}bucket_name`) };
  });
}

/** @param {unknown} value @returns {Map<string, "sqlite" | "legacy-kv">} */
function readMigrations(value) {
  /** @type {Map<string, "sqlite" | "legacy-kv">} */
  const storages = new Map();
  for (const [index, item] of list(value, "migrations").entries()) {
    const name = `migrations[${index}].`;
    const migration = table(item, name.slice(0, -1));
    refuseOthers(migration, ["tag", "new_classes", "new_sqlite_classes"], name);
    for (const className of texts(migration.new_classes, `${name}new_classes`)) storages.set(className, "legacy-kv");
    for (const className of texts(migration.new_sqlite_classes, `${name}new_sqlite_classes`))
      storages.set(className, "sqlite");
  }
  return storages;
}

/** @param {unknown} value @param {ReturnType<typeof readMigrations>} storages */
function readDurableObjects(value, storages) {
  const settings = table(value ?? {}, "durable_objects");
  refuseOthers(settings, ["bindings"], "durable_objects.");
  return list(settings.bindings, "durable_objects.bindings").map((item, index) => {
    const name = `durable_objects.bindings[${index}].`;
    const object = table(item, name.slice(0, -1));
    refuseOthers(object, ["name", "class_name"], name);
    const className = text(object.class_name, `${name}class_name`);
    const storage = storages.get(className);
    if (storage === undefined)
      throw new ConfigError(`no migration creates the class ${className} of ${name}class_name`);
    return { binding: text(object.name, `${name}name`), className, storage };
  });
}

/** @param {unknown} value @returns {Config["rateLimits"]} */
function readRateLimits(value) {
  return list(value, "ratelimits").map((item, index) => {
    const name = `ratelimits[${index}].`;
    const rateLimit = table(item, name.slice(0, -1));
    refuseOthers(rateLimit, ["name", "namespace_id", "simple"], name);
    const { limit, period, ...others } = table(rateLimit.simple, `${name}simple`);
    refuseOthers(others, [], `${name}simple.`);
    if (typeof limit !== "number") throw new ConfigError(`${name}simple.limit must be a number`);
    if (period !== 10 && period !== 60) throw new ConfigError(`${name}simple.period must be 10 or 60`);
    return {
      name: text(rateLimit.name, `${name}name`),
      namespace: text(rateLimit.namespace_id, `${name}namespace_id`),
      simple: { limit, period },
    };
  });
}

/** @param {unknown} value @param {string} project @returns {Assets | undefined} */
function readAssets(value, project) {
  if (value === undefined) return undefined;
  const settings = table(value, "assets");
  const { directory, binding, html_handling, run_worker_first } = settings;
  refuseOthers(settings, ["directory", "binding", "html_handling", "run_worker_first"], "assets.");
  const folder = join(project, text(directory, "assets.directory"));
  if (!existsSync(folder)) throw new ConfigError(`assets.directory names ${directory}, which does not exist`);
  return {
    directory: folder,
    binding: binding === undefined ? undefined : text(binding, "assets.binding"),
    htmlHandling: html_handling === undefined ? undefined : readHtmlHandling(html_handling),
    runWorkerFirst: typeof run_worker_first === "boolean" ? run_worker_first : readRules(run_worker_first),
  };
}

/** @param {unknown} value @returns {HtmlHandling} */
function readHtmlHandling(value) {
  for (const known of /** @type {const} */ ([
    "auto-trailing-slash",
    "drop-trailing-slash",
    "force-trailing-slash",
    "none",
  ])) {
    if (value === known) return known;
  }
  throw new ConfigError(`assets.html_handling cannot be ${value}`);
}

/** @param {unknown} value */
function readRules(value) {
  return value === undefined ? undefined : texts(value, "assets.run_worker_first");
}

/** @param {string} project @returns {Config} */
export function readConfig(project) {
  const settings = readToml(project);
  const {
    name,
    main,
    compatibility_date,
    compatibility_flags,
    vars,
    kv_namespaces,
    r2_buckets,
    durable_objects,
    migrations,
    ratelimits,
    triggers,
    assets,
    ...others
  } = settings;
  refuseOthers(others, IGNORED);
  refuseOthers(table(triggers ?? {}, "triggers"), ["crons"], "triggers.");
  const entryPoint = text(main, "main");
  if (!entryPoint.endsWith(".py")) throw new ConfigError(`main must be a Python file, not ${entryPoint}`);
  return {
    name: text(name, "name"),
    main: entryPoint,
    compatibilityDate: readCompatibilityDate(compatibility_date),
    compatibilityFlags: readCompatibilityFlags(compatibility_flags),
    vars: { ...table(vars ?? {}, "vars") },
    kvNamespaces: readKvNamespaces(kv_namespaces),
    r2Buckets: readR2Buckets(r2_buckets),
    durableObjects: readDurableObjects(durable_objects, readMigrations(migrations)),
    rateLimits: readRateLimits(ratelimits),
    assets: readAssets(assets, project),
  };
}
