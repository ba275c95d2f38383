// From a project to Miniflare's options: its bindings, and the modules that make workerd run Python.
import { readFileSync } from "node:fs";
import { join } from "node:path";

const here = import.meta.dirname;
const pyodide = join(here, "node_modules/pyodide");

/**
 * @param {import("./project.mjs").Project} project
 * @param {{ host: string, port: number, persist: string | undefined }} listen
 * @returns {import("miniflare").MiniflareOptions}
 */
export function miniflareOptions(project, { host, port, persist }) {
  return {
    host,
    port,
    compatibilityDate: project.compatibilityDate,
    // workerd would fetch Cloudflare's own Pyodide for this one.
    compatibilityFlags: project.compatibilityFlags.filter((flag) => flag !== "python_workers"),
    modules: [
      { type: "ESModule", path: "main.mjs", contents: mainModule(project) },
      runtime("ESModule", "boot.mjs"),
      runtime("ESModule", "shims.mjs"),
      runtime("Text", "bridge.py"),
      { type: "Text", path: "files.json", contents: JSON.stringify(project.files) },
      // Stock Pyodide without its loader, which expects a browser or Node: one export makes a module of it.
      {
        type: "ESModule",
        path: "pyodide.asm.mjs",
        contents: `${readFileSync(join(pyodide, "pyodide.asm.js"), "utf8")}\nexport default _createPyodideModule;`,
      },
      { type: "CompiledWasm", path: "pyodide.asm.wasm", contents: readFileSync(join(pyodide, "pyodide.asm.wasm")) },
      { type: "Data", path: "python_stdlib.zip", contents: readFileSync(join(pyodide, "python_stdlib.zip")) },
    ],
    bindings: project.vars,
    kvNamespaces: Object.fromEntries(project.kvNamespaces.map(({ binding, id }) => [binding, id])),
    durableObjects: Object.fromEntries(
      project.durableObjects.map(({ name, className, sqlite }) => [name, { className, useSQLite: sqlite }]),
    ),
    ...(persist === undefined ? {} : { kvPersist: join(persist, "kv"), durableObjectsPersist: join(persist, "do") }),
    unsafeEvalBinding: "__UNSAFE_EVAL",
  };
}

/** @param {import("./project.mjs").Project} project */
function mainModule({ mainModule, durableObjects }) {
  const classes = new Set(durableObjects.map(({ className }) => className));
  return [
    `import { start, Default, durableObject } from "./boot.mjs";`,
    `await start(${JSON.stringify(mainModule)});`,
    `export default Default;`,
    ...[...classes].map((name) => `export const ${name} = durableObject(${JSON.stringify(name)});`),
  ].join("\n");
}

/** @param {"ESModule" | "Text"} type @param {string} path */
function runtime(type, path) {
  return { type, path, contents: readFileSync(join(here, "runtime", path)) };
}
