// The view of somebody who asks for a secret. It is loaded when it is needed, as are the other views of questions.

import { canAnswer, deriveAskKeys } from "./ask-keys.js";
import { createQuestion } from "./ask-requests.js";
import { showAskedView } from "./asked-view.js";
import { borrowFields } from "./borrowed-fields.js";
import { whileBusy } from "./buttons.js";
import { elements } from "./elements.js";
import { encodeBase64url } from "./encoding.js";
import { MAX_CONTENT_BYTES, seal, SECRET_BYTES } from "./envelope.js";
import { clearError, clearErrorOnInput, showError } from "./field-errors.js";
import { showGoneView } from "./gone-view.js";
import { askBeforeLeaving } from "./leaving.js";
import { warnOfKeptLinks } from "./kept-links.js";
import { formatSize } from "./texts.js";
import { leaveView, showView, trackView } from "./views.js";
import { rememberToken, showProblem, showToken } from "./write-view.js";

elements["ask-form"].addEventListener("submit", (/** @type {Event} */ event) => {
  event.preventDefault();
  whileBusy(elements["create-question"], "write.busy", send);
});
elements.question.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) elements["create-question"].click();
});
clearErrorOnInput(elements["question-problem"], elements.question);
warnOfKeptLinks(elements.question, elements["question-warning"]);
askBeforeLeaving("ask", () => (elements.question.value ? "leave.draft" : null));

/** Show the empty form, or that this browser cannot do what follows. */
export async function openAskView() {
  const isCurrent = trackView();
  const isAble = await canAnswer();
  if (!isCurrent()) return;
  if (!isAble) return showGoneView("no-asking");
  clearForm();
  showView("ask", elements.question);
}

function clearForm() {
  borrowFields(elements["ask-options"], elements.life.parentElement, elements["token-field"]);
  elements["ask-form"].reset();
  showToken();
  clearErrors();
}

function clearErrors() {
  clearError(elements["question-problem"], elements.question);
  clearError(elements["question-warning"]);
  clearError(elements["ask-problem"]);
  clearError(elements["token-problem"], elements.token);
}

async function send() {
  const question = elements.question.value;
  const ttl = Number(elements.life.querySelector("input:checked, select").value);
  const token = elements.token.value.trim();
  const data = new TextEncoder().encode(question);
  const isCurrent = trackView();
  clearErrors();
  if (data.length > MAX_CONTENT_BYTES) {
    const values = { most: formatSize(MAX_CONTENT_BYTES) };
    return showError(elements["question-problem"], "ask.too-long", values, elements.question);
  }
  try {
    const secret = crypto.getRandomValues(new Uint8Array(SECRET_BYTES));
    const keys = await deriveAskKeys(secret);
    const expiresAt = await createQuestion(keys, await seal({ data }, keys.answering), ttl, token);
    rememberToken(token);
    leaveView(); // even if the asker is at another view by now: the links must not get lost
    showAskedView({ keys, secret: encodeBase64url(secret), question, expiresAt });
    clearForm();
  } catch (error) {
    if (isCurrent()) showProblem(error, elements["ask-problem"]);
  }
}
