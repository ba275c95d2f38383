// Runs inside workerd: boots Pyodide from precompiled modules and bridges JS entrypoints to the project's Python classes.
import * as cloudflareWorkers from "cloudflare:workers";
import * as cloudflareSockets from "cloudflare:sockets";
import "./shims.mjs";
import createPyodideModule from "./pyodide.asm.mjs";
import pyodideWasm from "./pyodide.asm.wasm";
import stdlib from "./python_stdlib.zip";
import filesJson from "./files.json"; // {"relative/path": base64}
import bridgeSource from "./bridge.py";

const ROOT = "/session/metadata"; // where Cloudflare mounts the bundle

function populateFileSystem(m) {
  const version = m.HEAPU32[m._Py_Version >>> 2];
  const [major, minor, micro] = (m.API.pyVersionTuple = [version >>> 24, (version >>> 16) & 255, (version >>> 8) & 255]);
  m.API.sitePackages = `/lib/python${major}.${minor}/site-packages`;
  m.FS.mkdirTree(m.API.sitePackages);
  m.FS.mkdirTree(`${ROOT}/python_modules`);
  m.FS.writeFile(`/lib/python${major}${minor}.zip`, new Uint8Array(stdlib), { canOwn: true });
  for (const [name, data] of Object.entries(JSON.parse(filesJson))) {
    const path = `${ROOT}/${name}`;
    m.FS.mkdirTree(path.slice(0, path.lastIndexOf("/")));
    m.FS.writeFile(path, Uint8Array.from(atob(data), (c) => c.charCodeAt(0)));
  }
  Object.assign(m.ENV, m.API.config.env);
}

function patchWaitUntil(ctx) { // called by the SDK for every entrypoint object
  if (Object.hasOwn(ctx, "waitUntil") || typeof ctx.waitUntil !== "function") return;
  const waitUntil = ctx.waitUntil.bind(ctx);
  ctx.waitUntil = (awaitable) => {
    const kept = awaitable.copy?.() ?? awaitable; // a PyProxy argument dies when the call returns
    waitUntil((async () => { try { await kept; } finally { kept.destroy?.(); } })());
  };
}

async function boot(mainModule) {
  const marker = Symbol("error marker");
  const m = await createPyodideModule({
    noImageDecoding: true, noAudioDecoding: true, noWasmDecoding: true,
    API: { config: {
      jsglobals: globalThis, indexURL: "/", args: [], packages: [], packageBaseUrl: "", packageCacheDir: "", cdnUrl: "",
      enableRunUntilComplete: true, env: { HOME: "/session", PYTHONHASHSEED: "0" }, // no entropy in global scope
    } },
    preRun: [populateFileSystem],
    instantiateWasm(imports, done) {
      imports.sentinel = { create_sentinel: () => marker, is_sentinel: (x) => x === marker };
      done(new WebAssembly.Instance(pyodideWasm, imports), pyodideWasm);
      return {};
    },
  });
  const pyodide = m.API.finalizeBootstrap();
  m.API.initializeStreams();
  pyodide.registerJsModule("_pyodide_entrypoint_helper", {
    cloudflareWorkersModule: cloudflareWorkers, cloudflareSocketsModule: cloudflareSockets, patchWaitUntil,
    doAnImport(name) { throw new Error(`the harness cannot import the JS module ${name}`); },
  });
  pyodide.registerJsModule("_cloudflare_compat_flags", {
    python_request_headers_preserve_commas: true, python_workflows_implicit_dependencies: true,
  });
  pyodide.runPython(`import sys; sys.path[:0] = ["${ROOT}", "${ROOT}/python_modules"]`);
  const bridge = pyodide.toPy({});
  pyodide.runPython(bridgeSource, { globals: bridge });
  return { main: pyodide.pyimport(mainModule), call: bridge.get("call"), classes: {} };
}

// Global scope, as in production: the project's import-time code may not do I/O or start timers.
let python;
export async function start(mainModule) {
  crypto.getRandomValues = (array) => array.fill(1); // placeholder entropy, see bridge.py
  python = await boot(mainModule);
  delete crypto.getRandomValues;
}

const instantiate = (name, ctx, env) => (python.classes[name] ??= python.main[name])(ctx, env);

async function handleEvent(entrypoint, method, args) { // like production: a new Python object for every event
  const instance = instantiate("Default", entrypoint.ctx, entrypoint.env);
  try { return await python.call(instance, method, ...args); } finally { instance.destroy(); }
}

export class Default extends cloudflareWorkers.WorkerEntrypoint {
  fetch(...args) { return handleEvent(this, "fetch", args); }
  scheduled(...args) { return handleEvent(this, "scheduled", args); }
}

export const durableObject = (className) => class extends cloudflareWorkers.DurableObject {
  constructor(ctx, env) {
    super(ctx, env);
    const instance = instantiate(className, ctx, env);
    return new Proxy(this, { // fetch, alarm, webSocket* and every RPC method
      get: (target, name) => typeof name === "string" ? (...args) => python.call(instance, name, ...args) : Reflect.get(target, name),
    });
  }
};
