// The sender's view of a message: the link, and the receipt, which tells what has become of the message.

import { copyOnClick, isBusy, whileBusy } from "./buttons.js";
import { elements } from "./elements.js";
import { clearError, showError, showFailure } from "./field-errors.js";
import { draw } from "./qr.js";
import { destroy, getReceipt } from "./service.js";
import { getText, setText } from "./texts.js";
import { showView } from "./views.js";

/** Milliseconds between two requests for the receipt. The pauses grow, as the page may be left open for a day. */
const FIRST_PAUSE = 2_000;
const LAST_PAUSE = 30_000;

/**
 * @typedef {object} Sent
 * @property {import("./envelope.js").Keys} keys
 * @property {string} link
 * @property {string} passphrase empty if the message has none
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

/** Make the view's buttons work; called once. */
export function startSentView() {
  copyOnClick(elements["copy-link"], () => sent?.link ?? "");
  copyOnClick(elements["copy-passphrase"], () => sent?.passphrase ?? "");
  for (const field of [elements.link, elements["sent-passphrase"]]) {
    field.addEventListener("focus", () => field.select());
  }
  elements.share.hidden = !navigator.share;
  elements.share.addEventListener("click", () => navigator.share({ url: sent?.link }).catch(() => undefined));
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

/** @param {Sent} message */
export function showSentView(message) {
  sent = message;
  pause = FIRST_PAUSE;
  isFinal = false;
  elements.link.value = sent.link;
  elements["sent-passphrase"].value = sent.passphrase;
  elements["sent-passphrase-field"].hidden = !sent.passphrase;
  elements.qr.replaceChildren(...drawQrCode(sent.link));
  labelQrCode();
  setText(elements["sent-lede"], "sent.lede", { n: sent.reads });
  resetConfirmation();
  clearError(elements["sent-problem"]);
  showState("unread", "sent.unread");
  showView("sent");
  scheduleUpdate();
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
    isFinal = !receipt?.readsLeft;
    if (isFinal) return;
  } catch {
    if (asked !== sent) return;
    showError(elements["sent-problem"], "sent.offline");
  }
  if (document.visibilityState === "visible") scheduleUpdate();
}

/** @param {Sent} message @param {import("./service.js").Receipt | null} receipt */
function showReceipt({ reads }, receipt) {
  if (!receipt) showState("expired", "sent.expired");
  else if (!receipt.readsLeft) showState(receipt.state, `sent.${receipt.state}`, { at: receipt.at });
  else if (receipt.at)
    showState("some", "sent.read-some", { n: reads - receipt.readsLeft, left: receipt.readsLeft, at: receipt.at });
  else showState("unread", "sent.unread"); // as days go by, the text's "tomorrow" becomes "today"
}

function showState(/** @type {string} */ state, /** @type {string} */ key, values = {}) {
  const isReadable = state === "unread" || state === "some";
  setText(elements.state, key, values);
  elements.receipt.dataset.state = state;
  setText(elements.until, isReadable ? "sent.until" : "sent.over", { until: sent?.expiresAt });
  elements.destroying.hidden = !isReadable;
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
      if (isFinal) elements.state.focus();
    } catch (error) {
      showFailure(elements["sent-problem"], error);
    }
  });
}
