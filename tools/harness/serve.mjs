// Serves a Python Worker, unmodified, in the real workerd:
//   node serve.mjs [--project DIR] [--host ADDRESS] [--port N] [--var NAME:VALUE ...] [--persist DIR] [--control-port N]
// Port 0 is a free one. Says `listening on URL` once the Worker answers.
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { Miniflare } from "miniflare";
import { startControl } from "./control.mjs";
import { miniflareOptions } from "./options.mjs";
import { readProject } from "./project.mjs";

/** @param {string} name @param {string} value */
function port(name, value) {
  const number = Number(value);
  if (!/^\d+$/.test(value) || number > 65_535) throw new Error(`--${name} must be from 0 to 65535, not ${value}`);
  return number;
}

/** @param {string[]} pairs @returns {Record<string, string>} */
function variables(pairs) {
  return Object.fromEntries(
    pairs.map((pair) => {
      const [, name, value] = /^(\w+):(.*)$/s.exec(pair) ?? [];
      if (name === undefined) throw new Error(`--var must be NAME:VALUE, not ${pair}`);
      return [name, value];
    }),
  );
}

async function main() {
  const { values } = parseArgs({
    options: {
      project: { type: "string", default: "." },
      host: { type: "string", default: "127.0.0.1" },
      port: { type: "string", default: "8787" },
      var: { type: "string", multiple: true, default: [] },
      persist: { type: "string" },
      "control-port": { type: "string" },
    },
  });
  const project = readProject(resolve(values.project));
  Object.assign(project.vars, variables(values.var));
  const listen = { host: values.host, port: port("port", values.port), persist: values.persist };
  const miniflare = new Miniflare(miniflareOptions(project, listen));
  const stop = async () => {
    await miniflare.dispose();
    process.exit(0);
  };
  process.on("SIGTERM", stop).on("SIGINT", stop);
  const url = await miniflare.ready;
  if (values["control-port"] !== undefined) {
    const bindings = project.kvNamespaces.map(({ binding }) => binding);
    const controlPort = await startControl(miniflare, bindings, port("control-port", values["control-port"]));
    console.log(`control on http://127.0.0.1:${controlPort}`);
  }
  console.log(`listening on ${url.origin}`);
}

main().catch((error) => {
  console.error(`serve: ${error instanceof Error ? error.message : error}`);
  process.exit(1);
});
