// The service's routes for the page (docs/protocol.md). Every request may be repeated, and is repeated when its
// response is lost.

import { encodeBase64url } from "./encoding.js";
import { hashProof } from "./envelope.js";

/** @typedef {import("./envelope.js").Keys} Keys */
/**
 * What has become of a message.
 *
 * @typedef {object} Receipt
 * @property {"unread" | "read" | "destroyed"} state
 * @property {boolean} passphrase whether the message has one
 * @property {number} readsLeft
 * @property {Date | null} at when the message was last read, or destroyed
 * @property {Date} expiresAt
 */

/** Milliseconds before the second and each further attempt. */
const PAUSES = [300, 900, 2_000];
const TIMEOUT = 30_000; // milliseconds

/** No response came, or the service is down. Nothing is lost: the request can be repeated. */
export class Unreachable extends Error {}

/** The service refused the request. */
export class Refused extends Error {
  /** @param {number} status @param {{ error?: string, code?: string, tries_left?: number }} body */
  constructor(status, body) {
    super(body.error ?? String(status));
    this.status = status;
    /** What was refused, in one stable word; empty for the errors of the API's first part, which have their status. */
    this.code = body.code ?? "";
    this.triesLeft = body.tries_left ?? 0;
  }
}

/**
 * Store an envelope.
 *
 * @param {Keys} keys
 * @param {string} envelope
 * @param {{ ttl: number, reads: number }} limits `ttl` is in seconds
 * @param {string} token needed where not everybody may create messages; else empty
 * @returns {Promise<Date>} when the message expires
 */
export async function create(keys, envelope, { ttl, reads }, token) {
  const body = { message: envelope, proof_hash: await hashProof(keys.proof), ttl, reads };
  if (keys.passphraseProof) Object.assign(body, { passphrase_hash: await hashProof(keys.passphraseProof) });
  /** @type {Record<string, string>} */
  const headers = token ? { Authorization: `Bearer ${token}` } : {};
  return new Date((await request("PUT", `/${keys.id}`, headers, JSON.stringify(body))).expires_at);
}

/**
 * Read the envelope. This starts a lease: for a minute, the same idempotency key can read the envelope again.
 *
 * @param {Keys} keys
 * @param {string} idempotencyKey
 * @returns {Promise<string>}
 */
export async function read(keys, idempotencyKey) {
  const proofs = [keys.proof, keys.passphraseProof].filter((proof) => proof !== null);
  const headers = { ...bearer(...proofs), "Idempotency-Key": idempotencyKey };
  return (await request("GET", `/${keys.id}`, headers)).message;
}

/** End the lease: the message has arrived. @param {Keys} keys @param {string} idempotencyKey */
export async function acknowledge(keys, idempotencyKey) {
  const headers = { ...bearer(keys.proof), "Idempotency-Key": idempotencyKey };
  await nullIfNotFound(request("DELETE", `/${keys.id}`, headers));
}

/** Destroy the message, if it is still there. @param {Keys} keys */
export async function destroy(keys) {
  await nullIfNotFound(request("DELETE", `/${keys.id}`, bearer(keys.proof)));
}

/** The receipt; null if the service does not know the message. @param {Keys} keys @returns {Promise<Receipt | null>} */
export async function getReceipt(keys) {
  const receipt = await nullIfNotFound(request("GET", `/${keys.id}/status`, bearer(keys.proof)));
  if (receipt === null) return null;
  const { state, passphrase, reads_left: readsLeft, at, expires_at: expiresAt } = receipt;
  return { state, passphrase, readsLeft, at: at && new Date(at), expiresAt: new Date(expiresAt) };
}

/**
 * Reveal a plain message, as its page's form does.
 *
 * @param {string} path the form's
 * @param {string} token the form's
 * @param {string} idempotencyKey
 * @returns {Promise<string>}
 */
export async function revealPlain(path, token, idempotencyKey) {
  const headers = {
    Accept: "application/json",
    "Content-Type": "application/x-www-form-urlencoded",
    "Idempotency-Key": idempotencyKey,
  };
  return (await request("POST", path, headers, `token=${encodeURIComponent(token)}`)).message;
}

/** End the lease of a plain message: it has arrived. @param {string} path the form's @param {string} idempotencyKey */
export async function acknowledgePlain(path, idempotencyKey) {
  const url = path.replace(/[/]reveal$/, "");
  await nullIfNotFound(request("DELETE", url, { "Idempotency-Key": idempotencyKey }));
}

function bearer(/** @type {import("./envelope.js").Bytes[]} */ ...proofs) {
  return { Authorization: `Bearer ${proofs.map(encodeBase64url).join(".")}` };
}

/** @template T @param {Promise<T>} response */
async function nullIfNotFound(response) {
  try {
    return await response;
  } catch (error) {
    if (error instanceof Refused && error.status === 404) return null;
    throw error;
  }
}

/**
 * Send a request, several times if need be; the JSON of its successful response.
 *
 * @param {string} method
 * @param {string} path
 * @param {Record<string, string>} headers
 * @param {string} [body]
 */
async function request(method, path, headers, body) {
  for (const pause of [...PAUSES, null]) {
    const response = await attempt(path, { method, headers, body });
    if (response?.ok) return response.body ?? {};
    const isDown = !response || response.status >= 500;
    if (!isDown && (response.status !== 429 || pause === null)) throw new Refused(response.status, response.body ?? {});
    if (pause === null) throw new Unreachable();
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}

/** Send a request once; null if no complete response comes. @param {string} path @param {RequestInit} options */
async function attempt(path, options) {
  try {
    const signal = AbortSignal.timeout(TIMEOUT);
    const response = await fetch(path, {
      ...options,
      signal,
      cache: "no-store",
      credentials: "same-origin", // the token of a reveal page is in a cookie, too
      referrerPolicy: "no-referrer",
    });
    const text = await response.text();
    return { ok: response.ok, status: response.status, body: text ? JSON.parse(text) : null };
  } catch {
    return null;
  }
}
