// The view of a reader who has opened a link: whether a message waits, its passphrase, and the button that opens it.

import { attempt } from "./attempt.js";
import { hidePassphrase, togglePassphraseOnClick, whileBusy } from "./buttons.js";
import { elements } from "./elements.js";
import { decodeBase64url, encodeBase64url } from "./encoding.js";
import { BadEnvelope, deriveKeys, unseal } from "./envelope.js";
import { clearError, showError, showFailure } from "./field-errors.js";
import { showGoneView } from "./gone-view.js";
import { loadReceivedFiles, showMessageView } from "./message-view.js";
import { endLease, leaseOf, startLease } from "./read-lease.js";
import { canOpenMessages } from "./rehearsal.js";
import { enableShownFields } from "./secret-fields.js";
import { showReceiptView } from "./sent-view.js";
import { acknowledge, getReceipt, read, Refused, Unreachable } from "./service.js";
import { setText } from "./texts.js";
import { currentView, leaveView, showView, trackView } from "./views.js";

/** @typedef {import("./service.js").LostAttempts} LostAttempts */
/** @typedef {import("./service.js").ReaderKeys} ReaderKeys */
/** @typedef {import("./envelope.js").Content | import("./manifest.js").Manifest} Content */
/**
 * How a link is followed: it leads to a message, or to the answer to a question.
 *
 * @template {ReaderKeys} Keys
 * @typedef {object} Way
 * @property {() => Promise<boolean>} isAble whether this browser can open what is there
 * @property {(passphrase?: string) => Promise<Keys>} derive
 * @property {(envelope: string, keys: Keys) => Promise<Content>} unseal
 * @property {{ title: string, lede: string, reveal: string }} texts their keys
 * @property {boolean} isAnswer
 * @property {(reason: string) => string} reasonOf why there is nothing to read, as the texts of this way name it
 * @property {(receipt: import("./service.js").Receipt, keys: Keys) => Promise<void>} [showAsked] for a question without an answer
 */
/**
 * @typedef {object} Reading
 * @property {Way<any>} way
 * @property {string} secret the link's, in base64url, with its prefix
 * @property {string} idempotencyKey names this one read, also when its request is repeated
 * @property {boolean} isResumed whether the message was asked for before a reload: the reader may have a lease
 * @property {LostAttempts} lost what is known of this tab's attempts to read whose responses did not arrive
 * @property {boolean} needsPassphrase
 * @property {boolean} isForMore whether others can read the message after this tab
 * @property {[key: string, values?: Record<string, unknown>]} lede what is known about the message
 */

/** What can be known of lost attempts, from nothing to all. @type {LostAttempts[]} */
const KNOWN = ["none", "unknown", "accepted"];

/** The message whose link was opened. @type {Reading} */
let reading;

/** Make the view's form work; called once. */
export function startReadView() {
  elements["read-form"].addEventListener("submit", (/** @type {Event} */ event) => {
    event.preventDefault();
    whileBusy(elements.reveal, "read.busy", openMessage);
  });
  togglePassphraseOnClick(elements["show-passphrase"], elements.passphrase);
  elements["see-receipt"].addEventListener("click", seeReceipt);
}

/** Show what waits behind a link, or the message if this tab still has its lease. @param {string} secret */
export function openLink(secret) {
  const bytes = /** @type {import("./envelope.js").Bytes} */ (decodeBase64url(secret));
  /** @type {Way<import("./envelope.js").Keys>} */
  const way = {
    isAble: canOpenMessages,
    derive: (passphrase) => deriveKeys(bytes, passphrase),
    unseal,
    texts: { title: "read.title", lede: "read.lede", reveal: "read.reveal" },
    isAnswer: false,
    reasonOf: (reason) => reason,
  };
  return follow(secret, way);
}

/**
 * Follow a link.
 *
 * @template {ReaderKeys} Keys
 * @param {string} secret with its prefix
 * @param {Way<Keys>} way
 */
export async function follow(secret, way) {
  const lease = leaseOf(secret);
  reading = {
    way,
    secret,
    idempotencyKey: lease?.idempotencyKey ?? encodeBase64url(crypto.getRandomValues(new Uint8Array(16))),
    isResumed: lease !== null,
    lost: history.state?.lost ?? (lease === null ? "none" : "unknown"),
    needsPassphrase: false,
    isForMore: lease?.isForMore ?? false,
    lede: ["read.again"], // until a receipt tells more
  };
  hidePassphrase(elements["show-passphrase"], elements.passphrase);
  clearError(elements["read-problem"], elements.passphrase);
  const isCurrent = trackView();
  const isAble = await way.isAble();
  if (!isCurrent()) return;
  if (!isAble) return showGoneView(way.reasonOf("unsupported"));
  await (reading.isResumed ? openMessage() : checkReceipt());
}

/** Remove the passphrase from the page, as another view is shown next. */
export function clearReadView() {
  elements.passphrase.value = "";
}

function draw() {
  const { texts, isAnswer } = reading.way;
  setText(elements.read.querySelector("h1"), texts.title);
  setText(elements.reveal, texts.reveal);
  for (const aside of elements.read.querySelectorAll("aside"))
    aside.hidden = isAnswer !== (aside.id === "about-answer");
  elements["passphrase-field"].hidden = !reading.needsPassphrase;
  enableShownFields();
  setText(elements["read-lede"], ...reading.lede);
}

