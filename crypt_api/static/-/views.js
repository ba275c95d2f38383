// Which view the page shows. Each section of the page's main part is one view, such as the form for a new message.

import { attempt } from "./attempt.js";
import { elements } from "./elements.js";
import { enableShownFields } from "./secret-fields.js";

/** The id of the view that is shown; empty before the first one. */
let shown = "";
/** How often a view was left. */
let departures = 0;

/** The id of the view that is shown; empty before the first one. */
export function currentView() {
  return shown;
}

/**
 * Show one view, scrolled to its top. Its heading gets the focus, so that a screen reader reads the heading; or the
 * field in which one types next.
 *
 * @param {string} id
 * @param {HTMLElement} focused
 */
export function showView(id, focused = elements[id].querySelector("h1")) {
  shown = id;
  for (const view of elements.views.children) view.hidden = view.id !== id;
  elements.views.hidden = false;
  attempt(() => (elements["not-loaded"].hidden = true)); // which is there while the first view is waited for
  attempt(enableShownFields);
  attempt(() => focused.focus({ preventScroll: true }));
  attempt(nameTab);
  attempt(() => scrollTo(0, 0));
}

/**
 * Show what a state looks like, at a glance.
 *
 * @param {Element} face
 * @param {string} icon one of templates/icons.html
 * @param {"done" | "warning" | "neutral" | "accent"} tone
 */
export function setFace(face, icon, tone) {
  face.setAttribute("data-tone", tone);
  face.firstElementChild?.setAttribute("href", `#icon-${icon}`);
}

/** Whether it is a phone's screen. A QR code is folded there: a phone need not photograph itself. */
export function isSmallScreen() {
  return matchMedia("(max-width: 34rem)").matches;
}

/** Name the browser's tab after the view that is shown, in the language of the page. */
export function nameTab() {
  document.title = `${elements[shown]?.querySelector("h1").textContent} · ${elements.name.textContent}`;
}

/** Leave the view: a response that is still under way for it must not change the next view, and an upload ends. */
export function leaveView() {
  departures++;
  document.dispatchEvent(new Event("viewleft"));
}

/**
 * Remember the view as it is now. The function that is returned tells later whether nobody has left the view since.
 *
 * @returns {() => boolean}
 */
export function trackView() {
  const before = departures;
  return () => departures === before;
}
