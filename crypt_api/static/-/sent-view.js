// The sender's view of a message: the link, and the receipt, which tells what has become of the message.

import { copyOnClick, isBusy, whileBusy } from "./buttons.js";
import { elements } from "./elements.js";
import { decodeBase64url, deriveKeys } from "./envelope.js";
import { clearError, showError, showFailure } from "./field-errors.js";
import { showGoneView } from "./gone-view.js";
import { askBeforeLeaving } from "./leaving.js";
import { draw } from "./qr.js";
import { destroy, getReceipt } from "./service.js";
import { getText, setText } from "./texts.js";
import { nameTab, showView, trackView } from "./views.js";

/** Milliseconds between two requests for the receipt. The pauses grow, as the page may be left open for a day. */
const FIRST_PAUSE = 2_000;
const LAST_PAUSE = 30_000;

/**
 * @typedef {object} Sent
 * @property {import("./envelope.js").Keys} keys
 * @property {string} secret in base64url
 * @property {string} passphrase empty if the message has none, or if this page no longer knows it
 * @property {number} reads
 * @property {Date} expiresAt
 */

/** The message that is shown. @type {Sent | null} */
let sent = null;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let receiptTimer;
let pause = FIRST_PAUSE;
/** Whether the receipt is final. It must not be asked for again: the service forgets the receipt, too, in the end. */
let isFinal = false;
/** Whether the link is nowhere but in this view. */
let isLinkAtRisk = false;

/** Make the view's buttons work; called once. */
export function startSentView() {
  copyOnClick(elements["copy-link"], () => elements.link.value, keepLink);
  elements.link.addEventListener("copy", keepLink);
  askBeforeLeaving("sent", () => (isLinkAtRisk && !isFinal ? "leave.link" : null));
  copyOnClick(elements["copy-passphrase"], () => sent?.passphrase ?? "");
  for (const field of [elements.link, elements["sent-passphrase"]]) {
    field.addEventListener("focus", () => field.select());
  }
  elements.share.hidden = !navigator.share;
  elements.share.addEventListener("click", () =>
    navigator.share({ url: elements.link.value }).then(keepLink, () => undefined),
  );
  elements.destroy.addEventListener("click", () => {
    if (!isBusy(elements.destroy)) elements.keep.hidden ? askForConfirmation() : destroyMessage();
  });
  elements.keep.addEventListener("click", () => {
    resetConfirmation();
    elements.destroy.focus();
  });
  document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && updateReceipt());
  document.addEventListener("languageloaded", labelQrCode);
}

/** Show the link of a message that was sent just now. @param {Sent} message */
export function showSentView(message) {
  isLinkAtRisk = true;
  // The entry in the tab's history keeps the link, so that it survives a reload of the page.
  history.replaceState({ sent: { secret: message.secret, reads: message.reads } }, "", "/");
  show(message, "sent.title", "sent.lede");
}

/** Show the link again after a reload; false if this tab has sent no message just before. */
export async function resumeSentView() {
  const { secret, reads, isKept } = history.state?.sent ?? {};
  if (!secret) return false;
  try {
    const isShown = await showReceiptView(secret, reads);
    isLinkAtRisk = isShown && !isKept;
    return isShown;
  } catch {
    showGoneView("unreachable"); // its button reloads the page, which still has the link
    return true;
  }
}

/**
 * Show what has become of a message, to somebody who has its link. Nothing is read. False if there is no such message
 * any more; raises what the service's routes raise.
 *
 * @param {string} secret
 * @param {number} [reads] how often the message could be read at first, if that is known
 */
export async function showReceiptView(secret, reads) {
  const keys = await deriveKeys(/** @type {import("./envelope.js").Bytes} */ (decodeBase64url(secret)));
  const isCurrent = trackView();
  const receipt = await getReceipt(keys);
  if (!isCurrent()) return true;
  if (!receipt) return false;
  isLinkAtRisk = false;
  const isSender = reads !== undefined;
  const message = { keys, secret, passphrase: "", reads: reads ?? receipt.readsLeft, expiresAt: receipt.expiresAt };
  show(message, isSender ? "sent.title" : "sent.title-receipt", isSender ? "sent.lede" : "sent.from-link");
  showReceipt(message, receipt);
  return true;
}

