// Parts: the bytes of large files, encrypted piece by piece, beside the sealed message that lists the files.
// docs/protocol.md specifies them.

import { encodeBase64url } from "./encoding.js";
import { BadEnvelope, derive, sealBytes, unsealBytes } from "./envelope.js";

const VERSION = 4;
const ID_BYTES = 16;

/** @typedef {Uint8Array<ArrayBuffer>} Bytes */
/** @typedef {{ id: string, idBytes: Bytes, proof: Bytes, key: CryptoKey }} PartKeys */

/** Derive what belongs to the part with this number, the first one being 0. @returns {Promise<PartKeys>} */
export async function derivePart(/** @type {Bytes} */ key, /** @type {number} */ number) {
  const proof = await derive(key, `crypt-api v1 part proof ${number}`, 32);
  // The id is a hash of the proof, so the service can check a proof with nothing but the id.
  const idBytes = new Uint8Array(await crypto.subtle.digest("SHA-256", proof)).slice(0, ID_BYTES);
  const bytes = await derive(key, `crypt-api v1 part key ${number}`, 32);
  const partKey = await crypto.subtle.importKey("raw", bytes, "AES-GCM", false, ["encrypt", "decrypt"]);
  return { id: encodeBase64url(idBytes), idBytes, proof, key: partKey };
}

/** Encrypt a part. The nonce is for test vectors only. @param {PartKeys} keys @param {Bytes} bytes @param {Bytes} [nonce] */
export function sealPart(keys, bytes, nonce) {
  return sealBytes(keys.key, VERSION, keys.idBytes, bytes, nonce);
}

/** Decrypt a part, whose content must have `length` bytes. @param {PartKeys} keys @param {Bytes} part @param {number} length */
export async function unsealPart(keys, part, length) {
  if (part[0] !== VERSION) throw new BadEnvelope("damaged");
  try {
    const bytes = await unsealBytes(keys.key, keys.idBytes, part);
    if (bytes.length === length) return bytes;
  } catch {
    // The same as for another length: the part is not the one that the list means.
  }
  throw new BadEnvelope("damaged");
}
