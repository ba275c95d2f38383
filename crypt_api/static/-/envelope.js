// Seals and unseals messages with the browser's WebCrypto. docs/protocol.md specifies the envelope, vectors/ tests it.

import { concatenate, decodeBase64url, encodeBase64url } from "./encoding.js";
import { listFields, parseManifest } from "./manifest.js";

const VERSION = 1;
const VERSION_WITH_NOTE = 2; // a file and a note: readers that know version 1 only say that the message is too new
const VERSION_WITH_FILES = 3; // a list of files, whose bytes follow it or lie in parts beside the message
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const STEP = 4096; // bytes: the plaintext is padded to a multiple, so that the envelope tells its size to 4 KiB only
const MAX_HEADER_BYTES = 4000;
const PBKDF2_ITERATIONS = 600_000; // OWASP's figure for PBKDF2-HMAC-SHA-256

export const SECRET_BYTES = 16;
export const MAX_CONTENT_BYTES = 102_400;

/** The envelope is damaged, forged, or of a newer version. */
export class BadEnvelope extends Error {}

/** The content is over 102,400 bytes, or the file's name is too long for the header. */
export class ContentTooLarge extends Error {}

/** @typedef {Uint8Array<ArrayBuffer>} Bytes */
/**
 * A text in UTF-8; a file, if there is a name; or a file with a note.
 *
 * @typedef {{ data: Bytes, name?: string, mediaType?: string, note?: string }} Content
 */
/** @typedef {import("./manifest.js").Manifest} Manifest */
/** @typedef {{ id: string, idBytes: Bytes, proof: Bytes, key: CryptoKey, passphraseProof: Bytes | null }} Keys */
/** @typedef {Pick<Keys, "idBytes" | "key">} SealingKeys what sealing and unsealing need */

const utf8 = new TextEncoder();
const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Derive a message's keys from its secret. An empty passphrase means no passphrase. @returns {Promise<Keys>} */
export async function deriveKeys(/** @type {Bytes} */ secret, /** @type {string} */ passphrase = "") {
  const idBytes = await derive(secret, "crypt-api v1 id", 16);
  const proof = await derive(secret, "crypt-api v1 proof", 32);
  let material = secret;
  if (passphrase) {
    const salt = await derive(secret, "crypt-api v1 salt", 16);
    material = concatenate(secret, await stretch(passphrase, salt));
  }
  const bytes = await derive(material, "crypt-api v1 key", 32);
  const key = await crypto.subtle.importKey("raw", bytes, "AES-GCM", false, ["encrypt", "decrypt"]);
  const passphraseProof = passphrase ? await derive(material, "crypt-api v1 passphrase proof", 32) : null;
  return { id: encodeBase64url(idBytes), idBytes, proof, key, passphraseProof };
}

/** The hash of a proof, which the service stores instead of the proof. @param {Bytes} proof */
export async function hashProof(proof) {
  return encodeBase64url(new Uint8Array(await crypto.subtle.digest("SHA-256", proof)));
}

/**
 * Encrypt content into an envelope. The nonce is for test vectors only: each key seals one message.
 * @param {Content | Manifest} content @param {SealingKeys} keys @param {Bytes} [nonce]
 */
export async function seal(content, keys, nonce) {
  const { version, bytes } = plaintext(content);
  return encodeBase64url(await sealBytes(keys.key, version, keys.idBytes, bytes, nonce));
}

/** Decrypt an envelope. @param {string} envelope @param {SealingKeys} keys @returns {Promise<Content | Manifest>} */
export async function unseal(envelope, keys) {
  const data = decodeBase64url(envelope);
  if (!data?.length) throw new BadEnvelope("damaged");
  const version = data[0];
  if (version < VERSION || version > VERSION_WITH_FILES) throw new BadEnvelope("version");
  try {
    return parse(version, await unsealBytes(keys.key, keys.idBytes, data));
  } catch {
    throw new BadEnvelope("damaged");
  }
}

/** What is encrypted of content besides in envelopes: their version, and the padded bytes. @param {Content | Manifest} content */
export function encodeContent(content) {
  const { version, bytes } = plaintext(content);
  return { version, bytes: pad(bytes) };
}

/** Undo `encodeContent`; throws for anything else. @param {number} version @param {Bytes} padded @returns {Content | Manifest} */
export function decodeContent(version, padded) {
  if (version > VERSION_WITH_FILES) throw new BadEnvelope("version");
  if (padded.length < STEP || padded.length % STEP) throw new BadEnvelope("damaged");
  return parse(version, unpad(padded));
}

/**
 * Encrypt with AES-256-GCM, bound to the version and to the name under which the result is stored.
 * @param {CryptoKey} key @param {number} version @param {Bytes} name @param {Bytes} bytes
 */
export async function sealBytes(
  key,
  version,
  name,
  bytes,
  nonce = crypto.getRandomValues(new Uint8Array(NONCE_BYTES)),
) {
  const sealed = await crypto.subtle.encrypt(parameters(version, nonce, name), key, pad(bytes));
  return concatenate([version], nonce, new Uint8Array(sealed));
}

/** Decrypt what `sealBytes` made; throws for anything else. @param {CryptoKey} key @param {Bytes} name @param {Bytes} data */
export async function unsealBytes(key, name, data) {
  const padded = data.length - 1 - NONCE_BYTES - TAG_BYTES; // the padded plaintext's bytes
  if (padded < STEP || padded % STEP) throw new BadEnvelope("damaged");
  const nonce = data.subarray(1, 1 + NONCE_BYTES);
  const plain = await crypto.subtle.decrypt(parameters(data[0], nonce, name), key, data.subarray(1 + NONCE_BYTES));
  return unpad(new Uint8Array(plain));
}

