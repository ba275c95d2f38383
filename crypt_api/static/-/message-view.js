// The view of a message that was read. This page may have the message's last copy.

import { withLinks } from "./addresses.js";
import { copyOnClick } from "./buttons.js";
import { elements } from "./elements.js";
import { safeFileName, saveFile } from "./files.js";
import { showGoneView } from "./gone-view.js";
import { askBeforeLeaving, mayLeave } from "./leaving.js";
import { endLease, leaseMillisecondsLeft } from "./read-lease.js";
import { acknowledge } from "./service.js";
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
/** Whether the message is a file that nobody has saved yet. */
let isUnsaved = false;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let leaseTimer;

/** Make the view's buttons work; called once. */
export function startMessageView() {
  copyOnClick(elements["copy-content"], () => elements.content.textContent);
  elements.save.addEventListener("click", () => {
    if (message) saveFile(message.content.data, safeFileName(message.content.name ?? "message.txt"));
    isUnsaved = false;
  });
  elements.done.addEventListener("click", () => mayLeave() && closeMessage());
  askBeforeLeaving("message", () => (isUnsaved ? "leave.file" : null));
  document.addEventListener("languageloaded", describeImage);
}

/** @param {Message} read */
export function showMessageView(read) {
  history.replaceState(null, "", "/"); // the secret leaves the address bar
  message = read;
  const { name, data, note } = message.content;
  const isFile = name !== undefined;
  isUnsaved = isFile;
  showText(isFile ? note : new TextDecoder("utf-8", { ignoreBOM: true }).decode(data), isFile);
  elements["content-file"].hidden = !isFile;
  elements.save.className = isFile ? "main" : "second";
  if (isFile) {
    elements["content-name"].textContent = safeFileName(name);
    elements["content-size"].textContent = formatSize(data.length);
    showImage(message.content);
  }
  setText(elements["message-lede"], "message.lede");
  showView("message");
  leaseTimer = setTimeout(() => setText(elements["message-lede"], "message.last"), leaseMillisecondsLeft());
}

/** Show the text of the message, or the note that came with a file. */
function showText(/** @type {string | undefined} */ text, /** @type {boolean} */ isNote) {
  elements.content.hidden = elements["copy-content"].hidden = text === undefined;
  elements.content.replaceChildren(...withLinks(text ?? ""));
  elements["copy-content"].className = isNote ? "second" : "main";
  setText(elements["content-label"], isNote ? "message.note" : "message.content");
}

function showImage(/** @type {import("./envelope.js").Content} */ { data, mediaType = "" }) {
  if (!IMAGES.includes(mediaType)) return;
  const image = elements["content-image"];
  image.src = URL.createObjectURL(new Blob([data], { type: mediaType }));
  image.hidden = false;
  image.onerror = () => (image.hidden = true); // it is no such image: the file can be saved all the same
  describeImage();
}

function describeImage() {
  elements["content-image"].alt = getText("message.image", { name: elements["content-name"].textContent });
}

/** Remove the message from the page, as another view is shown next. */
export function clearMessageView() {
  clearTimeout(leaseTimer);
  message = null;
  isUnsaved = false;
  URL.revokeObjectURL(elements["content-image"].src);
  elements["content-image"].removeAttribute("src");
  elements["content-image"].hidden = true;
  for (const id of ["content", "content-name", "content-size"]) elements[id].textContent = "";
}

/** The reader has the message: remove it from the page, from the tab's storage and from the service. */
function closeMessage() {
  endLease();
  if (message) acknowledge(message.keys, message.idempotencyKey).catch(() => undefined); // or the lease expires
  clearMessageView();
  showGoneView("closed");
}
