// A look from outside at what the Worker keeps in KV, for tests: /kv/BINDING lists keys, /kv/BINDING/KEY is one of them.
import { createServer } from "node:http";

/**
 * What is used of a KV namespace here.
 * @typedef {object} Namespace
 * @property {() => Promise<{ keys: unknown[] }>} list
 * @property {(key: string) => Promise<string | null>} get
 * @property {(key: string) => Promise<void>} delete
 */

/**
 * @param {import("miniflare").Miniflare} miniflare
 * @param {string[]} bindings
 * @param {number} port
 * @returns {Promise<number>} the port
 */
export function startControl(miniflare, bindings, port) {
  const server = createServer(async (request, response) => {
    try {
      const { status, body } = await answer(request);
      response.writeHead(status).end(body);
    } catch (error) {
      response.writeHead(500).end(String(error));
    }
  });

  /** @param {import("node:http").IncomingMessage} request @returns {Promise<{ status: number, body?: string }>} */
  async function answer(request) {
    const [, kind, binding, key] = (request.url ?? "").split("/").map(decodeURIComponent);
    if (kind !== "kv" || !bindings.includes(binding)) return { status: 404 };
    const namespace = /** @type {Namespace} */ (/** @type {unknown} */ (await miniflare.getKVNamespace(binding)));
    if (key === undefined) return { status: 200, body: JSON.stringify((await namespace.list()).keys) };
    if (request.method === "DELETE") {
      await namespace.delete(key);
      return { status: 204 };
    }
    const value = await namespace.get(key);
    return value === null ? { status: 404 } : { status: 200, body: value };
  }

  return new Promise((resolve, reject) => {
    server.once("error", reject).listen(port, "127.0.0.1", () => {
      const address = server.address();
      resolve(typeof address === "object" && address !== null ? address.port : port);
    });
  });
}
