// Asks before somebody leaves a view with something that would be lost, and only then.

import { getText } from "./texts.js";
import { currentView } from "./views.js";

/** @type {any} */
const browser = window;

/** For each view, what would be lost: the key of the question; null if nothing would be. @type {Map<string, () => string | null>} */
const losses = new Map();

/** Ask, too, when the tab is closed, goes elsewhere, or follows another link to this page; called once. */
export function startLeaving() {
  // Another link in the address bar changes the view, and does not unload the page. Old browsers do not tell of it before.
  browser.navigation?.addEventListener("navigate", (/** @type {any} */ event) => {
    if (event.hashChange && event.cancelable && !mayLeave()) event.preventDefault();
  });
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
