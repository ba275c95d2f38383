// What runtime/ uses of workerd, and of the modules that it is given there (see modules.mjs). Types for tsc only.

declare module "cloudflare:workers" {
  export const env: { __UNSAFE_EVAL: { newWasmModule(bytes: BufferSource): WebAssembly.Module } };
  export function waitUntil(promise: Promise<unknown>): void;
  export class WorkerEntrypoint {
    readonly ctx: object;
    readonly env: object;
  }
  export class DurableObject {
    constructor(ctx: object, env: object);
  }
}
declare module "cloudflare:sockets" {}
declare module "*.wasm" {
  const module: WebAssembly.Module;
  export default module;
}
declare module "*.zip" {
  const bytes: ArrayBuffer;
  export default bytes;
}
declare module "*.py" {
  const text: string;
  export default text;
}

declare module "*.json" {
  const text: string;
  export default text;
}

declare const Cloudflare: { compatibilityFlags: Record<string, boolean> };

/** Pyodide's Emscripten module and what Python objects are in JavaScript: made at run time, so there are no types. */
type EmscriptenModule = any;
type PyProxy = any;
