// The view of somebody who is asked for a secret: the question, who runs this service, and the form for the answer.

import { canAnswer, deriveAnswerKeys, sealAnswer } from "./ask-keys.js";
import { getQuestion, partsToken, sendAnswer } from "./ask-requests.js";
import { showAnsweredView } from "./answered-view.js";
import { attachedFiles, detachAll } from "./attachments.js";
import { borrowFields } from "./borrowed-fields.js";
import { whileBusy } from "./buttons.js";
import { compose } from "./compose.js";
import { elements } from "./elements.js";
import { decodeBase64url } from "./encoding.js";
import { BadEnvelope } from "./envelope.js";
import { clearError, showError } from "./field-errors.js";
import { showGoneView } from "./gone-view.js";
import { warnOfKeptLinks } from "./kept-links.js";
import { askBeforeLeaving } from "./leaving.js";
import { readQuestion } from "./question.js";
import { getReceipt, isMissing, Refused, Unreachable } from "./service.js";
import { clearText, setText } from "./texts.js";
import { currentView, leaveView, showView, trackView } from "./views.js";
import { hasDraft, hasMistake, nameEditor, showProblem } from "./write-view.js";

/** @typedef {Uint8Array<ArrayBuffer>} Bytes */
/** @typedef {import("./ask-keys.js").AnswerKeys} AnswerKeys */
/** @typedef {import("./attachments.js").Attachment} Attachment */

/** The question that is shown. @type {AnswerKeys} */
let keys;
/** How many seconds the answer will live. */
let ttl = 0;
/**
 * What was sealed last, in case that its response was lost: the same answer may be sent again, another one may not.
 *
 * @type {{ text: string, files: Attachment[], envelope: string } | null}
 */
let last = null;
/** Whether an attempt whose response did not arrive may have been accepted. */
let isPerhapsSent = false;

elements["answer-form"].addEventListener("submit", (/** @type {Event} */ event) => {
  event.preventDefault();
  whileBusy(elements["send-answer"], "write.busy", send);
});
warnOfKeptLinks(elements.text, elements["answer-warning"]);
askBeforeLeaving("answer", () => (hasDraft() ? "leave.draft" : null));
setText(elements["answer-origin"], "answer.origin", { origin: location.origin });

/** Show the question to somebody who has the link that the asker has sent. @param {string} secret the asker's public key */
export async function openAnswerLink(secret) {
  const isCurrent = trackView();
  const isAble = await canAnswer();
  if (!isCurrent()) return;
  if (!isAble) return showGoneView("no-answering");
  try {
    const found = await deriveAnswerKeys(/** @type {Bytes} */ (decodeBase64url(secret)));
    const show = await explore(found);
    if (isCurrent()) show();
  } catch (error) {
    if (!isCurrent()) return;
    if (error instanceof BadEnvelope) showGoneView(error.message === "version" ? "version" : "damaged");
    else if (error instanceof Unreachable || error instanceof Refused) showGoneView("unreachable");
    else throw error;
  }
}

/**
 * Find out what the link leads to; the function that is returned shows it.
 *
 * @param {AnswerKeys} found
 * @returns {Promise<() => void>}
 */
async function explore(found) {
  try {
    const { envelope, ...times } = await getQuestion(found);
    const question = await readQuestion(envelope, found);
    await checkKey(found);
    return () => showAnswerView(found, question, times);
  } catch (error) {
    if (!isMissing(error) && !isAlreadyAnswered(error)) throw error;
    const receipt = await getReceipt(found);
    if (!receipt) return () => showGoneView("no-question");
    if (history.state?.isAnswered) return () => showAnsweredView(found, receipt.expiresAt, receipt);
    if (receipt.state === "destroyed") return () => showGoneView("withdrawn", { at: receipt.at });
    return () => showGoneView("answered");
  }
}

/** Raises BadEnvelope for a public key that nobody can own: for it, nothing can be encrypted. @param {AnswerKeys} found */
async function checkKey(found) {
  await sealAnswer({ data: new Uint8Array() }, found).catch(() => {
    throw new BadEnvelope("damaged");
  });
}

/** @param {AnswerKeys} found @param {string} question @param {{ expiresAt: Date, ttl: number }} times */
function showAnswerView(found, question, times) {
  keys = found;
  ttl = times.ttl;
  last = null;
  isPerhapsSent = false;
  clearForm();
  elements["asked-for"].textContent = question;
  elements["asked-for"].hidden = !question;
  setText(elements["asked-for-label"], question ? "answer.question" : "answer.no-question");
  setText(elements["answer-until"], "answer.until", { until: times.expiresAt });
  showView("answer");
}

function clearForm() {
  borrowFields(elements["answer-editor"], elements.drop, elements["text-problem"]);
  nameEditor("answer.label", "answer.sending");
  elements["answer-form"].reset();
  detachAll();
  clearErrors();
}

function clearErrors() {
  clearError(elements["text-problem"], elements.text);
  clearError(elements["answer-problem"]);
  if (!elements.text.value) clearText(elements["answer-warning"]);
}

async function send() {
  const isCurrent = trackView();
  clearErrors();
  try {
    const envelope = await sealDraft(keys);
    if (envelope === null || !isCurrent()) return;
    const expiresAt = await deliver(envelope);
    if (!isCurrent()) return;
    leaveView();
    showAnsweredView(keys, expiresAt);
    last = null;
    clearForm(); // the answer does not stay in the page
  } catch (error) {
    if (!isCurrent()) return;
    if (currentView() !== "answer") showView("answer", elements["send-answer"]);
    showReason(error);
  }
}

/** Send the answer, and remember whether it may have arrived though that fails. @param {string} envelope */
async function deliver(envelope) {
  try {
    return await sendAnswer(keys, envelope);
  } catch (error) {
    if (error instanceof Unreachable || error instanceof Refused) isPerhapsSent ||= error.lost !== "none";
    throw error;
  }
}

/** The sealed answer; null if there is a mistake in it. @param {AnswerKeys} keys */
async function sealDraft(keys) {
  const [text, files] = [elements.text.value, [...attachedFiles()]];
  if (last && last.text === text && areSame(last.files, files)) return last.envelope;
  const draft = { text, files, passphrase: "", token: partsToken(keys), ttl, reads: 1 };
  if (await hasMistake(draft)) return null;
  const { content } = await compose(draft);
  last = { text, files, envelope: await sealAnswer(content, keys) };
  return last.envelope;
}

/** @param {Attachment[]} files @param {Attachment[]} others */
function areSame(files, others) {
  return files.length === others.length && files.every((file, n) => file === others[n]);
}

/** Show why the answer was not sent. It stays in the form. @param {unknown} error */
function showReason(error) {
  const problem = elements["answer-problem"];
  if (isAlreadyAnswered(error)) showError(problem, isPerhapsSent ? "answer.perhaps" : "answer.taken");
  else if (isMissing(error)) showError(problem, isPerhapsSent ? "answer.over-perhaps" : "answer.over");
  else showProblem(error, problem);
}

function isAlreadyAnswered(/** @type {unknown} */ error) {
  return error instanceof Refused && error.code === "already_answered";
}
