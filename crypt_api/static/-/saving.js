// Where files are saved: through the browser's downloads, or piece by piece to a place that the reader picks, where the
// browser can do that.

import { safeFileName, saveFile } from "./files.js";
import { Cancelled } from "./service.js";

/** @typedef {Uint8Array<ArrayBuffer>} Bytes */
/**
 * Somewhere to write to.
 *
 * @typedef {object} Target
 * @property {(piece: Bytes) => Promise<void> | void} write
 * @property {() => Promise<void> | void} close the file is saved then
 * @property {() => Promise<void> | void} abort
 */
/** @typedef {{ name: string, bytes: number }} Entry */

/** Bytes above which a file is written piece by piece, if the browser can: it need not keep the file then. */
const STREAMED_BYTES = 64e6;
/** Bytes above which a browser that cannot is not trusted with a file. */
export const MAX_KEPT_BYTES = 256e6;

/** @type {any} */
const browser = window;

/** Whether this browser may have no room for the file while it is fetched. @param {Entry} entry */
export function isTooLargeToKeep({ bytes }) {
  return bytes > MAX_KEPT_BYTES && !browser.showSaveFilePicker;
}

/**
 * Ask where to save a file, if that needs an answer. Must be called at a click, before anything else is waited for.
 *
 * @param {Entry} entry
 * @returns {Promise<Target>}
 */
export async function pickTarget(entry) {
  if (entry.bytes <= STREAMED_BYTES || !browser.showSaveFilePicker) return keptTarget(entry);
  const suggestedName = safeFileName(entry.name);
  return streamedTarget(await answer(browser.showSaveFilePicker({ suggestedName })));
}

/**
 * Ask where to save several files; as `pickTarget`.
 *
 * @param {Entry[]} entries
 * @returns {Promise<(entry: Entry) => Promise<Target>>}
 */
export async function pickTargets(entries) {
  if (entries.every(({ bytes }) => bytes <= STREAMED_BYTES) || !browser.showDirectoryPicker) {
    return async (entry) => keptTarget(entry);
  }
  const folder = await answer(browser.showDirectoryPicker({ mode: "readwrite" }));
  return async ({ name }) => streamedTarget(await newFile(folder, safeFileName(name)));
}

/** The browser keeps the pieces, as Blobs that it may move to its disk, and saves them at the end. @returns {Target} */
export function keptTarget(/** @type {Entry} */ { name }) {
  /** @type {Blob[]} */
  const pieces = [];
  return {
    write: (piece) => void pieces.push(new Blob([piece])),
    close: () => saveFile(pieces, safeFileName(name)),
    abort: () => void pieces.splice(0),
  };
}

/** @returns {Promise<Target>} */
async function streamedTarget(/** @type {any} */ handle) {
  const writable = await handle.createWritable();
  return {
    write: (piece) => writable.write(piece),
    close: () => writable.close(),
    abort: () => writable.abort(),
  };
}

/** A file of a name that the folder does not have: nothing is overwritten. */
async function newFile(/** @type {any} */ folder, /** @type {string} */ name) {
  const [, stem, extension] = /** @type {RegExpExecArray} */ (/^(.+?)([.][^.]*)?$/s.exec(name));
  for (let number = 1; ; number++) {
    const free = number === 1 ? name : `${stem} (${number})${extension ?? ""}`;
    const isTaken = await folder.getFileHandle(free).then(
      () => true,
      (/** @type {DOMException} */ { name: kind }) => kind !== "NotFoundError",
    );
    if (!isTaken) return folder.getFileHandle(free, { create: true });
  }
}

/** What the reader picked; raises `Cancelled` if that is nothing. @template T @param {Promise<T>} question */
async function answer(question) {
  try {
    return await question;
  } catch {
    throw new Cancelled();
  }
}