/** The associated data binds the ciphertext to its version and its name. */
function parameters(/** @type {number} */ version, /** @type {Bytes} */ nonce, /** @type {Bytes} */ name) {
  return { name: "AES-GCM", iv: nonce, additionalData: concatenate([version], name) };
}

export async function derive(/** @type {Bytes} */ material, /** @type {string} */ info, /** @type {number} */ length) {
  const key = await crypto.subtle.importKey("raw", material, "HKDF", false, ["deriveBits"]);
  const algorithm = { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(), info: utf8.encode(info) };
  return new Uint8Array(await crypto.subtle.deriveBits(algorithm, key, length * 8));
}

async function stretch(/** @type {string} */ passphrase, /** @type {Bytes} */ salt) {
  const bytes = utf8.encode(passphrase.normalize("NFC"));
  const key = await crypto.subtle.importKey("raw", bytes, "PBKDF2", false, ["deriveBits"]);
  const algorithm = { name: "PBKDF2", hash: "SHA-256", salt, iterations: PBKDF2_ITERATIONS };
  return new Uint8Array(await crypto.subtle.deriveBits(algorithm, key, 256));
}

/** How many bytes of a message's limit a content takes: its data, and its note. @param {Content} content */
export function contentBytes({ data, note = "" }) {
  return data.length + utf8.encode(note).length;
}

/** The envelope's version, and its plaintext. @param {Content | Manifest} content */
function plaintext(content) {
  const note = utf8.encode(content.note);
  const list = "files" in content ? utf8.encode(JSON.stringify(listFields(content))) : new Uint8Array();
  const data = "files" in content ? content.inline : content.data;
  const bytes = concatenate(note, list, data);
  if (bytes.length > MAX_CONTENT_BYTES) throw new ContentTooLarge();
  const fields =
    "files" in content
      ? { type: "files", note_bytes: note.length, list_bytes: list.length }
      : headerFields(content, note.length);
  const header = utf8.encode(JSON.stringify(fields));
  if (header.length > MAX_HEADER_BYTES) throw new ContentTooLarge();
  const version = "files" in content ? VERSION_WITH_FILES : note.length ? VERSION_WITH_NOTE : VERSION;
  return { version, bytes: concatenate([header.length >> 8, header.length & 255], header, bytes) };
}

function headerFields(/** @type {Content} */ { name, mediaType }, /** @type {number} */ noteBytes) {
  if (name === undefined) return { type: "text" };
  const file = { type: "file", name, media_type: mediaType };
  return noteBytes ? { ...file, type: "file with note", note_bytes: noteBytes } : file;
}

/** ISO/IEC 7816-4: a marker, then zeros. */
function pad(/** @type {Bytes} */ bytes) {
  const padded = new Uint8Array(Math.ceil((bytes.length + 1) / STEP) * STEP);
  padded.set(bytes);
  padded[bytes.length] = 0x80;
  return padded;
}

function unpad(/** @type {Bytes} */ padded) {
  let marker = padded.length - 1;
  while (padded[marker] === 0) marker--;
  if (padded[marker] !== 0x80 || padded.length - marker > STEP) throw new Error("padding");
  return padded.subarray(0, marker);
}

/** @param {number} version @param {Bytes} bytes @returns {Content | Manifest} */
function parse(version, bytes) {
  if (bytes.length < 2) throw new Error("header");
  const length = (bytes[0] << 8) | bytes[1];
  const data = bytes.subarray(2 + length);
  const isTooLong = length > MAX_HEADER_BYTES || data.length > MAX_CONTENT_BYTES;
  if (2 + length > bytes.length || isTooLong) throw new Error("header");
  const header = JSON.parse(decode(bytes.subarray(2, 2 + length)));
  if (version === VERSION_WITH_FILES) return parseFiles(header, data);
  const { type, name, media_type: mediaType, note_bytes: noteBytes } = header;
  if (version === VERSION && type === "text") {
    decode(data);
    return { data };
  }
  if (typeof name !== "string" || typeof mediaType !== "string") throw new Error("file");
  if (version === VERSION && type === "file") return { data, name, mediaType };
  if (version !== VERSION_WITH_NOTE || type !== "file with note") throw new Error("type");
  if (!Number.isInteger(noteBytes) || noteBytes < 1 || noteBytes > data.length) throw new Error("note");
  return { data: data.subarray(noteBytes), name, mediaType, note: decode(data.subarray(0, noteBytes)) };
}

function parseFiles(/** @type {any} */ header, /** @type {Bytes} */ data) {
  const { type, note_bytes: noteBytes, list_bytes: listBytes, ...others } = header;
  const end = noteBytes + listBytes;
  const areWhole = [noteBytes, listBytes].every((size) => Number.isInteger(size) && size >= 0);
  if (type !== "files" || Object.keys(others).length || !areWhole || end > data.length) throw new Error("files");
  const list = JSON.parse(decode(data.subarray(noteBytes, end)));
  return parseManifest(list, decode(data.subarray(0, noteBytes)), data.subarray(end));
}

/** Raises a TypeError for bytes that are not UTF-8. @param {Bytes} bytes */
function decode(bytes) {
  return strictUtf8.decode(bytes);
}
