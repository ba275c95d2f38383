// The list of files of a message that was read, while they are fetched: a reload of the tab goes on with it.

import { listFields, parseManifest } from "./manifest.js";
import { getItem, setItem } from "./storage.js";

const STORAGE_KEY = "files";

/** @typedef {import("./manifest.js").Manifest} Manifest */
/** @typedef {{ manifest: Manifest, saved: number[], wanted: number[] }} KeptFiles with the numbers of files in the list */

/** Keep it in this tab; false if the browser refuses that. @param {KeptFiles} files */
export function keepFiles({ manifest, saved, wanted }) {
  const text = JSON.stringify({ list: listFields(manifest), note: manifest.note, saved, wanted });
  setItem("sessionStorage", STORAGE_KEY, text);
  return getItem("sessionStorage", STORAGE_KEY) === text;
}

/** What this tab keeps; null if it keeps nothing. @returns {KeptFiles | null} */
export function keptFiles() {
  const text = getItem("sessionStorage", STORAGE_KEY);
  if (text === null) return null;
  const { list, note, saved, wanted } = JSON.parse(text);
  return { manifest: parseManifest(list, note, new Uint8Array()), saved, wanted };
}

export function forgetFiles() {
  setItem("sessionStorage", STORAGE_KEY, null);
}
