// The view of a message that was read. This page may have the message's last copy.

import { copyOnClick } from "./buttons.js";
import { elements } from "./elements.js";
import { safeFileName, saveFile } from "./files.js";
import { showGoneView } from "./gone-view.js";
import { endLease, leaseMillisecondsLeft } from "./read-lease.js";
import { acknowledge } from "./service.js";
import { formatSize, setText } from "./texts.js";
import { showView } from "./views.js";

/**
 * @typedef {object} Message
 * @property {import("./envelope.js").Content} content
 * @property {import("./envelope.js").Keys} keys
 * @property {string} idempotencyKey of the read
 */

/** @type {Message | null} */
let message = null;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let leaseTimer;

/** Make the view's buttons work; called once. */
export function startMessageView() {
  copyOnClick(elements["copy-content"], () => elements.content.textContent);
  elements.save.addEventListener("click", () => {
    if (message) saveFile(message.content.data, safeFileName(message.content.name ?? "message.txt"));
  });
  elements.done.addEventListener("click", closeMessage);
}

/** @param {Message} read */
export function showMessageView(read) {
  history.replaceState(null, "", "/"); // the secret leaves the address bar
  message = read;
  const { name, data } = message.content;
  const isFile = name !== undefined;
  elements.content.hidden = elements["copy-content"].hidden = isFile;
  elements["content-file"].hidden = !isFile;
  elements.save.className = isFile ? "main" : "second";
  if (isFile) {
    elements["content-name"].textContent = safeFileName(name);
    elements["content-size"].textContent = formatSize(data.length);
  } else {
    elements.content.textContent = new TextDecoder("utf-8", { ignoreBOM: true }).decode(data);
  }
  setText(elements["message-lede"], "message.lede");
  showView("message");
  leaseTimer = setTimeout(() => setText(elements["message-lede"], "message.last"), leaseMillisecondsLeft());
}

/** Remove the message from the page, as another view is shown next. */
export function clearMessageView() {
  clearTimeout(leaseTimer);
  message = null;
  for (const id of ["content", "content-name", "content-size"]) elements[id].textContent = "";
}

/** The reader has the message: remove it from the page, from the tab's storage and from the service. */
function closeMessage() {
  endLease();
  if (message) acknowledge(message.keys, message.idempotencyKey).catch(() => undefined); // or the lease expires
  clearMessageView();
  showGoneView("closed");
}
