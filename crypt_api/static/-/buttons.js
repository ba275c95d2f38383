// What the views' buttons have in common: being busy, copying, showing and hiding a passphrase.

import { attempt } from "./attempt.js";
import { elements } from "./elements.js";
import { clearText, getText, setText } from "./texts.js";

/** The buttons whose work is under way. @type {Set<HTMLButtonElement>} */
const busy = new Set();

/**
 * Do what a button starts. Meanwhile the button is busy: it shows another text, and further clicks do nothing.
 *
 * @param {HTMLButtonElement} button
 * @param {string} busyKey
 * @param {() => Promise<void>} work
 */
export async function whileBusy(button, busyKey, work) {
  const key = button.getAttribute("data-text") ?? "";
  if (isBusy(button)) return;
  busy.add(button);
  button.setAttribute("aria-disabled", "true"); // and not `disabled`, which would lose the focus
  setText(button, busyKey);
  try {
    await work();
  } finally {
    busy.delete(button);
    button.removeAttribute("aria-disabled");
    setText(button, key);
  }
}

/** @param {HTMLButtonElement} button */
export function isBusy(button) {
  return busy.has(button);
}

/**
 * Let a button copy a value to the clipboard. If that is forbidden, the element that shows the value is selected, and
 * the button's hint says how to copy it by hand.
 *
 * @param {HTMLButtonElement} button
 * @param {HTMLElement} shown
 * @param {() => string} getValue
 * @param {() => void} onCopied
 */
export function copyOnClick(button, shown, getValue, onCopied = () => undefined) {
  const key = button.getAttribute("data-text") ?? "";
  const hint = elements[`${button.id}-hint`];
  button.addEventListener("click", async () => {
    clearText(hint);
    if (!(await copy(getValue()))) {
      select(shown);
      if (matchMedia("(pointer: coarse)").matches) setText(hint, "not-copied.touch");
      else setText(hint, "not-copied.key", { key: /Mac/.test(navigator.platform) ? "⌘C" : getText("not-copied.ctrl") });
      return;
    }
    onCopied();
    setText(button, "copied");
    setTimeout(() => setText(button, key), 2_000);
  });
  const keepWidth = () => button.setAttribute("data-widest", `${getText(key)}\n${getText("copied")}`);
  document.addEventListener("languageloaded", keepWidth);
  attempt(keepWidth);
}

/** Select all that a field or another element shows. @param {HTMLElement} shown */
function select(shown) {
  shown.focus();
  if (shown instanceof HTMLInputElement || shown instanceof HTMLTextAreaElement) shown.select();
  else getSelection()?.selectAllChildren(shown);
}

/** Copy a text to the clipboard; false if the browser, or its user, forbids that. @param {string} text */
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}

/**
 * Let a button ask once more before it does its work; another button, which is shown meanwhile, keeps things as they are.
 *
 * @param {HTMLButtonElement} button
 * @param {HTMLButtonElement} keep
 * @param {string} sureKey the text of the button when it has been pressed once
 * @param {() => void} work
 * @returns {() => void} takes the question back
 */
export function confirmOnClick(button, keep, sureKey, work) {
  const key = button.getAttribute("data-text") ?? "";
  let isConfirming = false;
  function ask(/** @type {boolean} */ isAsked) {
    isConfirming = isAsked;
    setText(button, isConfirming ? sureKey : key);
    keep.hidden = !isConfirming;
  }
  button.addEventListener("click", () => {
    if (isBusy(button)) return;
    const isSure = isConfirming;
    ask(!isSure);
    if (isSure) work();
  });
  keep.addEventListener("click", () => {
    ask(false);
    button.focus();
  });
  return () => ask(false);
}

/**
 * Let a button show and hide the passphrase in a field.
 *
 * @param {HTMLButtonElement} button
 * @param {HTMLInputElement} field
 */
export function togglePassphraseOnClick(button, field) {
  button.addEventListener("click", () => {
    if (field.type === "text") hidePassphrase(button, field);
    else showPassphrase(button, field);
  });
}

/** @param {HTMLButtonElement} button @param {HTMLInputElement} field */
export function showPassphrase(button, field) {
  field.type = "text";
  setText(button, "hide");
}

/** @param {HTMLButtonElement} button @param {HTMLInputElement} field */
export function hidePassphrase(button, field) {
  field.type = "password";
  setText(button, "show");
}
