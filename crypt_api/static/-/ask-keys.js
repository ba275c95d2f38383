// The keys of a question and its answer, and how an answer is sealed. docs/protocol.md specifies them.

import { concatenate, decodeBase64url, encodeBase64url } from "./encoding.js";
import { BadEnvelope, decodeContent, derive, encodeContent, SECRET_BYTES } from "./envelope.js";
import { KEY_BYTES, openWith, publicKeyOf, sealTo } from "./hpke.js";

/** @typedef {Uint8Array<ArrayBuffer>} Bytes */
/** @typedef {import("./envelope.js").Content} Content */
/** @typedef {import("./manifest.js").Manifest} Manifest */
/**
 * What the link to send stands for: the keys of somebody who answers. `key` opens the question.
 *
 * @typedef {{ id: string, idBytes: Bytes, proof: Bytes, key: CryptoKey, publicKey: Bytes }} AnswerKeys
 */
/**
 * What the link to keep stands for: the keys of the asker, with those of the other link.
 *
 * @typedef {{ id: string, idBytes: Bytes, proof: Bytes, passphraseProof: null, privateKey: Bytes, answering: AnswerKeys }} AskKeys
 */

const VERSION = 5;
const TAG_BYTES = 16;
const INFO = new TextEncoder().encode("crypt-api v1 answer");

/** Derive the asker's keys from the secret of the link to keep. @param {Bytes} secret @returns {Promise<AskKeys>} */
export async function deriveAskKeys(secret) {
  const privateKey = await derive(secret, "crypt-api v1 ask key", KEY_BYTES);
  const proof = await derive(secret, "crypt-api v1 ask proof", 32);
  const answering = await deriveAnswerKeys(await publicKeyOf(privateKey));
  const { id, idBytes } = answering;
  return { id, idBytes, proof, passphraseProof: null, privateKey, answering };
}

/** Derive the answerer's keys from the public key in the link to send. @param {Bytes} publicKey @returns {Promise<AnswerKeys>} */
export async function deriveAnswerKeys(publicKey) {
  const idBytes = await derive(publicKey, "crypt-api v1 request id", 16);
  const proof = await derive(publicKey, "crypt-api v1 answer proof", 32);
  const bytes = await derive(publicKey, "crypt-api v1 question key", 32);
  const key = await crypto.subtle.importKey("raw", bytes, "AES-GCM", false, ["encrypt", "decrypt"]);
  return { id: encodeBase64url(idBytes), idBytes, proof, key, publicKey };
}

/** Encrypt an answer for the asker. @param {Content | Manifest} content @param {AnswerKeys} keys @param {Bytes} [fresh] */
export async function sealAnswer(content, { publicKey, idBytes }, fresh) {
  const { version, bytes } = encodeContent(content);
  const plaintext = concatenate([version], bytes);
  const sealed = await sealTo(publicKey, concatenate(INFO, idBytes), plaintext, fresh);
  return encodeBase64url(concatenate([VERSION], sealed));
}

/** Decrypt an answer. @param {string} envelope @param {AskKeys} keys @returns {Promise<Content | Manifest>} */
export async function unsealAnswer(envelope, { privateKey, idBytes }) {
  const data = decodeBase64url(envelope);
  if (!data?.length) throw new BadEnvelope("damaged");
  if (data[0] > VERSION) throw new BadEnvelope("version");
  try {
    if (data[0] !== VERSION || data.length < 1 + KEY_BYTES + TAG_BYTES) throw new BadEnvelope("damaged");
    const plaintext = await openWith(privateKey, concatenate(INFO, idBytes), data.slice(1));
    return decodeContent(plaintext[0], plaintext.subarray(1));
  } catch (error) {
    throw error instanceof BadEnvelope ? error : new BadEnvelope("damaged");
  }
}

/** Whether this browser can do what a question and its answer take. That is tried before anybody writes anything. */
export async function canAnswer() {
  const sample = { data: new Uint8Array([0, 255]), name: "sample", mediaType: "text/plain", note: "ž" };
  try {
    const keys = await deriveAskKeys(crypto.getRandomValues(new Uint8Array(SECRET_BYTES)));
    const content = await unsealAnswer(await sealAnswer(sample, keys.answering), keys);
    const { data, name, note } = /** @type {Content} */ (content);
    return `${data}${name}${note}` === `${sample.data}${sample.name}${sample.note}`;
  } catch {
    return false;
  }
}
