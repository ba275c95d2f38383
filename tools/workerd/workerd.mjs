// Starts workerd, through Miniflare, with a Python Worker in it.
import { createServer } from "node:net";
import { Log, LogLevel, Miniflare } from "miniflare";
import { workerModules } from "./modules.mjs";

/**
 * @typedef {object} Settings
 * @property {import("./config.mjs").Config} config
 * @property {import("./bundle.mjs").Files} files
 * @property {string} host
 * @property {number} port 0 is a free one
 * @property {string | undefined} persist the folder that keeps the data; without one they are forgotten
 */

/** @param {Settings} settings @returns {Promise<Miniflare>} when it is starting */
export async function startWorkerd(settings) {
  await refuseTakenPort(settings.host, settings.port);
  return new Miniflare(options(settings));
}

/**
 * Wait until the Worker answers. No request is needed for that: workerd opens its ports after it has run every Worker's
 * global scope, and there Python starts and imports the project.
 *
 * @param {Miniflare} miniflare
 */
export async function address(miniflare) {
  await miniflare.ready.catch((error) => {
    // Its message repeats at length what workerd has just logged.
    throw error.code === "ERR_RUNTIME_FAILURE"
      ? new Error("the Worker could not be started, for the reason above")
      : error;
  });
  return (await miniflare.unsafeGetDirectURL()).origin;
}

/** workerd's own complaint about it is long. @param {string} host @param {number} port @returns {Promise<void>} */
function refuseTakenPort(host, port) {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", (/** @type {NodeJS.ErrnoException} */ error) => {
      reject(
        new Error(`cannot listen on ${host}:${port}: ${error.code === "EADDRINUSE" ? "it is taken" : error.message}`),
      );
    });
    probe.listen(port, host, () => probe.close(() => resolve()));
  });
}

/** @param {Settings} settings @returns {import("miniflare").MiniflareOptions} */
function options({ config, files, host, port, persist }) {
  return {
    // Miniflare's own front door: it is not used, since it alters requests and answers some of them itself.
    host: "127.0.0.1",
    port: 0,
    log: new Log(LogLevel.WARN),
    logRequests: false,
    handleStructuredLogs: (/** @type {{ message: string }} */ { message }) => console.error(message),
    cf: false, // or it would ask the internet where this machine is
    ...(persist === undefined ? {} : { resourcePersistencePath: persist }),
    workers: [
      {
        config: {
          name: config.name,
          compatibilityDate: config.compatibilityDate,
          compatibilityFlags: config.compatibilityFlags,
          manifest: workerModules(config, files),
          env: bindings(config),
          exports: Object.fromEntries(
            config.durableObjects.map(({ className, storage }) => [className, { type: "durable-object", storage }]),
          ),
          ...assets(config),
        },
        dev: {
          unsafeDirectSockets: [{ host, port }],
          unsafeEvalBinding: "__UNSAFE_EVAL", // see runtime/environment.mjs
        },
      },
    ],
  };
}

/** @param {import("./config.mjs").Config} config */
function assets({ assets }) {
  if (assets === undefined) return {};
  const { directory, htmlHandling, runWorkerFirst } = assets;
  return { assets: { directory, htmlHandling, runWorkerFirst, hasUserWorker: true } };
}

/** @param {import("./config.mjs").Config} config */
function bindings({ name: worker, vars, kvNamespaces, r2Buckets, durableObjects, rateLimits, assets }) {
  return Object.fromEntries([
    ...Object.entries(vars).map(([name, value]) => [
      name,
      { type: typeof value === "string" ? "text" : "json", value },
    ]),
    ...kvNamespaces.map(({ binding, id }) => [binding, { type: "kv", id }]),
    ...r2Buckets.map(({ binding, name }) => [binding, { type: "r2", name }]),
    ...durableObjects.map(({ binding, className }) => [
      binding,
      { type: "durable-object", worker, exportName: className },
    ]),
    ...rateLimits.map(({ name, namespace, simple }) => [name, { type: "rate-limit", namespace, simple }]),
    ...(assets?.binding === undefined ? [] : [[assets.binding, { type: "assets" }]]),
  ]);
}
