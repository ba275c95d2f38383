// The files that wrangler uploads for a Python Worker.
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, sep } from "node:path";

/** What wrangler takes from the entry point's folder. */
const UPLOADED = /\.(py|txt|html|sql|bin|wasm)$/;

/** What it leaves out of the vendored packages. */
const COMPILED = /\.pyc$/;

/** @typedef {Map<string, Uint8Array>} Files by path, as the Worker sees it: with `/`, relative to the bundle's root */

/** @param {string} project @param {string} main the entry point, relative to `project` @returns {Files} */
export function bundle(project, main) {
  const entryPoint = join(project, main);
  if (!existsSync(entryPoint)) throw new Error(`wrangler.toml: main names ${main}, which does not exist`);
  const modules = join(project, "python_modules");
  if (!existsSync(modules)) {
    throw new Error(
      `${modules} is missing; it holds the Workers SDK: uv pip install --target python_modules workers-runtime-sdk`,
    );
  }
  return new Map([
    ...read(dirname(entryPoint), "", (path) => UPLOADED.test(path)),
    ...read(modules, "python_modules/", (path) => !COMPILED.test(path)),
  ]);
}

/** @param {string} folder @param {string} prefix @param {(path: string) => boolean} wanted */
function* read(folder, prefix, wanted) {
  for (const name of readdirSync(folder, { recursive: true, encoding: "utf8" })) {
    const path = join(folder, name);
    if (!wanted(name) || !statSync(path).isFile()) continue;
    yield /** @type {const} */ ([prefix + name.split(sep).join("/"), new Uint8Array(readFileSync(path))]);
  }
}
