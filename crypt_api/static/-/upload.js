// Sends files in parts: each is cut from its file, sealed and sent before the next one is cut, so that no file is ever
// in memory as a whole.

import { readBytes } from "./attachments.js";
import { concatenate } from "./encoding.js";
import { MAX_PART_BYTES, partLengths, totalBytes } from "./manifest.js";
import { deleteParts, PartTooLarge, putPart } from "./part-requests.js";
import { derivePart, sealPart } from "./parts.js";

/** @typedef {import("./attachments.js").Attachment} Attachment */
/** @typedef {import("./parts.js").PartKeys} PartKeys */
/** @typedef {{ key: Uint8Array<ArrayBuffer>, partBytes: number }} SentParts */
/** @typedef {{ partBytes: number, headers: Record<string, string> }} How with the headers of each request */
/** @typedef {import("./part-requests.js").Watcher} Watcher whose `onBytes` is told of all parts together */

/** For lines that do not take large parts. With its marker, the padded plaintext has exactly 512 KiB. */
const SMALL_PART_BYTES = 512 * 1_024 - 1;
const AT_ONCE = 2;
const KEY_BYTES = 32;
const STEP = 4_096; // to a multiple of which a part is padded
const SEAL_BYTES = 29; // version, nonce and tag

/** The most bytes of content in a part that is sealed in `sealedBytes`. @param {number} sealedBytes */
export function contentOfPart(sealedBytes) {
  return Math.min(MAX_PART_BYTES, Math.floor((sealedBytes - SEAL_BYTES) / STEP) * STEP - 1);
}

/**
 * Send the files. If that fails, or is cancelled, the parts that were sent are deleted.
 *
 * @param {Attachment[]} files
 * @param {How} how
 * @param {Watcher} watcher
 * @returns {Promise<SentParts>}
 */
export async function sendParts(files, how, watcher) {
  for (let { partBytes } = how; ; partBytes = SMALL_PART_BYTES) {
    try {
      return await sendAll(files, { ...how, partBytes }, watcher); // each time with another key
    } catch (error) {
      if (!(error instanceof PartTooLarge)) throw error;
      if (partBytes <= SMALL_PART_BYTES) throw error.reason;
    }
  }
}

/** @param {Attachment[]} files @param {How} how @param {Watcher} watcher @returns {Promise<SentParts>} */
async function sendAll(files, { partBytes, headers }, watcher) {
  const key = crypto.getRandomValues(new Uint8Array(KEY_BYTES));
  const lengths = partLengths(totalBytes(files), partBytes);
  /** @type {PartKeys[]} */
  const begun = [];
  /** Bytes that have gone, by the number of their part. @type {number[]} */
  const gone = [];
  const stop = new AbortController(); // as soon as one part fails, or somebody cancels
  const end = () => stop.abort();
  watcher.signal.addEventListener("abort", end);
  if (watcher.signal.aborted) end();
  let next = 0;

  function tell(/** @type {number} */ number, /** @type {number} */ bytes) {
    gone[number] = Math.min(bytes, lengths[number]);
    watcher.onBytes?.(gone.reduce((sum, each) => sum + each, 0));
  }

  async function sendOneByOne() {
    while (next < lengths.length) {
      const number = next++;
      const keys = await derivePart(key, number);
      const part = await sealPart(keys, await cut(files, number * partBytes, lengths[number]));
      begun.push(keys);
      const onBytes = (/** @type {number} */ bytes) => tell(number, bytes);
      await putPart(keys, part, headers, { ...watcher, signal: stop.signal, onBytes });
      tell(number, lengths[number]);
    }
  }

  /** @type {unknown} */
  let failure = null;
  const work = () =>
    sendOneByOne().catch((error) => {
      failure ??= error;
      end();
    });
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  watcher.signal.removeEventListener("abort", end);
  if (failure === null) return { key, partBytes };
  deleteParts(begun); // in the background
  throw failure;
}

/** The bytes of all files together, from `start`. @param {Attachment[]} files @param {number} start @param {number} length */
async function cut(files, start, length) {
  const pieces = [];
  let [offset, missing] = [start, length];
  for (const attachment of files) {
    const { bytes } = attachment;
    if (missing && offset < bytes) {
      const piece = await readBytes(attachment, offset, Math.min(missing, bytes - offset));
      pieces.push(piece);
      missing -= piece.length;
    }
    offset = Math.max(0, offset - bytes);
  }
  return pieces.length === 1 ? pieces[0] : concatenate(...pieces);
}