function show(/** @type {Sent} */ message, /** @type {string} */ title, /** @type {string} */ lede) {
  sent = message;
  pause = FIRST_PAUSE;
  isFinal = false;
  elements.link.value = `${location.origin}/#${sent.secret}`;
  elements["sent-passphrase"].value = sent.passphrase;
  elements["sent-passphrase-field"].hidden = !sent.passphrase;
  elements.qr.replaceChildren(...drawQrCode(elements.link.value));
  labelQrCode();
  setText(elements["sent-title"], title);
  setText(elements["sent-lede"], lede, { n: sent.reads });
  resetConfirmation();
  clearError(elements["sent-problem"]);
  showState("unread", "sent.unread");
  showView("sent");
  scheduleUpdate();
}

function keepLink() {
  isLinkAtRisk = false;
  const { sent: stored } = history.state ?? {};
  if (stored) history.replaceState({ sent: { ...stored, isKept: true } }, "", "/");
}

/** Remove the link and the passphrase from the page, as another view is shown next. */
export function clearSentView() {
  clearTimeout(receiptTimer);
  sent = null;
  elements.link.value = elements["sent-passphrase"].value = "";
  elements.qr.replaceChildren();
}

/** The link's QR code in a list, which is empty if the link is too long for a QR code. @param {string} link */
function drawQrCode(link) {
  try {
    return [draw(link)];
  } catch (error) {
    if (error instanceof RangeError) return [];
    throw error;
  }
}

function labelQrCode() {
  elements.qr.firstElementChild?.setAttribute("aria-label", getText("sent.qr"));
}

function scheduleUpdate() {
  clearTimeout(receiptTimer);
  receiptTimer = setTimeout(updateReceipt, pause);
  pause = Math.min(pause * 1.25, LAST_PAUSE);
}

/** Get the receipt and show it; again after a pause, unless the receipt is final or the page is not visible. */
async function updateReceipt() {
  const asked = sent;
  if (!asked || isFinal) return;
  try {
    const receipt = await getReceipt(asked.keys);
    if (asked !== sent) return;
    clearError(elements["sent-problem"]);
    showReceipt(asked, receipt);
    if (isFinal) return;
  } catch {
    if (asked !== sent) return;
    showError(elements["sent-problem"], "sent.offline");
  }
  if (document.visibilityState === "visible") scheduleUpdate();
}

/** @param {Sent} message @param {import("./service.js").Receipt | null} receipt */
function showReceipt({ reads }, receipt) {
  if (!receipt) showEnd("expired");
  else if (!receipt.readsLeft) showEnd(receipt.state, { at: receipt.at });
  else if (receipt.at) {
    const values = { n: Math.max(reads - receipt.readsLeft, 1), left: receipt.readsLeft, at: receipt.at };
    showState("some", "sent.read-some", values);
  } else showState("unread", "sent.unread"); // as days go by, the text's "tomorrow" becomes "today"
}

function showState(/** @type {string} */ state, /** @type {string} */ key, values = {}) {
  setText(elements.state, key, values);
  setText(elements.until, "sent.until", { until: sent?.expiresAt });
  elements.receipt.dataset.state = state;
  elements.receipt.classList.remove("unseen");
  elements["sent-link"].hidden = elements.destroying.hidden = false;
}

/** The news becomes the headline, and the link goes: nobody can read the message any more. */
function showEnd(/** @type {string} */ state, values = {}) {
  isFinal = true;
  setText(elements.state, `sent.${state}`, values); // unseen, for screen readers
  elements.receipt.classList.add("unseen");
  setText(elements["sent-title"], `sent.title-${state}`, values);
  setText(elements["sent-lede"], "sent.over");
  elements["sent-link"].hidden = elements.destroying.hidden = true;
  elements.link.value = elements["sent-passphrase"].value = "";
  elements.qr.replaceChildren();
  history.replaceState(null, "", "/");
  nameTab();
}

function askForConfirmation() {
  setText(elements.destroy, "sent.sure");
  elements.keep.hidden = false;
}

function resetConfirmation() {
  setText(elements.destroy, "sent.destroy");
  elements.keep.hidden = true;
}

async function destroyMessage() {
  if (!sent) return;
  const { keys } = sent;
  resetConfirmation();
  clearError(elements["sent-problem"]);
  await whileBusy(elements.destroy, "sent.destroying", async () => {
    try {
      await destroy(keys);
      await updateReceipt();
      if (isFinal) elements["sent-title"].focus();
    } catch (error) {
      showFailure(elements["sent-problem"], error);
    }
  });
}
