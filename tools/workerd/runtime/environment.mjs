// What the globals of workerd must look like while Pyodide runs. Imported before Pyodide, for its effects.
import { env } from "cloudflare:workers";

// Pyodide compiles small trampolines at any time. workerd allows that in no request, except through this binding.
WebAssembly.Module = new Proxy(WebAssembly.Module, {
  construct: (_, [bytes]) => env.__UNSAFE_EVAL.newWasmModule(bytes),
});

// No JSPI: with it, the interpreter dies with "table index is out of bounds" after some 70,000 requests.
Reflect.deleteProperty(WebAssembly, "Suspending");

// asyncio's zero-delay callbacks (every step of a task is one) must be microtasks. A timer or a message leaves the input
// gate of a Durable Object: other events get in between, and updates are lost. A MessageChannel for each also means
// seconds of garbage collection under load; without one, Pyodide takes setTimeout.
Reflect.set(globalThis, "MessageChannel", undefined);
const { setTimeout } = globalThis;
Reflect.set(
  globalThis,
  "setTimeout",
  (
    /** @type {(...args: unknown[]) => void} */ callback,
    /** @type {number} */ delay,
    /** @type {unknown[]} */ ...args
  ) => {
    if (delay > 0) return setTimeout(callback, delay, ...args);
    queueMicrotask(() => callback(...args));
    return 0;
  },
);

/**
 * Let `create` see the main thread of a browser: of what Emscripten knows, it expects least of its surroundings.
 * The detection is over when `create` returns, which is at its first await.
 *
 * @template T
 * @param {() => T} create
 * @returns {T}
 */
export function asBrowser(create) {
  const disguise = {
    window: { sessionStorage: {} },
    document: { createElement() {} },
    sessionStorage: {},
    process: undefined,
    WorkerGlobalScope: undefined,
    addEventListener() {}, // workerd refuses the kinds of listeners that Emscripten wants
  };
  const before = Object.getOwnPropertyDescriptors(globalThis);
  Object.assign(globalThis, disguise);
  try {
    return create();
  } finally {
    for (const name of Object.keys(disguise)) {
      Reflect.deleteProperty(globalThis, name);
      if (name in before) Reflect.defineProperty(globalThis, name, Reflect.get(before, name));
    }
  }
}
