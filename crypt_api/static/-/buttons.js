// What all views do with the page's elements.

import { ContentTooLarge } from "./envelope.js";
import { Refused, Unreachable } from "./service.js";
import { hush, say } from "./texts.js";

/** @type {{ [id: string]: any }} each element with an id, by that */
export const elements = new Proxy({}, { get: (_, id) => document.getElementById(String(id)) });

/** Show one view, and tell so: to eyes, to screen readers, in the tab. @param {string} id */
export function show(id) {
  for (const view of elements.views.children) view.hidden = view.id !== id;
  elements.views.hidden = false;
  elements[id].querySelector("h1").focus({ preventScroll: true });
  nameTab();
  scrollTo(0, 0);
}

/** After the view that is shown, in the language that is spoken. */
export function nameTab() {
  document.title = `${elements.views.querySelector("section:not([hidden]) h1")?.textContent} · crypt`;
}

/**
 * Run what a form's button starts, with the button busy meanwhile.
 *
 * @param {HTMLButtonElement} button
 * @param {string} busyKey
 * @param {() => Promise<void>} work
 */
export async function whileBusy(button, busyKey, work) {
  const key = button.getAttribute("data-text") ?? "";
  if (isBusy(button)) return;
  button.setAttribute("aria-disabled", "true"); // and not `disabled`, which would lose the focus
  say(button, busyKey);
  try {
    await work();
  } finally {
    button.removeAttribute("aria-disabled");
    say(button, key);
  }
}

/** @param {HTMLButtonElement} button */
export function isBusy(button) {
  return button.getAttribute("aria-disabled") === "true";
}

/** @param {HTMLButtonElement} button @param {() => string} value */
export function copies(button, value) {
  const key = button.getAttribute("data-text") ?? "";
  button.addEventListener("click", async () => {
    const done = await navigator.clipboard.writeText(value()).then(
      () => "copied",
      () => "not-copied", // the browser, or its user, does not want to
    );
    say(button, done);
    setTimeout(() => say(button, key), 2_000);
  });
}

/** A button that shows what is typed into a field. @param {HTMLButtonElement} button @param {HTMLInputElement} field */
export function uncovers(button, field) {
  button.addEventListener("click", () => cover(button, field, field.type === "text"));
}

/** @param {HTMLButtonElement} button @param {HTMLInputElement} field */
export function cover(button, field, isCovered = true) {
  field.type = isCovered ? "password" : "text";
  say(button, isCovered ? "show" : "hide");
}

/**
 * Say what is wrong, at the field where it is.
 *
 * @param {Element} place
 * @param {string} key
 * @param {HTMLElement} [field]
 */
export function complain(place, key, values = {}, field) {
  say(place, key, values);
  field?.setAttribute("aria-invalid", "true");
  field?.focus();
}

/** Say why something was not done. @param {Element} place @param {unknown} error */
export function explain(place, error) {
  if (error instanceof Unreachable) return complain(place, "problem.unreachable");
  if (error instanceof ContentTooLarge) return complain(place, "problem.name-too-long"); // its content was measured
  if (error instanceof Refused) {
    if (error.status === 429) return complain(place, "problem.busy");
    return complain(place, "problem.refused", { reason: error.message });
  }
  complain(place, "problem.unexpected");
  throw error;
}

/** @param {Element} place @param {HTMLElement[]} fields */
export function calm(place, ...fields) {
  hush(place);
  for (const field of fields) field.removeAttribute("aria-invalid");
}

/** A file's name without what could mislead the eye or leave the folder. @param {string} name */
export function plainName(name) {
  return name.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}/\\:]/gu, "").replace(/^\.+/, "") || "file";
}

/**
 * Save bytes as a file. They are no document of this site: hence the type.
 *
 * @param {import("./envelope.js").Bytes} data
 * @param {string} name
 */
export function save(data, name) {
  const url = URL.createObjectURL(new Blob([data], { type: "application/octet-stream" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
