// The service's routes for the page (docs/protocol.md). Every request may be repeated, and is repeated when its
// response is lost.

import { encodeBase64url } from "./encoding.js";
import { hashProof } from "./envelope.js";

/** @typedef {import("./envelope.js").Keys} Keys */
/** @typedef {Pick<Keys, "id" | "proof">} OwnKeys what a request about a message needs */
/** @typedef {OwnKeys & Pick<Keys, "passphraseProof">} ReaderKeys what reading a message needs */
/**
 * What has become of a message.
 *
 * @typedef {object} Receipt
 * @property {"unread" | "read" | "destroyed"} state
 * @property {boolean} isAsked whether it is a question that nobody has answered yet
 * @property {boolean} passphrase whether the message has one
 * @property {number} readsLeft
 * @property {Date | null} at when the message was last read, or destroyed
 * @property {Date} expiresAt
 */

/** Milliseconds before the second and each further attempt. */
const PAUSES = [300, 900, 2_000];
/** Milliseconds without a byte of the response, after which the connection counts as lost; a slow one is not lost. */
export const SILENCE = 30_000;
/** Bytes in a millisecond of the slowest upload that is waited for: browsers do not tell how far an upload is. */
const SLOWEST_UPLOAD = 1;

/**
 * What is known of the attempts of a request whose responses did not arrive whole: "none" was made, it is "unknown"
 * whether one was carried out, or one was "accepted".
 *
 * @typedef {"none" | "unknown" | "accepted"} LostAttempts
 */

/** No response came, or the service is down. Nothing is lost: the request can be repeated. */
export class Unreachable extends Error {
  /** @param {LostAttempts} lost */
  constructor(lost) {
    super();
    this.lost = lost;
  }
}

/** The user has ended it. */
export class Cancelled extends Error {}

/** The service refused the request. */
export class Refused extends Error {
  /**
   * @param {number} status
   * @param {{ error?: string, code?: string, tries_left?: number }} body
   * @param {LostAttempts} lost
   */
  constructor(status, body, lost) {
    super(body.error ?? String(status));
    this.status = status;
    /** Whether the service said so itself, and nothing that stands before it. */
    this.isOwn = body.error !== undefined;
    /** What was refused, in one stable word; empty for the errors of the API's first part, which have their status. */
    this.code = body.code ?? "";
    this.triesLeft = body.tries_left ?? 0;
    this.lost = lost;
  }
}

/**
 * Store an envelope.
 *
 * @param {Keys} keys
 * @param {string} envelope
 * @param {{ ttl: number, reads: number, notify?: string }} options `ttl` is in seconds
 * @param {string} token needed where not everybody may create messages; else empty
 * @returns {Promise<Date>} when the message expires
 */
export async function create(keys, envelope, { ttl, reads, notify }, token) {
  const body = { message: envelope, proof_hash: await hashProof(keys.proof), ttl, reads };
  if (notify) Object.assign(body, { notify });
  if (keys.passphraseProof) Object.assign(body, { passphrase_hash: await hashProof(keys.passphraseProof) });
  /** @type {Record<string, string>} */
  const headers = token ? { Authorization: `Bearer ${token}` } : {};
  return new Date((await request("PUT", `/${keys.id}`, headers, JSON.stringify(body))).expires_at);
}

/**
 * Read the envelope. This starts a lease: for a minute, the same idempotency key can read the envelope again.
 *
 * @param {ReaderKeys} keys
 * @param {string} idempotencyKey
 * @returns {Promise<string>}
 */
export async function read(keys, idempotencyKey) {
  const proofs = [keys.proof, keys.passphraseProof].filter((proof) => proof !== null);
  const headers = { ...bearer(...proofs), "Idempotency-Key": idempotencyKey };
  return (await request("GET", `/${keys.id}`, headers)).message;
}

/** End the lease: the message has arrived. @param {OwnKeys} keys @param {string} idempotencyKey */
export async function acknowledge(keys, idempotencyKey) {
  const headers = { ...bearer(keys.proof), "Idempotency-Key": idempotencyKey };
  await nullIfNotFound(request("DELETE", `/${keys.id}`, headers));
}

