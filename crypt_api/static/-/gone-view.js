// The view that tells why there is no message to read.

import { elements } from "./elements.js";
import { removeServiceWorkers } from "./service-workers.js";
import { setText } from "./texts.js";
import { setFace, showView } from "./views.js";

/** The icon and the tone of each reason; those of all others are an alert. @type {Record<string, [string, "done" | "warning" | "neutral"]>} */
const FACES = {
  read: ["eye", "warning"],
  asked: ["eye", "warning"],
  destroyed: ["trash", "neutral"],
  missing: ["clock", "neutral"],
  plain: ["clock", "neutral"],
  link: ["link", "warning"],
  closed: ["check", "done"],
  "closed-more": ["check", "done"],
  "no-question": ["clock", "neutral"],
  withdrawn: ["trash", "neutral"],
  answered: ["check", "warning"],
  "answer-read": ["eye", "warning"],
  "answer-lost": ["eye", "warning"],
  insecure: ["lock", "warning"],
  unreachable: ["offline", "warning"],
};

/** Make the view's buttons work; called once. */
export function startGoneView() {
  elements.retry.addEventListener("click", () => location.reload());
  elements["remove-workers"].addEventListener("click", removeServiceWorkers);
}

/** @param {string} reason as the keys of the texts name it, such as "missing" */
export function showGoneView(reason, values = {}) {
  setText(elements["gone-title"], `gone.${reason}.title`);
  setText(elements["gone-lede"], `gone.${reason}.lede`, values);
  setFace(elements["gone-face"], ...(FACES[reason] ?? ["alert", "warning"]));
  elements.retry.hidden = reason !== "unreachable";
  elements["remove-workers"].hidden = reason !== "workers";
  elements.home.hidden = reason === "workers" || reason === "insecure"; // it would lead here again
  showView("gone");
}
