// The modules that workerd is given in place of a Python Worker's own: Pyodide, what drives it, and the project's
// files.
import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";

const RUNTIME = join(import.meta.dirname, "runtime");

/** @param {string} path a file of Pyodide's npm package */
function pyodide(path) {
  return readFileSync(fileURLToPath(import.meta.resolve(`pyodide/${path}`)));
}

/** @param {string} path */
function runtime(path) {
  return readFileSync(join(RUNTIME, path), "utf8");
}

/** @param {import("./config.mjs").Config} config @param {import("./bundle.mjs").Files} files */
export function workerModules(config, files) {
  const classes = [...new Set(config.durableObjects.map(({ className }) => className))];
  return {
    mainModule: "main.mjs",
    modules: {
      "main.mjs": esm(mainModule(basename(config.main, ".py"), classes)),
      "entrypoints.mjs": esm(runtime("entrypoints.mjs")),
      "interpreter.mjs": esm(runtime("interpreter.mjs")),
      "operations.mjs": esm(runtime("operations.mjs")),
      "environment.mjs": esm(runtime("environment.mjs")),
      "bridge.py": /** @type {const} */ ({ type: "text", contents: runtime("bridge.py") }),
      "files.json": /** @type {const} */ ({ type: "text", contents: encode(files) }),
      // Pyodide's loader is left out: it wants a browser or Node.
      "pyodide.asm.mjs": esm(pyodide("pyodide.asm.mjs").toString("utf8")),
      "pyodide.asm.wasm": /** @type {const} */ ({
        type: "wasm",
        contents: new Uint8Array(pyodide("pyodide.asm.wasm")),
      }),
      "python_stdlib.zip": /** @type {const} */ ({
        type: "data",
        contents: new Uint8Array(pyodide("python_stdlib.zip")),
      }),
    },
  };
}

/** @param {string} contents */
function esm(contents) {
  return /** @type {const} */ ({ type: "esm", contents });
}

/** workerd wants a Worker's classes as static exports. @param {string} pythonModule @param {string[]} classes */
function mainModule(pythonModule, classes) {
  return [
    `import { durableObject, start, worker } from "./entrypoints.mjs";`,
    `await start(${JSON.stringify(pythonModule)}, ${JSON.stringify(["Default", ...classes])});`,
    `export default worker("Default");`,
    ...classes.map((name) => `export const ${name} = durableObject(${JSON.stringify(name)});`),
  ].join("\n");
}

/** @param {import("./bundle.mjs").Files} files */
function encode(files) {
  return JSON.stringify(
    Object.fromEntries([...files].map(([path, bytes]) => [path, Buffer.from(bytes).toString("base64")])),
  );
}
