// The manifest: a sealed message that lists files, whose bytes follow in it, or lie in parts beside it.
// docs/protocol.md specifies it.

import { decodeBase64url, encodeBase64url } from "./encoding.js";

/** @typedef {Uint8Array<ArrayBuffer>} Bytes */
/** @typedef {{ name: string, mediaType: string, bytes: number }} FileEntry */
/**
 * The files are one stream of bytes, in the order of the list: in `inline`, or in parts of `partBytes` bytes, which
 * `key` opens. `sole`: the message has one reader, who deletes the parts.
 *
 * @typedef {{ files: FileEntry[], note: string, inline: Bytes, key?: Bytes, partBytes?: number, sole?: boolean }} Manifest
 */

export const MAX_FILES = 100;
const MAX_PARTS = 100_000; // so that a list cannot send its reader on an endless way
const KEY_BYTES = 32;

export const MAX_PART_BYTES = 4 * 1_048_576 - 1; // with its marker, the padded plaintext has exactly 4 MiB

/** The list as it is written in JSON. @param {Manifest} manifest */
export function listFields({ files, key, partBytes, sole }) {
  const entries = files.map(({ name, mediaType, bytes }) => ({ name, media_type: mediaType, bytes }));
  return key ? { files: entries, key: encodeBase64url(key), part_bytes: partBytes, sole } : { files: entries };
}

/** Read a list; `inline` is what follows it. @param {any} list @returns {Manifest} */
export function parseManifest(list, /** @type {string} */ note, /** @type {Bytes} */ inline) {
  const { files: entries, ...place } = list;
  if (!Array.isArray(entries) || !entries.length || entries.length > MAX_FILES) throw new Error("files");
  const files = entries.map(parseEntry);
  const total = totalBytes(files);
  if (!Object.keys(place).length) {
    if (total !== inline.length) throw new Error("sizes");
    return { files, note, inline };
  }
  const { key: keyText, part_bytes: partBytes, sole, ...others } = place;
  const key = typeof keyText === "string" ? decodeBase64url(keyText) : null;
  if (key?.length !== KEY_BYTES || typeof sole !== "boolean" || Object.keys(others).length) throw new Error("list");
  if (!isWhole(partBytes, 1, MAX_PART_BYTES) || total > partBytes * MAX_PARTS || inline.length)
    throw new Error("parts");
  return { files, note, inline, key, partBytes, sole };
}

/** @param {readonly { bytes: number }[]} files */
export function totalBytes(files) {
  const total = files.reduce((sum, file) => sum + file.bytes, 0);
  if (!Number.isSafeInteger(total)) throw new Error("sizes");
  return total;
}

/** The lengths of the parts of `total` bytes. @param {number} total @param {number} partBytes */
export function partLengths(total, partBytes) {
  const full = Array(Math.floor(total / partBytes)).fill(partBytes);
  return total % partBytes ? [...full, total % partBytes] : full;
}

/** @param {any} entry @returns {FileEntry} */
function parseEntry({ name, media_type: mediaType, bytes, ...others }) {
  const isKnown = typeof name === "string" && typeof mediaType === "string" && !Object.keys(others).length;
  if (!isKnown || !isWhole(bytes, 0, Number.MAX_SAFE_INTEGER)) throw new Error("file");
  return { name, mediaType, bytes };
}

/** @param {unknown} value @param {number} least @param {number} most */
function isWhole(value, least, most) {
  return Number.isInteger(value) && Number(value) >= least && Number(value) <= most;
}
