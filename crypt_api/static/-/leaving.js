// Asks before somebody leaves a view with something that would be lost, and only then.

import { getText } from "./texts.js";
import { currentView } from "./views.js";

/** For each view, what would be lost: the key of the question; null if nothing would be. @type {Map<string, () => string | null>} */
const losses = new Map();

/** Make the browser ask, too, when its tab is closed or goes elsewhere; called once. */
export function startLeaving() {
  addEventListener("beforeunload", (event) => {
    if (questionNow()) event.preventDefault(); // the browser asks in its own words
  });
}

/** @param {string} view @param {() => string | null} question */
export function askBeforeLeaving(view, question) {
  losses.set(view, question);
}

/** Whether nothing would be lost, or the user wants to leave all the same. */
export function mayLeave() {
  const question = questionNow();
  return !question || confirm(getText(question));
}

function questionNow() {
  return losses.get(currentView())?.() ?? null;
}
