// Serves a project's unmodified Python Worker in the real workerd. See README.md.
import { Console } from "node:console";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { bundle } from "./bundle.mjs";
import { readConfig } from "./config.mjs";
import { startControl } from "./control.mjs";
import { address, startWorkerd } from "./workerd.mjs";

// What starts this program reads its lines from stdout. Anything else, also Miniflare's, belongs on stderr.
globalThis.console = new Console(process.stderr, process.stderr);

/** @param {string} line */
function announce(line) {
  process.stdout.write(`${line}\n`);
}

/** @param {string} option @param {string} value */
function portNumber(option, value) {
  if (!/^\d{1,5}$/.test(value) || Number(value) > 65_535) {
    throw new Error(`--${option} must be from 0 to 65535, not ${value}`);
  }
  return Number(value);
}

/** @param {string[]} pairs @returns {Record<string, string>} */
function variables(pairs) {
  return Object.fromEntries(
    pairs.map((pair) => {
      const [, name, value] = /^([A-Za-z_]\w*):(.*)$/s.exec(pair) ?? [];
      if (name === undefined) throw new Error(`--var must be NAME:VALUE, not ${pair}`);
      return [name, value];
    }),
  );
}

function readArguments() {
  const { values } = parseArgs({
    options: {
      project: { type: "string", default: "." },
      host: { type: "string", default: "127.0.0.1" },
      port: { type: "string", default: "8787" },
      var: { type: "string", multiple: true, default: [] },
      bucket: { type: "string", multiple: true, default: [] },
      persist: { type: "string" },
      "control-port": { type: "string" },
      "without-rate-limits": { type: "boolean", default: false },
      "count-operations": { type: "boolean", default: false },
    },
  });
  const controlPort = values["control-port"];
  return {
    project: resolve(values.project),
    host: values.host,
    port: portNumber("port", values.port),
    vars: variables(values.var),
    buckets: values.bucket,
    persist: values.persist === undefined ? undefined : resolve(values.persist),
    withoutRateLimits: values["without-rate-limits"],
    countOperations: values["count-operations"],
    controlPort: controlPort === undefined ? undefined : portNumber("control-port", controlPort),
  };
}

async function main() {
  const { project, host, port, vars, buckets, persist, withoutRateLimits, countOperations, controlPort } =
    readArguments();
  const config = readConfig(project);
  Object.assign(config.vars, vars);
  config.r2Buckets.push(...buckets.map((binding) => ({ binding, name: binding.toLowerCase() })));
  if (countOperations) config.vars.__COUNT_OPERATIONS = true;
  if (withoutRateLimits) config.rateLimits = [];
  const miniflare = await startWorkerd({ config, files: bundle(project, config.main), host, port, persist });

  let stopping = false;
  const stop = async () => {
    if (stopping) return;
    stopping = true;
    await miniflare.dispose().catch(() => undefined); // it rejects when the start has failed
    process.exit(0);
  };
  // Miniflare's own listeners would exit first, and with another code.
  for (const signal of ["SIGINT", "SIGTERM"]) process.removeAllListeners(signal).on(signal, stop);

  try {
    const url = await address(miniflare);
    if (controlPort !== undefined) announce(`control on ${await startControl(miniflare, config, controlPort)}`);
    announce(`listening on ${url}`);
  } catch (error) {
    if (!stopping) throw error; // or it was interrupted
  }
}

main().catch((error) => {
  console.error(`serve: ${error instanceof Error ? error.message : error}`);
  process.exit(1);
});
