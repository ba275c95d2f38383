// The service's routes for parts (docs/protocol.md). Every request may be repeated: a line that breaks is waited for.

import { encodeBase64url } from "./encoding.js";
import { Cancelled, Refused, SILENCE, Unreachable } from "./service.js";

/** @typedef {import("./parts.js").PartKeys} PartKeys */
/** @typedef {Uint8Array<ArrayBuffer>} Bytes */
/**
 * How somebody follows a request.
 *
 * @typedef {object} Watcher
 * @property {AbortSignal} signal ends the request
 * @property {(bytes: number) => void} [onBytes] is told how many bytes have gone their way; fewer after a repetition
 * @property {(why: Wait | null) => void} [onWait] is told why nothing moves, and when that is over
 */
/** @typedef {{ why: "lost" } | { why: "budget", until: Date }} Wait */
/** @typedef {{ status: number, retryAfter: number, hasMoved: boolean, body: ArrayBuffer | null }} Answer */

/** Milliseconds before a request is repeated; the last pause is taken again and again. */
const PAUSES = [500, 1_000, 2_000, 4_000, 8_000, 15_000];
/** How often a part may break off, or be refused by something between here and the service, before that is told. */
const MAX_FAILURES = 3;

/** The line, or something on it, does not take a part of this size. */
export class PartTooLarge extends Error {
  /** @param {Error} reason what is told if there is no smaller size */
  constructor(reason) {
    super();
    this.reason = reason;
  }
}

/** Store a part. @param {PartKeys} keys @param {Bytes} part @param {Record<string, string>} headers @param {Watcher} watcher */
export async function putPart(keys, part, headers, watcher) {
  await request("PUT", keys, { headers, body: part, watcher });
}

/** Fetch a part: its bytes as they are stored. @param {PartKeys} keys @param {Watcher} watcher */
export async function getPart(keys, watcher) {
  return new Uint8Array(await request("GET", keys, { headers: bearer(keys), watcher }));
}

/** Delete parts, as far as the service can be reached. @param {PartKeys[]} parts */
export async function deleteParts(parts) {
  const watcher = { signal: new AbortController().signal };
  for (const keys of parts) {
    try {
      await request("DELETE", keys, { headers: bearer(keys), watcher, patience: MAX_FAILURES });
    } catch {
      // It was never stored, or expires.
    }
  }
}

function bearer(/** @type {PartKeys} */ keys) {
  return { Authorization: `Bearer ${encodeBase64url(keys.proof)}` };
}

/**
 * Send a request until its response arrives.
 *
 * @param {"PUT" | "GET" | "DELETE"} method
 * @param {PartKeys} keys
 * @param {{ headers: Record<string, string>, body?: Bytes, watcher: Watcher, patience?: number }} options
 *   `patience`: how often no answer may come
 */
async function request(method, keys, { headers, body, watcher, patience = Infinity }) {
  const { signal, onWait = () => undefined } = watcher;
  for (let [lost, failures] = [0, 0]; ;) {
    const answer = await sendOnce(method, `/${keys.id}/part`, headers, body, watcher);
    if (signal.aborted) throw new Cancelled();
    const { status, retryAfter, hasMoved } = answer;
    if (status >= 200 && status < 300) {
      onWait(null);
      return answer.body ?? new ArrayBuffer(0);
    }
    const error = errorOf(answer);
    if (status === 429) {
      if (error.code === "upload_budget") onWait({ why: "budget", until: new Date(Date.now() + retryAfter) });
      await pause(retryAfter, signal);
      continue;
    }
    const isBlocked = method === "PUT" && ((status === 0 && hasMoved) || (status !== 0 && !error.code));
    if (isBlocked && (status === 413 || ++failures === MAX_FAILURES)) {
      throw new PartTooLarge(status ? error : new Unreachable("none"));
    }
    const isDown = status === 0 || status >= 500;
    if ((!isDown && !isBlocked) || (error.code && ++failures === MAX_FAILURES)) throw error;
    if (lost + 1 >= patience) throw error;
    onWait({ why: "lost" });
    await pause(PAUSES[Math.min(lost++, PAUSES.length - 1)], signal);
  }
}

/** The service's own refusals have a code; what stands before it has none. */
function errorOf(/** @type {Answer} */ { status, body }) {
  try {
    return new Refused(status, JSON.parse(new TextDecoder().decode(body ?? new ArrayBuffer(0))), "none");
  } catch {
    return new Refused(status, {}, "none");
  }
}

/**
 * Send a request once. `fetch` does not tell how far an upload is, and so cannot tell a slow line from a broken one.
 *
 * @param {string} method
 * @param {string} path
 * @param {Record<string, string>} headers
 * @param {Bytes | undefined} body
 * @param {Watcher} watcher
 * @returns {Promise<Answer>} the status is 0 if no whole response comes
 */
function sendOnce(method, path, headers, body, { signal, onBytes }) {
  return new Promise((resolve) => {
    const request = new XMLHttpRequest();
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let timer;
    let hasMoved = false;
    const abort = () => request.abort();
    const waitForMore = () => {
      clearTimeout(timer);
      timer = setTimeout(abort, SILENCE);
    };
    const move = (/** @type {ProgressEvent} */ { loaded }) => {
      waitForMore();
      hasMoved ||= loaded > 0;
      onBytes?.(loaded);
    };
    request.open(method, path);
    request.responseType = "arraybuffer";
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    if (body) request.upload.onprogress = move;
    else request.onprogress = move;
    request.onloadend = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", abort);
      const retryAfter = 1_000 * Math.max(1, Number(request.getResponseHeader("Retry-After")) || 1);
      resolve({ status: request.status, retryAfter, hasMoved, body: request.response });
    };
    signal.addEventListener("abort", abort);
    waitForMore();
    request.send(body ? new Blob([body]) : null); // which the browser sends without another copy in this tab
    if (signal.aborted) abort();
  });
}

/** Wait; not any longer than until the browser is online again. */
function pause(/** @type {number} */ milliseconds, /** @type {AbortSignal} */ signal) {
  return new Promise((/** @type {(value?: undefined) => void} */ resolve, reject) => {
    const timer = setTimeout(end, milliseconds);
    function end() {
      clearTimeout(timer);
      removeEventListener("online", end);
      signal.removeEventListener("abort", end);
      if (signal.aborted) reject(new Cancelled());
      else resolve();
    }
    addEventListener("online", end);
    signal.addEventListener("abort", end);
    if (signal.aborted) end();
  });
}
