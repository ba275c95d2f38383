// The service's routes for sealed messages (docs/protocol.md). Whatever is sent here may be sent again, and is, when
// its answer is lost.

import { encodeBase64url, hashProof } from "./envelope.js";

/** @typedef {import("./envelope.js").Keys} Keys */
/**
 * What has become of a message.
 *
 * @typedef {object} Receipt
 * @property {"unread" | "read" | "destroyed"} state
 * @property {boolean} passphrase whether it takes one
 * @property {number} readsLeft
 * @property {Date | null} at when it was last read, or destroyed
 * @property {Date} expiresAt
 */

/** Milliseconds before the attempts after the first one. */
const PAUSES = [300, 900, 2_000];
const TIMEOUT = 30_000;

/** No answer came; nothing is lost by that. */
export class Unreachable extends Error {}

/** The service did not do it. */
export class Refused extends Error {
  /** @param {number} status @param {{ error?: string, tries_left?: number }} body */
  constructor(status, body) {
    super(body.error ?? String(status));
    this.status = status;
    this.triesLeft = body.tries_left ?? 0;
  }
}

/**
 * Store an envelope.
 *
 * @param {Keys} keys
 * @param {string} envelope
 * @param {{ ttl: number, reads: number }} limits
 * @returns {Promise<Date>} when it expires
 */
export async function create(keys, envelope, { ttl, reads }) {
  const body = { message: envelope, proof_hash: await hashProof(keys.proof), ttl, reads };
  if (keys.passphraseProof) Object.assign(body, { passphrase_hash: await hashProof(keys.passphraseProof) });
  return new Date((await request("PUT", `/${keys.id}`, {}, JSON.stringify(body))).expires_at);
}

/**
 * Take the envelope; for a minute, whoever has the nonce may take it again.
 *
 * @param {Keys} keys
 * @param {string} nonce
 * @returns {Promise<string>}
 */
export async function read(keys, nonce) {
  const proofs = [keys.proof, keys.passphraseProof].filter((proof) => proof !== null);
  const authorization = `Bearer ${proofs.map(encodeBase64url).join(".")}`;
  return (await request("GET", `/${keys.id}`, { Authorization: authorization, "Idempotency-Key": nonce })).message;
}

/** What has become of it; null if nothing is known of it. @param {Keys} keys @returns {Promise<Receipt | null>} */
export async function status(keys) {
  const report = await unlessMissing(request("GET", `/${keys.id}/status`, proof(keys)));
  if (report === null) return null;
  const { state, passphrase, reads_left: readsLeft, at, expires_at: expiresAt } = report;
  return { state, passphrase, readsLeft, at: at && new Date(at), expiresAt: new Date(expiresAt) };
}

/**
 * Destroy it; with the nonce that read it, what is still kept for that nonce.
 *
 * @param {Keys} keys
 * @param {string} [nonce]
 */
export async function destroy(keys, nonce) {
  await unlessMissing(request("DELETE", `/${keys.id}`, { ...proof(keys), ...(nonce && { "Idempotency-Key": nonce }) }));
}

function proof(/** @type {Keys} */ keys) {
  return { Authorization: `Bearer ${encodeBase64url(keys.proof)}` };
}

/** @template T @param {Promise<T>} answer */
async function unlessMissing(answer) {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof Refused && error.status === 404) return null;
    throw error;
  }
}

/**
 * The answer's JSON.
 *
 * @param {string} method
 * @param {string} path
 * @param {Record<string, string>} headers
 * @param {string} [body]
 */
async function request(method, path, headers, body) {
  for (const pause of [...PAUSES, null]) {
    const answer = await attempt(path, { method, headers, body });
    if (answer?.ok) return answer.body ?? {};
    const isDown = !answer || answer.status >= 500;
    if (!isDown && (answer.status !== 429 || pause === null)) throw new Refused(answer.status, answer.body);
    if (pause === null) throw new Unreachable();
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}

/** One attempt; null when no whole answer came. @param {string} path @param {RequestInit} options */
async function attempt(path, options) {
  try {
    const signal = AbortSignal.timeout(TIMEOUT);
    const answer = await fetch(path, {
      ...options,
      signal,
      cache: "no-store",
      credentials: "omit",
      referrerPolicy: "no-referrer",
    });
    const text = await answer.text();
    return { ok: answer.ok, status: answer.status, body: text ? JSON.parse(text) : null };
  } catch {
    return null;
  }
}
