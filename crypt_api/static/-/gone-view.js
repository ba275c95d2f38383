// The view that tells why there is no message to read.

import { elements } from "./elements.js";
import { removeServiceWorkers } from "./service-workers.js";
import { setText } from "./texts.js";
import { showView } from "./views.js";

/** Make the view's buttons work; called once. */
export function startGoneView() {
  elements.retry.addEventListener("click", () => location.reload());
  elements["remove-workers"].addEventListener("click", removeServiceWorkers);
}

/** @param {string} reason as the keys of the texts name it, such as "missing" */
export function showGoneView(reason, values = {}) {
  setText(elements["gone-title"], `gone.${reason}.title`);
  setText(elements["gone-lede"], `gone.${reason}.lede`, values);
  elements.retry.hidden = reason !== "unreachable";
  elements["remove-workers"].hidden = reason !== "workers";
  elements.home.hidden = reason === "workers"; // it would lead here again
  showView("gone");
}
