// The asker's view of a question: the link to send, the link to keep, and whether somebody has answered. An answer is
// read as any sealed message is (`read-view.js`).

import { canAnswer, deriveAskKeys, unsealAnswer } from "./ask-keys.js";
import { getQuestion } from "./ask-requests.js";
import { attempt } from "./attempt.js";
import { confirmOnClick, copyOnClick, whileBusy } from "./buttons.js";
import { elements } from "./elements.js";
import { decodeBase64url, encodeBase64url } from "./encoding.js";
import { clearError, showError, showFailure } from "./field-errors.js";
import { askBeforeLeaving } from "./leaving.js";
import { poll } from "./polling.js";
import { draw } from "./qr.js";
import { readQuestion } from "./question.js";
import { follow } from "./read-view.js";
import { destroy, getReceipt, Refused } from "./service.js";
import { getText, setText } from "./texts.js";
import { isSmallScreen, leaveView, showView, trackView } from "./views.js";

/** @typedef {import("./ask-keys.js").AskKeys} AskKeys */
/** @typedef {Uint8Array<ArrayBuffer>} Bytes */
/** @typedef {{ keys: AskKeys, secret: string, question: string, expiresAt: Date }} Asked `secret` is that of the link to keep */
/**
 * What the tab's history keeps of a question, so that a reload shows it again: the secret, whether it was asked in this
 * tab, and whether the asker has the link elsewhere, too.
 *
 * @typedef {{ secret: string, isOwn: boolean, isKept: boolean }} Kept
 */

/** Why there is nothing to read, in the words for an asker. @type {Record<string, string>} */
const REASONS = {
  missing: "no-question",
  destroyed: "withdrawn",
  read: "answer-read",
  asked: "answer-lost",
  lost: "answer-lost",
  unsupported: "no-asking",
};

/** The question that is shown. @type {Asked | null} */
let asked = null;
/** @type {() => void} */
let stopPolling = () => undefined;

copyOnClick(elements["copy-answer-link"], elements["answer-link"], linkToSend);
copyOnClick(elements["copy-kept-link"], elements["kept-link"], linkToKeep, markKept);
elements["kept-link"].addEventListener("copy", markKept);
for (const field of [elements["answer-link"], elements["kept-link"]]) {
  field.addEventListener("focus", () => field.select());
}
elements["share-answer-link"].hidden = !navigator.share;
elements["share-answer-link"].addEventListener("click", () =>
  navigator.share({ url: linkToSend() }).catch(() => undefined),
);
const stopConfirming = confirmOnClick(elements.withdraw, elements["keep-question"], "asked.sure", withdraw);
for (const view of ["asked", "read"]) askBeforeLeaving(view, () => (kept()?.isKept === false ? "leave.kept" : null));
document.addEventListener("languageloaded", labelQrCode);
document.addEventListener("viewleft", clear);

/** Show the links of a question that was asked just now. @param {Asked} question */
export function showAskedView(question) {
  remember({ secret: question.secret, isOwn: true, isKept: false });
  show(question);
}

/** Show what has become of a question, or its answer, to somebody who has the link to keep. @param {string} secret */
export async function openAskLink(secret) {
  // The link leaves the address bar, from which somebody could take it for the link to send.
  if (kept()?.secret !== secret) remember({ secret, isOwn: false, isKept: true });
  await followLink(secret);
}

/** Show the question again after a reload; false if this tab has none. */
export async function resumeAskedView() {
  const { secret } = kept() ?? {};
  if (secret) await followLink(secret);
  return secret !== undefined;
}

/** @param {string} secret */
function followLink(secret) {
  const bytes = /** @type {Bytes} */ (decodeBase64url(secret));
  return follow(`ask.${secret}`, {
    isAble: canAnswer,
    derive: () => deriveAskKeys(bytes),
    unseal: unsealAnswer,
    texts: { title: "asked.answered", lede: "asked.answered-lede", reveal: "asked.open" },
    isAnswer: true,
    reasonOf: (reason) => REASONS[reason] ?? reason,
    showAsked: ({ expiresAt }, keys) => showQuestion(secret, keys, expiresAt),
  });
}

async function showQuestion(/** @type {string} */ secret, /** @type {AskKeys} */ keys, /** @type {Date} */ expiresAt) {
  const isCurrent = trackView();
  try {
    const { envelope } = await getQuestion(keys.answering);
    const question = await readQuestion(envelope, keys.answering).catch(() => null);
    if (!isCurrent()) return;
    show({ keys, secret, question: question ?? "", expiresAt });
    if (question === null) showError(elements["asked-problem"], "gone.damaged.title");
  } catch (error) {
    if (!(error instanceof Refused && error.code === "already_answered")) throw error;
    if (isCurrent()) await followLink(secret); // somebody was answering at this very moment
  }
}

function show(/** @type {Asked} */ question) {
  stopPolling();
  asked = question;
  const isOwn = kept()?.isOwn ?? true;
  clearError(elements["asked-problem"]);
  stopConfirming();
  setText(elements["asked-title"], isOwn ? "asked.title" : "asked.title-link");
  setText(elements["asked-lede"], isOwn ? "asked.lede" : "asked.lede-link");
  elements["asked-question"].textContent = asked.question;
  elements["asked-question"].hidden = !asked.question;
  setText(elements["asked-until"], "asked.until", { until: asked.expiresAt });
  drawLinks();
  elements["answer-qr-fold"].open = !isSmallScreen();
  showView("asked");
  stopPolling = poll(update);
}

function drawLinks() {
  elements["answer-link"].value = linkToSend();
  elements["kept-link"].value = linkToKeep();
  elements["answer-qr"].textContent = "";
  if (!asked) return;
  attempt(() => elements["answer-qr"].append(draw(linkToSend()))); // not of a link that is too long for a QR code
  labelQrCode();
}

function labelQrCode() {
  elements["answer-qr"].firstElementChild?.setAttribute("aria-label", getText("asked.qr"));
}

/** Remove the links and the question from the page, as another view is shown next. */
function clear() {
  stopPolling();
  asked = null;
  drawLinks();
  elements["asked-question"].textContent = "";
}

function linkToSend() {
  return asked ? `${location.origin}/#answer.${encodeBase64url(asked.keys.answering.publicKey)}` : "";
}

function linkToKeep() {
  return asked ? `${location.origin}/#ask.${asked.secret}` : "";
}

/** @returns {Kept | undefined} */
function kept() {
  return history.state?.asked;
}

function remember(/** @type {Kept} */ question) {
  attempt(() => history.replaceState({ ...history.state, asked: question }, "", "/"));
}

function markKept() {
  const question = kept();
  if (question) remember({ ...question, isKept: true });
}

/** Ask whether somebody has answered, and show it; whether that may still happen. */
async function update() {
  const before = asked;
  if (!before) return false;
  try {
    const receipt = await getReceipt(before.keys);
    if (before !== asked) return false;
    clearError(elements["asked-problem"]);
    if (receipt?.isAsked) return true;
  } catch {
    if (before === asked) showError(elements["asked-problem"], "sent.offline");
    return before === asked;
  }
  leaveView();
  await followLink(before.secret);
  return false;
}

async function withdraw() {
  if (!asked) return;
  const { keys } = asked;
  clearError(elements["asked-problem"]);
  await whileBusy(elements.withdraw, "asked.withdrawing", async () => {
    try {
      await destroy(keys);
      await update();
    } catch (error) {
      showFailure(elements["asked-problem"], error);
    }
  });
}
