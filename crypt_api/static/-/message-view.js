// The view of a message that was read. This page may have the message's last copy.

import { withLinks } from "./web-addresses.js";
import { attempt } from "./attempt.js";
import { copyOnClick, whileBusy } from "./buttons.js";
import { elements } from "./elements.js";
import { safeFileName, saveFile } from "./files.js";
import { showGoneView } from "./gone-view.js";
import { keptFiles } from "./kept-files.js";
import { askBeforeLeaving, mayLeave } from "./leaving.js";
import { endLease, leaseMillisecondsLeft } from "./read-lease.js";
import { Unreachable } from "./service.js";
import { hideFromStyles } from "./shadow.js";
import { getText, setText } from "./texts.js";
import { showView } from "./views.js";

/**
 * @typedef {object} Message
 * @property {import("./envelope.js").Content | import("./manifest.js").Manifest} content
 * @property {boolean} isForMore whether others can read it, too, as far as this page knows
 * @property {() => Promise<void>} acknowledge tells the service that the message has arrived
 */

/** Types of images that browsers show, and in which nothing runs. */
const IMAGES = ["image/png", "image/jpeg", "image/gif", "image/webp", "image/avif"];

/** Bytes of the largest image that is fetched to be shown, and of all together. */
const [MAX_IMAGE_BYTES, MAX_IMAGES_BYTES] = [16e6, 48e6];

/** @type {Message | null} */
let message = null;
/** The message's text, or the note that came with files; copied as it is, whatever a translator makes of the page. */
let text = "";
/** @type {import("./received-files.js").ReceivedFiles | null} */
let files = null;
/** @type {{ image: HTMLImageElement, name: string }[]} */
let images = [];
/** Whether this tab keeps the list of files, so that a reload goes on with them. */
let areFilesKept = false;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let leaseTimer;

/** Make the view's buttons work; called once. */
export function startMessageView() {
  copyOnClick(elements["copy-content"], elements.content, () => text);
  elements["save-text"].addEventListener("click", () => saveFile([new TextEncoder().encode(text)], "message.txt"));
  elements.save.addEventListener("click", save);
  elements.done.addEventListener("click", () => mayLeave() && closeMessage());
  askBeforeLeaving("message", lossNow);
  document.addEventListener("languageloaded", nameImages);
}

/** Load what showing files takes, which the first view does not need: before a message is read, so that it can be shown. */
export function loadReceivedFiles() {
  return import("./received-files.js").catch(() => {
    throw new Unreachable("none");
  });
}

/**
 * Show a message that was read. What matters is shown first, by the oldest means that browsers have: the text, and the
 * button that saves the files. No later step can take it away again.
 *
 * @param {Message} read
 * @param {Awaited<ReturnType<typeof loadReceivedFiles>>} module
 */
export function showMessageView(read, { ReceivedFiles }) {
  message = read;
  const { content } = message;
  const isText = !("files" in content) && content.name === undefined;
  text = isText ? new TextDecoder("utf-8", { ignoreBOM: true }).decode(content.data) : (content.note ?? "");
  files = isText ? null : new ReceivedFiles(content, showState);
  elements.content.textContent = text;
  elements["text-card"].hidden = !isText && !text;
  elements["files-card"].hidden = isText;
  files?.draw();
  showView("message");
  attempt(() => history.replaceState(null, "", "/")); // the secret leaves the address bar
  attempt(() => elements.content.replaceChildren(...withLinks(text)));
  attempt(describe);
  attempt(showImages);
  attempt(keepFilesAndAcknowledge);
  attempt(showState);
}

/** Show the files that this tab has begun to fetch before a reload; false if there are none. */
export async function resumeFiles() {
  const kept = keptFiles();
  if (!kept) return false;
  const module = await loadReceivedFiles();
  const isForMore = !kept.manifest.sole;
  showMessageView({ content: kept.manifest, isForMore, acknowledge: async () => undefined }, module);
  files?.resume(kept);
  return true;
}

function describe() {
  elements["save-text"].hidden = files !== null;
  elements["copy-content"].className = files ? "second" : "main";
  setText(elements.save, (files?.entries.length ?? 1) > 1 ? "message.save-all" : "message.save-file");
  setText(elements["content-label"], files ? "message.note" : "message.content");
}

/** Once this tab keeps the list of files, for a reload, the service need not keep it any longer. */
function keepFilesAndAcknowledge() {
  areFilesKept = files?.keep() ?? false;
  if (!message || !areFilesKept) return;
  message.acknowledge().catch(() => undefined); // or the lease expires
  endLease();
}

/** Say what becomes of the message if the page is left now. */
function showState() {
  clearTimeout(leaseTimer);
  const say = (/** @type {string} */ key, /** @type {string} */ keyForMore) =>
    setText(elements["message-lede"], message?.isForMore ? keyForMore : key);
  if (files?.manifest && files.areAllSaved) return say("message.all-saved", "message.all-saved-more");
  if (areFilesKept) return say("message.files", "message.files");
  if (leaseMillisecondsLeft() === 0) return say("message.last", "message.last-more");
  say("message.lede", "message.lede-more");
  leaseTimer = setTimeout(() => say("message.last", "message.last-more"), leaseMillisecondsLeft());
}

function lossNow() {
  if (!files || files.areAllSaved) return null;
  return files.entries.length > 1 ? "leave.files" : "leave.file";
}

/** Show the images among the files, one below the other. */
async function showImages() {
  const shown = files;
  let room = MAX_IMAGES_BYTES;
  for (const entry of shown?.entries ?? []) {
    if (!IMAGES.includes(entry.mediaType) || entry.bytes > Math.min(room, MAX_IMAGE_BYTES)) continue;
    room -= entry.bytes;
    const blob = await shown?.bytesOf(entry).catch(() => null);
    if (shown !== files) return;
    if (blob) attempt(() => showImage(new Blob([blob], { type: entry.mediaType }), entry.name));
  }
}

function showImage(/** @type {Blob} */ blob, /** @type {string} */ name) {
  const place = document.createElement("div");
  const image = document.createElement("img");
  place.className = "image";
  image.src = URL.createObjectURL(blob);
  image.onerror = () => place.remove(); // it is no such image: the file can be saved all the same
  images.push({ image, name });
  nameImages();
  hideFromStyles(place, image, "image");
  elements["content-image"].append(place);
}

function nameImages() {
  for (const { image, name } of images) image.alt = getText("message.image", { name: safeFileName(name) });
}

function clearImages() {
  for (const { image } of images) URL.revokeObjectURL(image.src);
  images = [];
  elements["content-image"].textContent = "";
}

function save() {
  const shown = files;
  if (!shown?.manifest) return shown?.saveAll();
  return whileBusy(elements.save, "message.saving", () => shown.saveAll());
}

/** Remove the message from the page, as another view is shown next. */
export function clearMessageView() {
  clearTimeout(leaseTimer);
  message = null;
  text = "";
  files?.clear();
  files = null;
  areFilesKept = false;
  clearImages();
  elements.content.textContent = "";
}

/** The reader has the message: remove it from the page, from the tab's storage and from the service. */
function closeMessage() {
  endLease();
  message?.acknowledge().catch(() => undefined); // or the lease expires
  files?.deleteParts();
  const reason = message?.isForMore ? "closed-more" : "closed";
  clearMessageView();
  showGoneView(reason);
}
