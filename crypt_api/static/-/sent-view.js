// The sender's view of a message: the link, and the receipt, which tells what has become of the message.

import { attempt } from "./attempt.js";
import { confirmOnClick, copyOnClick, whileBusy } from "./buttons.js";
import { elements } from "./elements.js";
import { decodeBase64url } from "./encoding.js";
import { deriveKeys } from "./envelope.js";
import { clearError, showError, showFailure } from "./field-errors.js";
import { showGoneView } from "./gone-view.js";
import { askBeforeLeaving } from "./leaving.js";
import { poll } from "./polling.js";
import { draw } from "./qr.js";
import { destroy, getReceipt } from "./service.js";
import { clearText, getText, setText } from "./texts.js";
import { isSmallScreen, nameTab, setFace, showView, trackView } from "./views.js";

/**
 * @typedef {object} Sent
 * @property {import("./envelope.js").Keys} keys
 * @property {string} secret in base64url
 * @property {string} passphrase empty if the message has none, or if this page no longer knows it
 * @property {boolean} [isPassphraseGenerated] whether nobody has typed it, so that nobody else knows it
 * @property {number} reads how often the message can be read, as far as this page knows
 * @property {Date} expiresAt
 * @property {boolean} isSender whether this tab has sent the message, and not followed its link
 */
/**
 * What has become of the message; "some" have read it if others still can.
 *
 * @typedef {object} Fate
 * @property {"unread" | "some" | "read" | "destroyed" | "expired"} state
 * @property {Date | null} [at]
 * @property {number} [left] how many can still open it
 */

const STATES = {
  unread: "sent.unread",
  some: "sent.left",
  read: "sent.read",
  destroyed: "sent.destroyed",
  expired: "sent.expired",
};

/** @type {Record<Fate["state"], [icon: string, tone: "done" | "neutral"]>} */
const FACES = {
  unread: ["clock", "neutral"],
  some: ["eye", "done"],
  read: ["check", "done"],
  destroyed: ["trash", "neutral"],
  expired: ["clock", "neutral"],
};

/** Characters of a link that fit two lines beside its button. */
const TWO_LINES = 52;

/** The message that is shown. @type {Sent | null} */
let sent = null;
/** @type {Fate} */
let fate = { state: "unread" };
/** Takes back the question whether the message shall be destroyed. @type {() => void} */
let stopConfirming = () => undefined;
/** Whether the link is nowhere but in this view. */
let isLinkAtRisk = false;
/** Whether the passphrase is nowhere but in this view. */
let isPassphraseAtRisk = false;
/** @type {() => void} */
let stopPolling = () => undefined;

/** Make the view's buttons work; called once. */
export function startSentView() {
  copyOnClick(elements["copy-link"], elements.link, link, keepLink);
  elements.link.addEventListener("copy", keepLink);
  askBeforeLeaving("sent", lossNow);
  copyOnClick(elements["copy-passphrase"], elements["sent-passphrase"], () => sent?.passphrase ?? "", keepPassphrase);
  elements["sent-passphrase"].addEventListener("copy", keepPassphrase);
  for (const field of [elements.link, elements["sent-passphrase"]]) {
    field.addEventListener("focus", () => field.select());
  }
  elements.share.hidden = !navigator.share;
  elements.share.addEventListener("click", () => navigator.share({ url: link() }).then(keepLink, () => undefined));
  stopConfirming = confirmOnClick(elements.destroy, elements.keep, "sent.sure", destroyMessage);
  document.addEventListener("languageloaded", labelQrCode);
}

