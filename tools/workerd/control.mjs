// For tests: what the Worker keeps in KV, seen and changed from outside, and its cron triggers. Only for this machine.
import { createServer } from "node:http";
import { text } from "node:stream/consumers";

/**
 * What is used here of Miniflare's KV namespaces; their own types describe more than there is.
 * @typedef {object} Namespace
 * @property {(options: { cursor?: string }) => Promise<{ keys: Key[], list_complete: boolean, cursor?: string }>} list
 * @property {(key: string) => Promise<string | null>} get
 * @property {(key: string, value: string) => Promise<void>} put
 * @property {(key: string) => Promise<void>} delete
 *
 * @typedef {{ scheduled: (options: { cron: string }) => Promise<{ outcome: string }> }} Scheduled
 * @typedef {{ name: string, expiration?: number }} Key
 * @typedef {{ status: number, body?: string }} Answer
 */

/**
 * @param {import("miniflare").Miniflare} miniflare
 * @param {import("./config.mjs").Config} config
 * @param {number} port 0 is a free one
 * @returns {Promise<string>} its URL
 */
export function startControl(miniflare, config, port) {
  const bindings = config.kvNamespaces.map(({ binding }) => binding);

  /** @param {import("node:http").IncomingMessage} request @returns {Promise<Answer>} */
  async function answer(request) {
    const url = new URL(request.url ?? "", "http://control");
    const [kind, binding, key] = url.pathname.slice(1).split("/").map(decodeURIComponent);
    if (kind === "scheduled" && request.method === "POST") {
      const worker = /** @type {Scheduled} */ (/** @type {unknown} */ (await miniflare.getWorker()));
      const { outcome } = await worker.scheduled({ cron: url.searchParams.get("cron") ?? "" });
      return { status: outcome === "ok" ? 200 : 500, body: outcome };
    }
    if (kind !== "kv" || !bindings.includes(binding)) return { status: 404 };
    const namespace = /** @type {Namespace} */ (/** @type {unknown} */ (await miniflare.getKVNamespace(binding)));
    return key === undefined ? listKeys(namespace) : useKey(namespace, key, request);
  }

  const server = createServer(async (request, response) => {
    const { status, body } = await answer(request).catch((error) => ({ status: 500, body: String(error) }));
    response.writeHead(status).end(body);
  });
  return new Promise((resolve, reject) => {
    server.once("error", (/** @type {NodeJS.ErrnoException} */ { code, message }) => {
      reject(new Error(`cannot listen on 127.0.0.1:${port}: ${code === "EADDRINUSE" ? "it is taken" : message}`));
    });
    server.listen(port, "127.0.0.1", () => {
      const address = server.address();
      resolve(`http://127.0.0.1:${typeof address === "object" ? address?.port : port}`);
    });
  });
}

/** @param {Namespace} namespace @returns {Promise<Answer>} */
async function listKeys(namespace) {
  /** @type {Key[]} */
  const keys = [];
  let cursor;
  do {
    const page = await namespace.list(cursor === undefined ? {} : { cursor });
    keys.push(...page.keys.map(({ name, expiration }) => ({ name, expiration })));
    cursor = page.list_complete ? undefined : page.cursor;
  } while (cursor !== undefined);
  return { status: 200, body: JSON.stringify(keys) };
}

/**
 * @param {Namespace} namespace
 * @param {string} key
 * @param {import("node:http").IncomingMessage} request
 * @returns {Promise<Answer>}
 */
async function useKey(namespace, key, request) {
  switch (request.method) {
    case "GET": {
      const value = await namespace.get(key);
      return value === null ? { status: 404 } : { status: 200, body: value };
    }
    case "PUT":
      await namespace.put(key, await text(request));
      return { status: 204 };
    case "DELETE":
      await namespace.delete(key);
      return { status: 204 };
    default:
      return { status: 405 };
  }
}
