// The service's routes for questions and answers (docs/protocol.md). Reading an answer, its receipt and destruction are
// those of any sealed message (`service.js`).

import { encodeBase64url } from "./encoding.js";
import { hashProof } from "./envelope.js";
import { bearer, request } from "./service.js";

/** @typedef {import("./ask-keys.js").AskKeys} AskKeys */
/** @typedef {import("./ask-keys.js").AnswerKeys} AnswerKeys */

/**
 * Store a question's envelope.
 *
 * @param {AskKeys} keys
 * @param {string} envelope
 * @param {number} ttl seconds
 * @param {string} token needed where not everybody may create messages; else empty
 * @returns {Promise<Date>} when the question expires
 */
export async function createQuestion(keys, envelope, ttl, token) {
  const hashes = { proof_hash: await hashProof(keys.proof), answer_hash: await hashProof(keys.answering.proof) };
  /** @type {Record<string, string>} */
  const headers = token ? { Authorization: `Bearer ${token}` } : {};
  const body = JSON.stringify({ message: envelope, ...hashes, ttl });
  return new Date((await request("PUT", `/${keys.id}`, headers, body)).expires_at);
}

/**
 * The question's envelope, when the question expires, and how many seconds an answer will live. This changes nothing.
 *
 * @param {AnswerKeys} keys
 * @returns {Promise<{ envelope: string, expiresAt: Date, ttl: number }>}
 */
export async function getQuestion(keys) {
  const { message, expires_at: expiresAt, ttl } = await request("GET", `/${keys.id}/question`, bearer(keys.proof));
  return { envelope: message, expiresAt: new Date(expiresAt), ttl };
}

/** Store the answer's envelope; when it expires. @param {AnswerKeys} keys @param {string} envelope */
export async function sendAnswer(keys, envelope) {
  const body = JSON.stringify({ message: envelope });
  return new Date((await request("PUT", `/${keys.id}/answer`, bearer(keys.proof), body)).expires_at);
}

/** What lets an answerer store parts, also where that needs a token. @param {AnswerKeys} keys */
export function partsToken({ id, proof }) {
  return `${id}.${encodeBase64url(proof)}`;
}