/** Show the link of a message that was sent just now. @param {Sent} message */
export function showSentView(message) {
  isLinkAtRisk = true;
  // The entry in the tab's history keeps the link, so that it survives a reload of the page.
  attempt(() => history.replaceState({ sent: { secret: message.secret, reads: message.reads } }, "", "/"));
  show(message, { state: "unread" });
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
 * @param {number} [reads] how often the message could be read at first, if this tab has sent it
 */
export async function showReceiptView(secret, reads) {
  const keys = await deriveKeys(/** @type {import("./envelope.js").Bytes} */ (decodeBase64url(secret)));
  const isCurrent = trackView();
  const receipt = await getReceipt(keys);
  if (!isCurrent()) return true;
  if (!receipt) return false;
  isLinkAtRisk = false;
  const { readsLeft, expiresAt } = receipt;
  const isSender = reads !== undefined;
  const message = { keys, secret, passphrase: "", reads: reads ?? readsLeft, expiresAt, isSender };
  show(message, fateOf(receipt));
  return true;
}

/** Remove the link and the passphrase from the page, as another view is shown next. */
export function clearSentView() {
  stopPolling();
  sent = null;
  drawLink();
}

function show(/** @type {Sent} */ message, /** @type {Fate} */ itsFate) {
  stopPolling();
  sent = message;
  fate = itsFate;
  isPassphraseAtRisk = message.isPassphraseGenerated ?? false;
  clearError(elements["sent-problem"]);
  stopConfirming();
  drawLink();
  drawFate();
  elements["qr-fold"].open = !isSmallScreen();
  showView("sent");
  if (isOver()) end();
  else stopPolling = poll(updateFate);
}

/** Nobody can read the message any more, so the link is worth nothing. */
function end() {
  stopPolling();
  drawLink();
  attempt(() => history.replaceState(null, "", "/"));
  nameTab();
}

/** Whether nobody can read the message any more. The service then forgets it in the end, so it is not asked again. */
function isOver() {
  return ["read", "destroyed", "expired"].includes(fate.state);
}

function link() {
  return sent ? `${location.origin}/#${sent.secret}` : "";
}

/** What would be lost if the view were left. */
function lossNow() {
  if (isOver()) return null;
  if (isLinkAtRisk) return "leave.link";
  return isPassphraseAtRisk ? "leave.passphrase" : null;
}

function keepPassphrase() {
  isPassphraseAtRisk = false;
}

function keepLink() {
  isLinkAtRisk = false;
  const { sent: stored } = history.state ?? {};
  if (stored) history.replaceState({ sent: { ...stored, isKept: true } }, "", "/");
}

/** Draw the link, its QR code and the passphrase; none of them once nobody can read the message any more. */
function drawLink() {
  const isShown = sent !== null && !isOver();
  const passphrase = isShown ? sent?.passphrase : "";
  elements.link.value = isShown ? link() : "";
  elements.link.rows = link().length > TWO_LINES ? 3 : 2;
  elements["sent-passphrase"].value = passphrase;
  elements["sent-passphrase-field"].hidden = !passphrase;
  elements.qr.textContent = "";
  if (!isShown) return;
  attempt(() => elements.qr.append(draw(link()))); // not of a link that is too long for a QR code
  labelQrCode();
}

function labelQrCode() {
  elements.qr.firstElementChild?.setAttribute("aria-label", getText("sent.qr"));
}

/** Draw what has become of the message. When it is over that is the headline, and the link is gone. */
function drawFate() {
  if (!sent) return;
  const { state, at, left } = fate;
  const { isSender, reads, expiresAt } = sent;
  const title = isSender ? "sent.title" : "sent.title-receipt";
  const lede = isSender ? "sent.lede" : "sent.from-link";
  setText(elements["sent-title"], isOver() ? `sent.title-${state}` : title);
  setText(elements["sent-lede"], isOver() ? "sent.over" : lede, { n: reads });
  if (isOver()) setFace(elements["sent-face"], ...FACES[state]);
  else setFace(elements["sent-face"], "lock", "accent");
  setFace(elements["receipt-face"], ...FACES[state]);
  elements.receipt.dataset.state = state;
  if (isSender && left) setText(elements.state, "sent.read-some", { n: reads - left, reads });
  else setText(elements.state, STATES[state], { at, n: left });
  if (isOver()) clearText(elements.until);
  // as days go by, its "tomorrow" becomes "today"
  else setText(elements.until, state === "some" ? "sent.until-last" : "sent.until", { at, until: expiresAt });
  elements["sent-link"].hidden = elements.destroying.hidden = isOver();
}

/** @param {import("./service.js").Receipt | null} receipt @returns {Fate} */
function fateOf(receipt) {
  if (!receipt) return { state: "expired" };
  const { state, readsLeft: left, at } = receipt;
  if (!left) return { state, at };
  return at ? { state: "some", left, at } : { state: "unread" };
}

/** Ask for the receipt, and show it; whether it may still change. */
async function updateFate() {
  const asked = sent;
  if (!asked || isOver()) return false;
  try {
    const receipt = await getReceipt(asked.keys);
    if (asked !== sent) return false;
    fate = fateOf(receipt);
  } catch {
    if (asked === sent) showError(elements["sent-problem"], "sent.offline");
    return true;
  }
  clearError(elements["sent-problem"]);
  drawFate();
  if (isOver()) end();
  return !isOver();
}

async function destroyMessage() {
  if (!sent) return;
  const { keys } = sent;
  clearError(elements["sent-problem"]);
  await whileBusy(elements.destroy, "sent.destroying", async () => {
    try {
      await destroy(keys);
      await updateFate();
      if (isOver()) elements["sent-title"].focus();
    } catch (error) {
      showFailure(elements["sent-problem"], error);
    }
  });
}
