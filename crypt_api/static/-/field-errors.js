// Errors, shown beside the field or button where they happened. A `place` is the element that shows the error.

import { ContentTooLarge } from "./envelope.js";
import { Refused, Unreachable } from "./service.js";
import { clearText, setText } from "./texts.js";

/**
 * Show an error; a wrong field is marked, and gets the focus.
 *
 * @param {Element} place
 * @param {string} key
 * @param {HTMLElement} [field]
 */
export function showError(place, key, values = {}, field) {
  setText(place, key, values);
  field?.setAttribute("aria-invalid", "true");
  field?.focus();
}

/** Show why an action failed; an unforeseen error is thrown again. @param {Element} place @param {unknown} error */
export function showFailure(place, error) {
  if (error instanceof Unreachable) return showError(place, "problem.unreachable");
  // The sender's view has checked the content itself.
  if (error instanceof ContentTooLarge) return showError(place, "problem.name-too-long");
  if (error instanceof Refused) {
    if (error.status === 429) return showError(place, "problem.busy");
    return showError(place, "problem.refused", { reason: error.message });
  }
  showError(place, "problem.unexpected");
  throw error;
}

/** Show no error any more, and unmark the fields. @param {Element} place @param {HTMLElement[]} fields */
export function clearError(place, ...fields) {
  clearText(place);
  for (const field of fields) field.removeAttribute("aria-invalid");
}

/** Let an error go as soon as its field is changed. @param {Element} place @param {HTMLElement} field */
export function clearErrorOnInput(place, field) {
  field.addEventListener("input", () => clearError(place, field));
}
