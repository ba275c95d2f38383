// The reference by which the service's webhook tells what becomes of a message, where the service has a webhook.

import { elements } from "./elements.js";
import { clearError, clearErrorOnInput, showError } from "./field-errors.js";

/** Show the field where it is of use; called once. */
export function startNotify() {
  elements["notify-field"].hidden = !("notify" in elements.views.dataset);
  clearErrorOnInput(elements["notify-problem"], elements.notify);
}

/** What the sender wrote, without spaces around it; empty for a message of which nobody is to be told. */
export function reference() {
  return elements.notify.value.trim();
}

/** Show it if the service would refuse the reference; false if nothing is wrong. */
export function hasWrongReference() {
  if (/^[!-~]{0,64}$/.test(reference())) return false;
  elements.more.open = true;
  showError(elements["notify-problem"], "problem.notify", {}, elements.notify);
  return true;
}

export function clearNotifyError() {
  clearError(elements["notify-problem"], elements.notify);
}
