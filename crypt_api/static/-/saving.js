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
 * @property {Blob} [copy] the file, where nobody can tell whether it was really saved
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
  const handle = await answer(browser.showSaveFilePicker({ suggestedName: safeFileName(entry.name) }));
  return handle ? streamedTarget(handle) : keptTarget(entry);
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
  return async (entry) => (folder ? newFileTarget(folder, entry) : keptTarget(entry));
}

/**
 * The browser keeps the pieces, as Blobs that it may move to its disk, and saves them at the end. It may ask its user
 * first, or do nothing: many browsers let a page save one file at a click. So they stay here, to be saved again.
 *
 * @returns {Target}
 */
export function keptTarget(/** @type {Entry} */ { name }) {
  /** @type {Blob[]} */
  const pieces = [];
  /** @type {Target} */
  const target = {
    write: (piece) => void pieces.push(new Blob([piece])),
    close: () => {
      target.copy = new Blob(pieces);
      saveFile([target.copy], safeFileName(name));
    },
    abort: () => void pieces.splice(0),
  };
  return target;
}

/**
 * @param {any} handle
 * @param {() => Promise<void>} [discard] removes the file, if it is a new one
 * @returns {Promise<Target>}
 */
async function streamedTarget(handle, discard = async () => undefined) {
  const writable = await handle.createWritable();
  return {
    write: (piece) => writable.write(piece),
    close: () => writable.close(),
    abort: () =>
      writable
        .abort()
        .then(discard)
        .catch(() => undefined), // why it was aborted is told
  };
}

/**
 * A file of a name that the folder does not have: nothing is overwritten. A browser allows fewer names here than for its
 * downloads (none that ends with `.url` or `.lnk`, for example); such a file goes there.
 *
 * @param {any} folder
 * @param {Entry} entry
 * @returns {Promise<Target>}
 */
async function newFileTarget(folder, entry) {
  const name = safeFileName(entry.name);
  const [, stem, extension] = /** @type {RegExpExecArray} */ (/^(.+?)([.][^.]*)?$/s.exec(name));
  for (let number = 1; ; number++) {
    const free = number === 1 ? name : `${stem} (${number})${extension ?? ""}`;
    try {
      await folder.getFileHandle(free);
    } catch (error) {
      const { name: kind } = /** @type {Error} */ (error);
      if (kind === "TypeError") return keptTarget(entry);
      if (kind === "NotFoundError") {
        const handle = await folder.getFileHandle(free, { create: true });
        return streamedTarget(handle, () => folder.removeEntry(free));
      }
      if (kind !== "TypeMismatchError") throw error; // which a folder of that name is
    }
  }
}

/**
 * What the reader picked; null if the browser does not let them pick, by its user's policy, say. Raises `Cancelled` if
 * they picked nothing.
 *
 * @template T
 * @param {Promise<T>} question
 */
async function answer(question) {
  try {
    return await question;
  } catch (error) {
    if (/** @type {Error} */ (error).name === "AbortError") throw new Cancelled();
    return null;
  }
}