/** Destroy the message, if it is still there. @param {OwnKeys} keys */
export async function destroy(keys) {
  await nullIfNotFound(request("DELETE", `/${keys.id}`, bearer(keys.proof)));
}

/** The receipt; null if the service does not know the message. @param {OwnKeys} keys @returns {Promise<Receipt | null>} */
export async function getReceipt(keys) {
  const receipt = await nullIfNotFound(request("GET", `/${keys.id}/status`, bearer(keys.proof)));
  if (receipt === null) return null;
  const { state, passphrase, reads_left: readsLeft, at, expires_at: expiresAt } = receipt;
  const isAsked = state === "asked";
  return { state, isAsked, passphrase, readsLeft, at: at && new Date(at), expiresAt: new Date(expiresAt) };
}

/**
 * What the service takes of files beside messages: bytes of all files of a message, bytes of a sealed part, and seconds
 * that a part may outlive its message. Null if it takes none.
 *
 * @returns {Promise<{ maxBytes: number, partBytes: number, extraTtl: number } | null>}
 */
export async function getFileLimits() {
  const { files } = await request("GET", "/-/limits", {});
  return files && { maxBytes: files.max_bytes, partBytes: files.part_bytes, extraTtl: files.extra_ttl };
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

export function bearer(/** @type {import("./envelope.js").Bytes[]} */ ...proofs) {
  return { Authorization: `Bearer ${proofs.map(encodeBase64url).join(".")}` };
}

/** Whether the service says that there is no such message. A gateway that answers for it knows nothing of messages. */
export function isMissing(/** @type {unknown} */ error) {
  return error instanceof Refused && error.isOwn && error.status === 404;
}

/** @template T @param {Promise<T>} response */
async function nullIfNotFound(response) {
  try {
    return await response;
  } catch (error) {
    if (isMissing(error)) return null;
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
export async function request(method, path, headers, body) {
  /** @type {LostAttempts} */
  let lost = "none";
  for (const pause of [...PAUSES, null]) {
    const { status, isOwn, isComplete, json } = await sendOnce(path, { method, headers, body });
    const isAccepted = isOwn && status >= 200 && status < 300;
    if (isAccepted && isComplete) return json ?? {};
    const isDown = !isComplete || status < 300 || status >= 500;
    const refused = new Refused(status, json ?? {}, lost);
    if (isAccepted) lost = "accepted";
    else if ((isDown || !refused.isOwn) && lost === "none") lost = refused.lost = "unknown";
    if (!isDown && (status !== 429 || pause === null)) throw refused;
    if (pause === null) throw new Unreachable(lost);
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}

/**
 * Send a request once.
 *
 * @param {string} path
 * @param {{ method: string, headers: Record<string, string>, body?: string }} options
 * @returns {Promise<{ status: number, isOwn: boolean, isComplete: boolean, json?: any }>} the status is 0 if no
 *   response comes; a response that is not the service's own is the page of a network that wants its user to sign in, say
 */
async function sendOnce(path, options) {
  const controller = new AbortController();
  const abort = () => controller.abort();
  let timer = setTimeout(abort, SILENCE + (options.body ?? "").length / SLOWEST_UPLOAD);
  let status = 0;
  let isOwn = false;
  try {
    const response = await fetch(path, {
      ...options,
      signal: controller.signal,
      cache: "no-store",
      credentials: "same-origin", // the token of a reveal page is in a cookie, too
      referrerPolicy: "no-referrer",
    });
    status = response.status;
    isOwn = status === 204 || /^application[/]json\b/.test(response.headers.get("Content-Type") ?? "");
    const text = await readText(response, () => {
      clearTimeout(timer);
      timer = setTimeout(abort, SILENCE);
    });
    return { status, isOwn, isComplete: true, json: text ? JSON.parse(text) : null };
  } catch {
    return { status, isOwn, isComplete: false };
  } finally {
    clearTimeout(timer);
  }
}

/** Read a response as it arrives. @param {Response} response @param {() => void} onProgress */
async function readText(response, onProgress) {
  onProgress();
  const reader = response.body?.getReader();
  if (!reader) return response.text();
  const decoder = new TextDecoder();
  let text = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return text + decoder.decode();
    onProgress();
    text += decoder.decode(value, { stream: true });
  }
}
