// Reveals a plain message on its own page. If the response is lost, the idempotency key lets the reader ask again, for
// a minute. When the message has arrived, the script acknowledges it, and the service destroys its copy at once.

import { copyOnClick, whileBusy } from "./buttons.js";
import { elements } from "./elements.js";
import { clearError, showFailure } from "./field-errors.js";
import { acknowledgePlain, Refused, revealPlain } from "./service.js";
import { startTexts } from "./texts.js";
import { showView } from "./views.js";

const form = /** @type {HTMLFormElement} */ (elements["reveal-form"]);
/** The form's own field, which the script sends in its place. */
const token = /** @type {HTMLInputElement} */ (form.elements.namedItem("token")).value;
const path = new URL(form.action).pathname;
const idempotencyKey = crypto.getRandomValues(new Uint32Array(6)).join("-");

async function reveal() {
  clearError(elements.problem);
  try {
    elements.message.textContent = await revealPlain(path, token, idempotencyKey);
  } catch (error) {
    if (error instanceof Refused && error.status === 404) showView("gone");
    else showFailure(elements.problem, error);
    return;
  }
  elements.copy.hidden = !navigator.clipboard; // it exists on https and localhost only
  showView("revealed");
  await acknowledgePlain(path, idempotencyKey).catch(() => undefined); // or the lease ends by itself
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  whileBusy(elements.reveal, "read.busy", reveal);
});
copyOnClick(elements.copy, () => elements.message.textContent);
await startTexts(elements.language);
