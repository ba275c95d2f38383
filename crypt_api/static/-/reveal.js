// Reveals a plain message on its own page. If the response is lost, the idempotency key lets the reader ask again, for
// a minute. When the message has arrived, the script acknowledges it, and the service destroys its copy at once.

import { attempt } from "./attempt.js";
import { copyOnClick, whileBusy } from "./buttons.js";
import { elements } from "./elements.js";
import { clearError, showError, showFailure } from "./field-errors.js";
import { showGoneView, startGoneView } from "./gone-view.js";
import { acknowledgePlain, isMissing, Refused, revealPlain, Unreachable } from "./service.js";
import { hasServiceWorkers } from "./service-workers.js";
import { startTexts } from "./texts.js";
import { showView } from "./views.js";

/** Why the service refuses the form: texts by the error's code. @type {Record<string, string>} */
const REFUSALS = {
  cross_site_refused: "error.cross-site.lede",
  form_token_refused: "error.form-token.lede",
};

const form = /** @type {HTMLFormElement} */ (elements["reveal-form"]);
/** The form's own field, which the script sends in its place. */
const token = /** @type {HTMLInputElement} */ (form.elements.namedItem("token")).value;
const path = new URL(form.action).pathname;
/** The entry in the tab's history keeps it, so that a reload can ask again, too. @type {string} */
const idempotencyKey = history.state?.idempotencyKey ?? crypto.getRandomValues(new Uint32Array(6)).join("-");

/** The message; copied as it is, whatever a translator makes of the page. */
let message = "";
/** What is known of attempts whose responses did not arrive. @type {import("./service.js").LostAttempts} */
let lost = "none";

async function reveal() {
  clearError(elements.problem);
  attempt(() => history.replaceState({ idempotencyKey }, ""));
  try {
    message = await revealPlain(path, token, idempotencyKey);
  } catch (error) {
    if (!(error instanceof Refused || error instanceof Unreachable)) return showFailure(elements.problem, error);
    if (error.lost !== "none" && lost !== "accepted") lost = error.lost;
    if (!(error instanceof Refused)) return showFailure(elements.problem, error);
    if (isMissing(error)) return showGoneView({ none: "plain", unknown: "asked", accepted: "lost" }[lost]);
    const reason = REFUSALS[error.code];
    return reason ? showError(elements.problem, reason) : showFailure(elements.problem, error);
  }
  elements.message.textContent = message;
  showView("revealed");
  await acknowledgePlain(path, idempotencyKey).catch(() => undefined); // or the lease ends by itself
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  whileBusy(elements.reveal, "read.busy", reveal);
});
copyOnClick(elements.copy, elements.message, () => message);
startGoneView();
await startTexts(elements.language);
if (await hasServiceWorkers()) showGoneView("workers");