/** Show the sender what has become of the message. */
async function seeReceipt() {
  clearError(elements["read-problem"], elements.passphrase);
  try {
    if (!(await showReceiptView(reading.secret))) showGoneView("missing");
  } catch (error) {
    showFailure(elements["read-problem"], error);
  }
}

/** Find out whether the message can be read, without reading it. */
async function checkReceipt() {
  const isCurrent = trackView();
  try {
    const { way } = reading;
    const keys = await way.derive();
    const [receipt] = await Promise.all([getReceipt(keys), loadReceivedFiles()]); // all is here when it is opened
    if (!isCurrent()) return;
    if (!receipt) showGoneView(way.reasonOf("missing"));
    else if (receipt.isAsked) await way.showAsked?.(receipt, keys);
    else if (!receipt.readsLeft) showGoneView(way.reasonOf(reasonOf(receipt)), { at: receipt.at });
    else offerMessage(receipt);
  } catch (error) {
    if (!(error instanceof Unreachable || error instanceof Refused)) throw error;
    if (isCurrent()) showGoneView("unreachable");
  }
}

/** Why there is nothing to read. Nobody else is blamed for what this tab itself may have read. */
function reasonOf(/** @type {import("./service.js").Receipt} */ { state }) {
  if (state !== "read" || reading.lost === "none") return state;
  return reading.lost === "accepted" ? "lost" : "asked";
}

function moreOf(/** @type {LostAttempts} */ one, /** @type {LostAttempts} */ other) {
  return KNOWN.indexOf(one) < KNOWN.indexOf(other) ? other : one;
}

/** Remember what is known of this tab's attempts to read, for a reload, too. */
function rememberLost(/** @type {LostAttempts} */ lost) {
  reading.lost = lost;
  attempt(() => history.replaceState({ ...history.state, lost }, ""));
}

/** @param {import("./service.js").Receipt} receipt */
function offerMessage({ passphrase, readsLeft, expiresAt }) {
  reading.needsPassphrase = passphrase;
  reading.isForMore = readsLeft > 1;
  const key = reading.isForMore ? "read.lede-more" : reading.way.texts.lede;
  reading.lede = [key, { n: readsLeft, until: expiresAt }];
  draw();
  showView("read");
}

/** Read the message and show it. */
async function openMessage() {
  const problem = elements["read-problem"];
  clearError(problem, elements.passphrase);
  const passphrase = reading.needsPassphrase ? elements.passphrase.value : "";
  if (reading.needsPassphrase && !passphrase) return askForPassphrase("read.needs-passphrase");
  const isCurrent = trackView();
  // Another link may be open by the time the response comes.
  const { way, secret, idempotencyKey, lost, isForMore } = reading;
  try {
    const keys = await way.derive(passphrase);
    const receivedFiles = await loadReceivedFiles();
    if (!isCurrent()) return; // nothing was read
    startLease({ secret, idempotencyKey, isForMore });
    rememberLost(moreOf(lost, "unknown")); // until the response is here
    const content = await way.unseal(await read(keys, idempotencyKey), keys);
    leaveView(); // even if the reader is at another view by now: the message's last copy must be shown
    clearReadView();
    // Where a proxy takes the idempotency key away, acknowledging would destroy the message, for other readers, too.
    const thank = async () => (isForMore ? undefined : acknowledge(keys, idempotencyKey));
    showMessageView({ content, isForMore, acknowledge: thank }, receivedFiles);
  } catch (error) {
    if (!isCurrent()) return;
    if (error instanceof BadEnvelope) return showGoneView(error.message === "version" ? "version" : "damaged");
    if (error instanceof Refused || error instanceof Unreachable) rememberLost(moreOf(lost, error.lost));
    if (error instanceof Refused && error.isOwn && error.status !== 429) return handleRefusal(error);
    showForm();
    showFailure(problem, error); // an earlier response may be lost, so the lease stays
  }
}

/** @param {Refused} error */
async function handleRefusal(error) {
  if (!reading.isResumed) endLease(); // nothing was read, so the service has no lease
  if (error.code === "passphrase_required") return askForPassphrase("read.needs-passphrase");
  if (error.code === "wrong_passphrase" && error.triesLeft) {
    return askForPassphrase("read.wrong-passphrase", { n: error.triesLeft });
  }
  if (error.code === "unexpected_passphrase") return offerWithoutPassphrase();
  endLease();
  reading.isResumed = false;
  await checkReceipt(); // another reader was faster, or the tenth wrong passphrase destroyed the message
}

function askForPassphrase(/** @type {string} */ key, values = {}) {
  reading.needsPassphrase = true;
  showForm();
  showError(elements["read-problem"], key, values, elements.passphrase);
  elements.passphrase.select();
}

/** The receipt was wrong about the passphrase: the button now opens the message without one. */
function offerWithoutPassphrase() {
  reading.needsPassphrase = false;
  clearReadView();
  showForm();
  showError(elements["read-problem"], "read.unexpected-passphrase");
  elements.reveal.focus();
}

/** After a reload within the lease, the message was asked for before the form was shown. */
function showForm() {
  draw();
  if (currentView() !== "read") showView("read");
}
