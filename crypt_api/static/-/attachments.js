// The files that a sender attaches: picked, pasted, or dropped anywhere on the page.

import { elements } from "./elements.js";
import { MAX_CONTENT_BYTES } from "./envelope.js";
import { clearError, showError } from "./field-errors.js";
import { safeFileName } from "./files.js";
import { MAX_FILES, totalBytes } from "./manifest.js";
import { getFileLimits } from "./service.js";
import { formatSize, setText } from "./texts.js";

/**
 * A file as it was when it was attached.
 *
 * @typedef {{ file: File, name: string, mediaType: string, bytes: number, lastModified: number }} Attachment
 */
/** @typedef {Awaited<ReturnType<typeof getFileLimits>>} FileLimits */

/** @type {Attachment[]} */
let attachments = [];
/** What the service takes; undefined until it has told. @type {FileLimits | undefined} */
let limits;
/** @type {() => void} */
let tellChange = () => undefined;

/** A file is no longer the one that was attached. */
export class FileChanged extends Error {}

/** Accept files; called once. @param {() => void} onChange is called when a file comes or goes, or a limit is known */
export function startAttachments(onChange) {
  tellChange = onChange;
  const { text, file: picker, drop } = elements;
  elements.attach.addEventListener("click", () => picker.click());
  picker.addEventListener("change", () => {
    const chosen = [...picker.files];
    picker.value = ""; // so that a file can be chosen again after it was removed
    attach(chosen);
  });
  text.addEventListener("paste", (/** @type {ClipboardEvent} */ event) => attachFrom(event, event.clipboardData));
  document.addEventListener("dragover", (event) => {
    if (!hasFiles(event.dataTransfer)) return;
    event.preventDefault();
    drop.classList.add("over");
  });
  document.addEventListener("dragleave", () => drop.classList.remove("over"));
  document.addEventListener("drop", (event) => {
    drop.classList.remove("over");
    attachFrom(event, event.dataTransfer);
  });
  document.addEventListener("languageloaded", draw);
}

/** The attached files. @returns {readonly Attachment[]} */
export function attachedFiles() {
  return attachments;
}

export function detachAll() {
  attachments = [];
  draw();
}

/** The service's limits, as far as they are known; null if it takes no files beside messages. */
export function knownFileLimits() {
  return limits;
}

/** Ask the service for its limits, if it has not told them. Raises what the service's routes raise. */
export async function askFileLimits() {
  if (limits !== undefined) return limits;
  limits = await getFileLimits();
  tellChange();
  return limits;
}

/**
 * Read a piece of a file; raises `FileChanged` with the file's name.
 *
 * @param {Attachment} attachment
 * @param {number} start
 * @param {number} length
 */
export async function readBytes({ file, name, bytes, lastModified }, start, length) {
  try {
    const piece = new Uint8Array(await file.slice(start, start + length).arrayBuffer());
    if (piece.length === length && file.size === bytes && file.lastModified === lastModified) return piece;
  } catch {
    // the browser refuses to read a file that has changed
  }
  throw new FileChanged(name);
}

/** Say that something is too large. @param {number} bytes */
export function showTooLarge(bytes) {
  const values = { size: formatSize(bytes), most: formatSize(limits?.maxBytes ?? MAX_CONTENT_BYTES) };
  showError(elements["text-problem"], "problem.too-large", values, elements.text);
}

/** Attach the files of a paste or a drop. The browser itself handles text. */
function attachFrom(/** @type {Event} */ event, /** @type {DataTransfer | null} */ data) {
  if (!data || !hasFiles(data) || data.types.includes("text/plain")) return; // a spreadsheet adds a picture to its text
  event.preventDefault(); // or the browser would open the file
  if (!elements.drop.closest("[hidden]")) attach([...data.files]); // the editor is shown
}

function hasFiles(/** @type {DataTransfer | null} */ data) {
  return data?.types.includes("Files") ?? false;
}

async function attach(/** @type {File[]} */ files) {
  const problem = elements["text-problem"];
  clearError(problem, elements.text);
  if (!files.length) return;
  if (attachments.length + files.length > MAX_FILES) {
    return showError(problem, "problem.too-many-files", { n: MAX_FILES });
  }
  const added = files.map((file) => ({
    file,
    name: file.name,
    mediaType: file.type || "application/octet-stream",
    bytes: file.size,
    lastModified: file.lastModified,
  }));
  attachments = [...attachments, ...added];
  draw();
  elements.attached.lastElementChild.querySelector("button").focus();
  if (!(await areReadable(files))) {
    detach(added);
    return showError(problem, "problem.unreadable");
  }
  await askFileLimits().catch(() => undefined); // asked again when the files are sent
  const bytes = totalBytes([...attachments]);
  if (limits === undefined || bytes <= (limits?.maxBytes ?? MAX_CONTENT_BYTES)) return;
  detach(added);
  showTooLarge(bytes);
}

/** Whether all are files, and not folders, for example. */
async function areReadable(/** @type {File[]} */ files) {
  try {
    for (const file of files) await file.slice(0, 1).arrayBuffer();
    return true;
  } catch {
    return false;
  }
}

function detach(/** @type {Attachment[]} */ removed) {
  attachments = attachments.filter((attachment) => !removed.includes(attachment));
  draw();
}

function draw() {
  const { attached } = elements;
  attached.textContent = "";
  attached.append(...attachments.map(itemOf));
  attached.hidden = !attachments.length;
  tellChange();
}

/** An attached file in the list, with a button that removes it. */
function itemOf(/** @type {Attachment} */ attachment, /** @type {number} */ index) {
  const item = document.createElement("li");
  item.className = "attached";
  const name = document.createElement("strong");
  Object.assign(name, { id: `attached-${index}`, className: "notranslate", translate: false, dir: "auto" });
  name.textContent = safeFileName(attachment.name);
  const size = document.createElement("span");
  size.textContent = formatSize(attachment.bytes);
  const text = document.createElement("p");
  text.append(name, " ", size);
  const button = Object.assign(document.createElement("button"), { type: "button", className: "quiet" });
  button.setAttribute("aria-describedby", name.id);
  setText(button, "write.remove");
  button.addEventListener("click", () => {
    detach([attachment]);
    clearError(elements["text-problem"], elements.text);
    const buttons = elements.attached.querySelectorAll("button");
    (buttons[Math.min(index, buttons.length - 1)] ?? elements.text).focus();
  });
  item.append(text, button);
  return item;
}
