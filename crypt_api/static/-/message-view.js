// The view of a message that was read. This page may have the message's last copy.

import { withLinks } from "./web-addresses.js";
import { attempt } from "./attempt.js";
import { copyOnClick } from "./buttons.js";
import { elements } from "./elements.js";
import { safeFileName, saveFile } from "./files.js";
import { showGoneView } from "./gone-view.js";
import { askBeforeLeaving, mayLeave } from "./leaving.js";
import { endLease, leaseMillisecondsLeft } from "./read-lease.js";
import { acknowledge } from "./service.js";
import { hideFromStyles } from "./shadow.js";
import { formatSize, getText, setText } from "./texts.js";
import { showView } from "./views.js";

/**
 * @typedef {object} Message
 * @property {import("./envelope.js").Content} content
 * @property {import("./envelope.js").Keys} keys
 * @property {string} idempotencyKey of the read
 */

/** Types of images that browsers show, and in which nothing runs. */
const IMAGES = ["image/png", "image/jpeg", "image/gif", "image/webp", "image/avif"];

/** @type {Message | null} */
let message = null;
/** The message's text, or the note that came with a file; copied as it is, whatever a translator makes of the page. */
let text = "";
/** Whether the message is a file that nobody has saved yet. */
let isUnsaved = false;
/** @type {HTMLImageElement | null} */
let image = null;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let leaseTimer;

/** Make the view's buttons work; called once. */
export function startMessageView() {
  copyOnClick(elements["copy-content"], () => text);
  elements.save.addEventListener("click", save);
  elements.done.addEventListener("click", () => mayLeave() && closeMessage());
  askBeforeLeaving("message", () => (isUnsaved ? "leave.file" : null));
  document.addEventListener("languageloaded", nameImage);
}

/**
 * Show a message that was read. What matters is shown first, by the oldest means that browsers have: the text, and the
 * button that saves the file. No later step can take it away again.
 *
 * @param {Message} read
 */
export function showMessageView(read) {
  message = read;
  const { name, data, note = "" } = message.content;
  const isFile = name !== undefined;
  isUnsaved = isFile;
  text = isFile ? note : new TextDecoder("utf-8", { ignoreBOM: true }).decode(data);
  elements.content.textContent = text;
  elements.content.hidden = elements["copy-content"].hidden = isFile && !text;
  elements["content-file"].hidden = !isFile;
  showView("message");
  attempt(() => history.replaceState(null, "", "/")); // the secret leaves the address bar
  attempt(() => elements.content.replaceChildren(...withLinks(text)));
  attempt(() => describe(isFile));
  if (isFile) attempt(() => describeFile(name, data.length));
  attempt(() => showImage(read.content));
  attempt(startLeaseTimer);
}

function describe(/** @type {boolean} */ isFile) {
  elements.save.className = isFile ? "main" : "second";
  elements["copy-content"].className = isFile ? "second" : "main";
  setText(elements["content-label"], isFile ? "message.note" : "message.content");
}

function describeFile(/** @type {string} */ name, /** @type {number} */ bytes) {
  elements["content-name"].textContent = safeFileName(name);
  elements["content-size"].textContent = formatSize(bytes);
}

function startLeaseTimer() {
  setText(elements["message-lede"], "message.lede");
  leaseTimer = setTimeout(() => setText(elements["message-lede"], "message.last"), leaseMillisecondsLeft());
}

function showImage(/** @type {import("./envelope.js").Content} */ { data, mediaType = "" }) {
  if (!IMAGES.includes(mediaType)) return;
  const place = elements["content-image"];
  image = document.createElement("img");
  image.src = URL.createObjectURL(new Blob([data], { type: mediaType }));
  image.onerror = () => (place.hidden = true); // it is no such image: the file can be saved all the same
  nameImage();
  hideFromStyles(place, image, "image");
  place.hidden = false;
}

function nameImage() {
  if (image) image.alt = getText("message.image", { name: elements["content-name"].textContent });
}

function clearImage() {
  elements["content-image"].hidden = true;
  if (!image) return;
  URL.revokeObjectURL(image.src);
  image.remove();
  image = null;
}

function save() {
  if (!message) return;
  const { data, name = "message.txt" } = message.content;
  saveFile(data, safeFileName(name));
  isUnsaved = false;
}

/** Remove the message from the page, as another view is shown next. */
export function clearMessageView() {
  clearTimeout(leaseTimer);
  message = null;
  text = "";
  isUnsaved = false;
  clearImage();
  for (const id of ["content", "content-name", "content-size"]) elements[id].textContent = "";
}

/** The reader has the message: remove it from the page, from the tab's storage and from the service. */
function closeMessage() {
  endLease();
  if (message) acknowledge(message.keys, message.idempotencyKey).catch(() => undefined); // or the lease expires
  clearMessageView();
  showGoneView("closed");
}
