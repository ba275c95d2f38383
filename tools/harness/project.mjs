// What a project's wrangler.toml says, and the files that would be uploaded with it.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { parse } from "smol-toml";

/**
 * @typedef {{ binding: string, id: string }} KvNamespace
 * @typedef {{ name: string, className: string, sqlite: boolean }} DurableObject
 * @typedef {object} Project
 * @property {string} mainModule the Python module of the entry point
 * @property {string} compatibilityDate
 * @property {string[]} compatibilityFlags
 * @property {Record<string, string>} vars
 * @property {KvNamespace[]} kvNamespaces
 * @property {DurableObject[]} durableObjects
 * @property {Record<string, string>} files the bundle: base64 by path
 */

/** Settings of a deployed Worker that mean nothing here. */
const IGNORED = new Set(["name", "$schema", "account_id", "workers_dev", "preview_urls", "routes", "observability", "placement"]);
const KNOWN = new Set(["main", "compatibility_date", "compatibility_flags", "vars", "kv_namespaces", "durable_objects", "migrations"]);

/** The runtime's Python is 3.13 from the first of these dates until the day before the second. */
const PYTHON_3_13 = ["2025-09-29", "2026-09-08"];

/** What wrangler uploads from the entry point's folder. */
const UPLOADED = /\.(py|txt|html|sql|bin|wasm)$/;

/** @param {string} folder @returns {Project} */
export function readProject(folder) {
  const path = join(folder, "wrangler.toml");
  if (!existsSync(path)) throw new Error(`there is no wrangler.toml in ${folder}`);
  /** @type {Record<string, any>} */
  const config = parse(readFileSync(path, "utf8"));
  for (const key of Object.keys(config)) {
    if (!KNOWN.has(key) && !IGNORED.has(key)) throw new Error(`wrangler.toml: ${key} is not supported here`);
  }
  const date = config.compatibility_date;
  if (date < PYTHON_3_13[0] || date >= PYTHON_3_13[1]) {
    throw new Error(`wrangler.toml: compatibility_date ${date} asks for another Python than the 3.13 that is here`);
  }
  const sqlite = new Set((config.migrations ?? []).flatMap((/** @type {any} */ m) => m.new_sqlite_classes ?? []));
  return {
    mainModule: basename(config.main, ".py"),
    compatibilityDate: date,
    compatibilityFlags: config.compatibility_flags ?? [],
    vars: config.vars ?? {},
    kvNamespaces: config.kv_namespaces ?? [],
    durableObjects: (config.durable_objects?.bindings ?? []).map((/** @type {any} */ object) => ({
      name: object.name,
      className: object.class_name,
      sqlite: sqlite.has(object.class_name),
    })),
    files: { ...read(join(folder, dirname(config.main)), "", UPLOADED), ...pythonModules(folder) },
  };
}

/** The vendored packages, where pywrangler puts them, too. @param {string} folder */
function pythonModules(folder) {
  const modules = join(folder, "python_modules");
  if (!existsSync(modules)) throw new Error(`${modules} is missing: it holds the Workers SDK`);
  return read(modules, "python_modules", /./);
}

/** @param {string} from @param {string} to @param {RegExp} wanted @returns {Record<string, string>} */
function read(from, to, wanted) {
  /** @type {Record<string, string>} */
  const files = {};
  for (const entry of readdirSync(from, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (!entry.isFile() || path.includes("__pycache__") || !wanted.test(path)) continue;
    files[join(to, relative(from, path))] = readFileSync(path).toString("base64");
  }
  return files;
}
