// Starts Python the way Cloudflare's runtime does, with stock Pyodide: same paths, same search order, same surroundings.
import { asBrowser } from "./environment.mjs";
// @ts-ignore: it is put beside this file only in workerd, and has no types
import createPyodideModule from "./pyodide.asm.mjs";
import wasm from "./pyodide.asm.wasm";
import stdlib from "./python_stdlib.zip";
import encodedFiles from "./files.json";

/** Where the bundle is mounted. */
const BUNDLE = "/session/metadata";

/** @returns {Promise<PyProxy>} Pyodide's API */
export async function startPython() {
  const module = await asBrowser(() =>
    createPyodideModule({
      noImageDecoding: true,
      noAudioDecoding: true,
      noWasmDecoding: true,
      API: {
        config: {
          jsglobals: globalThis,
          // The runtime has no randomness to offer yet, so hashes cannot be randomized.
          env: { HOME: "/session", PYTHONHASHSEED: "111" },
          args: [],
          packages: [],
          lockFileURL: "",
          enableRunUntilComplete: true,
        },
        runtimeEnv: { IN_WORKERD: true, IN_BROWSER: true, IN_BROWSER_MAIN_THREAD: true },
      },
      preRun: [setVersion, mountStandardLibrary, setEnvironment],
      instantiateWasm,
    }),
  );
  const pyodide = module.API.finalizeBootstrap();
  module.API.initializeStreams(null, console.log, console.error);
  mountBundle(pyodide.FS);
  setSearchPath(pyodide, module.API.sitePackages);
  return pyodide;
}

/** @param {EmscriptenModule} module */
function setVersion(module) {
  const version = module.HEAPU32[module._Py_Version >>> 2];
  module.API.pyVersionTuple = [version >>> 24, (version >>> 16) & 255, (version >>> 8) & 255];
}

/** @param {EmscriptenModule} module */
function mountStandardLibrary(module) {
  const [major, minor] = module.API.pyVersionTuple;
  module.API.sitePackages = `/lib/python${major}.${minor}/site-packages`;
  module.FS.mkdirTree(module.API.sitePackages);
  module.FS.mkdirTree(module.API.config.env.HOME);
  module.FS.writeFile(`/lib/python${major}${minor}.zip`, new Uint8Array(stdlib), { canOwn: true });
}

/** @param {EmscriptenModule} module */
function setEnvironment(module) {
  Object.assign(module.ENV, module.API.config.env);
}

/** @param {any} imports @param {(instance: WebAssembly.Instance, module: WebAssembly.Module) => void} done */
function instantiateWasm(imports, done) {
  // Pyodide's loader makes these of a wasm module of its own, and falls back to this.
  const error = Symbol("Python error");
  imports.env.Jsv_GetError_import = () => error;
  imports.env.JsvError_Check = (/** @type {unknown} */ value) => value === error;
  done(new WebAssembly.Instance(wasm, imports), wasm);
  return {};
}

/** @param {EmscriptenModule["FS"]} fs */
function mountBundle(fs) {
  for (const [path, base64] of Object.entries(JSON.parse(encodedFiles))) {
    const target = `${BUNDLE}/${path}`;
    fs.mkdirTree(target.slice(0, target.lastIndexOf("/")));
    fs.writeFile(
      target,
      Uint8Array.from(atob(base64), (char) => char.charCodeAt(0)),
    );
  }
}

/**
 * As Cloudflare's runtime does it: the project's own modules come last.
 *
 * @param {PyProxy} pyodide
 * @param {string} sitePackages
 */
function setSearchPath(pyodide, sitePackages) {
  pyodide.runPython(
    `
import importlib, os, site, sys
os.chdir("/")
sys.path += ["${BUNDLE}", "/session${sitePackages}"]
first = next(index for index, path in enumerate(sys.path) if "site-packages" in path)
sys.path.insert(first, "${BUNDLE}/python_modules")
importlib.invalidate_caches()
site.addsitedir("${BUNDLE}/python_modules")
`,
    { globals: pyodide.toPy({}) },
  );
}
