// The view of a reader who has opened a link: whether a message waits, its passphrase, and the button that opens it.

import { hidePassphrase, togglePassphraseOnClick, whileBusy } from "./buttons.js";
import { elements } from "./elements.js";
import { BadEnvelope, decodeBase64url, deriveKeys, encodeBase64url, SECRET_BYTES, unseal } from "./envelope.js";
import { clearError, showError, showFailure } from "./field-errors.js";
import { showGoneView } from "./gone-view.js";
import { showMessageView } from "./message-view.js";
import { endLease, leasedIdempotencyKey, startLease } from "./read-lease.js";
import { showReceiptView } from "./sent-view.js";
import { getReceipt, read, Refused, Unreachable } from "./service.js";
import { setText } from "./texts.js";
import { leaveView, showView, trackView } from "./views.js";

/** The link's secret, in base64url. */
let secret = "";
/** Names this one read, also when its request is repeated. */
let idempotencyKey = "";
/** Whether the message was asked for before a reload: the reader may have a lease. */
let isResumed = false;

/** Make the view's form work; called once. */
export function startReadView() {
  elements["read-form"].addEventListener("submit", (/** @type {Event} */ event) => {
    event.preventDefault();
    whileBusy(elements.reveal, "read.busy", openMessage);
  });
  togglePassphraseOnClick(elements["show-passphrase"], elements.passphrase);
  elements["see-receipt"].addEventListener("click", seeReceipt);
}

/** Show what waits behind a link, or the message if this tab still has its lease. @param {string} fragment */
export async function openLink(fragment) {
  const bytes = decodeBase64url(fragment);
  if (bytes?.length !== SECRET_BYTES) return showGoneView("link");
  secret = fragment;
  const leasedKey = leasedIdempotencyKey(secret);
  isResumed = leasedKey !== null;
  idempotencyKey = leasedKey ?? encodeBase64url(crypto.getRandomValues(new Uint8Array(16)));
  hidePassphrase(elements["show-passphrase"], elements.passphrase);
  elements["passphrase-field"].hidden = true;
  clearError(elements["read-problem"], elements.passphrase);
  await (isResumed ? openMessage() : checkReceipt());
}

/** Show the sender what has become of the message. */
async function seeReceipt() {
  clearError(elements["read-problem"], elements.passphrase);
  try {
    if (!(await showReceiptView(secret))) showGoneView("missing");
  } catch (error) {
    showFailure(elements["read-problem"], error);
  }
}

/** Remove the passphrase from the page, as another view is shown next. */
export function clearReadView() {
  elements.passphrase.value = "";
}

/** Find out whether the message can be read, without reading it. */
async function checkReceipt() {
  const isCurrent = trackView();
  try {
    const receipt = await getReceipt(await deriveKeys(secretBytes()));
    if (!isCurrent()) return;
    if (!receipt) showGoneView("missing");
    else if (!receipt.readsLeft) showGoneView(receipt.state, { at: receipt.at });
    else offerMessage(receipt);
  } catch (error) {
    if (!(error instanceof Unreachable || error instanceof Refused)) throw error;
    if (isCurrent()) showGoneView("unreachable");
  }
}

/** @param {import("./service.js").Receipt} receipt */
function offerMessage({ passphrase, readsLeft, expiresAt }) {
  const values = { n: readsLeft, until: expiresAt };
  setText(elements["read-lede"], readsLeft > 1 ? "read.lede-more" : "read.lede", values);
  elements["passphrase-field"].hidden = !passphrase;
  showView("read");
}

/** Read the message and show it. */
async function openMessage() {
  const { passphrase, "read-problem": problem } = elements;
  clearError(problem, passphrase);
  if (!elements["passphrase-field"].hidden && !passphrase.value) return askForPassphrase("read.needs-passphrase");
  const isCurrent = trackView();
  const keys = await deriveKeys(secretBytes(), passphrase.value);
  if (!isCurrent()) return; // nothing was read
  const usedKey = idempotencyKey; // another link may have another one by the time the response comes
  startLease(secret, usedKey);
  try {
    const content = await unseal(await read(keys, usedKey), keys);
    leaveView(); // even if the reader is at another view by now: the message's last copy must be shown
    clearReadView();
    showMessageView({ content, keys, idempotencyKey: usedKey });
  } catch (error) {
    if (!isCurrent()) return;
    if (error instanceof BadEnvelope) showGoneView(error.message === "version" ? "version" : "damaged");
    else if (error instanceof Refused) await handleRefusal(error);
    else if (error instanceof Unreachable) showReadFailure(error);
    else throw error;
  }
}

/** @param {Refused} error */
async function handleRefusal(error) {
  if (error.status === 429) return showReadFailure(error); // an earlier response may be lost, so the lease stays
  if (!isResumed) endLease(); // nothing was read, so the service has no lease
  if (error.code === "passphrase_required") return askForPassphrase("read.needs-passphrase");
  if (error.code === "wrong_passphrase" && error.triesLeft) {
    return askForPassphrase("read.wrong-passphrase", { n: error.triesLeft });
  }
  endLease();
  isResumed = false;
  await checkReceipt(); // another reader was faster, or the tenth wrong passphrase destroyed the message
}

function askForPassphrase(/** @type {string} */ key, values = {}) {
  elements["passphrase-field"].hidden = false;
  showFormAfterReload();
  showError(elements["read-problem"], key, values, elements.passphrase);
  elements.passphrase.select();
}

/** @param {Refused | Unreachable} error */
function showReadFailure(error) {
  showFormAfterReload();
  showFailure(elements["read-problem"], error);
}

/** After a reload within the lease, the message was asked for before any view was shown. */
function showFormAfterReload() {
  if (!elements.read.hidden) return;
  setText(elements["read-lede"], "read.again");
  showView("read");
}

function secretBytes() {
  return /** @type {import("./envelope.js").Bytes} */ (decodeBase64url(secret));
}
