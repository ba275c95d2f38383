// HPKE (RFC 9180) in base mode, for one plaintext and a fresh key each time: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256 and
// AES-256-GCM, with the browser's WebCrypto.

import { concatenate } from "./encoding.js";

/** @typedef {Uint8Array<ArrayBuffer>} Bytes */

const utf8 = new TextEncoder();
const EMPTY = new Uint8Array();

const KEM = concatenate(utf8.encode("KEM"), [0x00, 0x20]);
const SUITE = concatenate(utf8.encode("HPKE"), [0x00, 0x20, 0x00, 0x01, 0x00, 0x02]);
const VERSION = utf8.encode("HPKE-v1");
/** What stands before the 32 bytes of a private key in PKCS #8, which is how WebCrypto takes them (RFC 8410). */
const PKCS8 = [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x6e, 0x04, 0x22, 0x04, 0x20];
const BASE_POINT = new Uint8Array(32).fill(9, 0, 1);

const NONCE_BYTES = 12;
export const KEY_BYTES = 32;

/** The public key of a private key. Raises where the browser has no X25519. @param {Bytes} privateKey */
export function publicKeyOf(privateKey) {
  return diffieHellman(privateKey, BASE_POINT);
}

/**
 * Encrypt for the owner of a public key: 32 bytes of a fresh public key, then the ciphertext. The private key of the
 * fresh one is for test vectors only.
 *
 * @param {Bytes} publicKey
 * @param {Bytes} info
 * @param {Bytes} plaintext
 */
export async function sealTo(publicKey, info, plaintext, fresh = crypto.getRandomValues(new Uint8Array(KEY_BYTES))) {
  const enc = await publicKeyOf(fresh);
  const { key, iv } = await schedule(await diffieHellman(fresh, publicKey), concatenate(enc, publicKey), info);
  return concatenate(enc, new Uint8Array(await crypto.subtle.encrypt({ name: "AES-GCM", iv }, key, plaintext)));
}

/** Decrypt what `sealTo` made; raises for anything else. @param {Bytes} privateKey @param {Bytes} info @param {Bytes} sealed */
export async function openWith(privateKey, info, sealed) {
  const enc = sealed.slice(0, KEY_BYTES);
  const context = concatenate(enc, await publicKeyOf(privateKey));
  const { key, iv } = await schedule(await diffieHellman(privateKey, enc), context, info);
  return new Uint8Array(await crypto.subtle.decrypt({ name: "AES-GCM", iv }, key, sealed.subarray(KEY_BYTES)));
}

/** WebCrypto refuses a result of zeros only, as RFC 9180 asks. @param {Bytes} privateKey @param {Bytes} publicKey */
async function diffieHellman(privateKey, publicKey) {
  const name = "X25519";
  const own = await crypto.subtle.importKey("pkcs8", concatenate(PKCS8, privateKey), name, false, ["deriveBits"]);
  const others = await crypto.subtle.importKey("raw", publicKey, name, false, []);
  return new Uint8Array(await crypto.subtle.deriveBits({ name, public: others }, own, 256));
}

/** The key schedule, with the key and the nonce of the first plaintext. @param {Bytes} dh @param {Bytes} kemContext @param {Bytes} info */
async function schedule(dh, kemContext, info) {
  const prk = await extract(KEM, EMPTY, "eae_prk", dh);
  const shared = await expand(KEM, prk, "shared_secret", kemContext, KEY_BYTES);
  const hashes = [await extract(SUITE, EMPTY, "psk_id_hash", EMPTY), await extract(SUITE, EMPTY, "info_hash", info)];
  const context = concatenate([0], ...hashes); // mode 0: without a key that both know before
  const secret = await extract(SUITE, shared, "secret", EMPTY);
  const bytes = await expand(SUITE, secret, "key", context, KEY_BYTES);
  const iv = await expand(SUITE, secret, "base_nonce", context, NONCE_BYTES);
  return { key: await crypto.subtle.importKey("raw", bytes, "AES-GCM", false, ["encrypt", "decrypt"]), iv };
}

/** LabeledExtract. @param {Bytes} suite @param {Bytes} salt @param {string} label @param {Bytes} material */
function extract(suite, salt, label, material) {
  return hmac(salt, VERSION, suite, utf8.encode(label), material);
}

/** LabeledExpand, of no more than one block. @param {Bytes} suite @param {Bytes} prk @param {string} label @param {Bytes} info @param {number} length */
async function expand(suite, prk, label, info, length) {
  return (await hmac(prk, [0, length], VERSION, suite, utf8.encode(label), info, [1])).slice(0, length);
}

/** @param {Bytes} key @param {(Bytes | number[])[]} pieces */
async function hmac(key, ...pieces) {
  const padded = key.length ? key : new Uint8Array(32); // WebCrypto takes no empty key; zeros are the same to HMAC
  const imported = await crypto.subtle.importKey("raw", padded, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  return new Uint8Array(await crypto.subtle.sign("HMAC", imported, concatenate(...pieces)));
}
