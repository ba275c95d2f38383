// The texts of the page, and its language. Each element names the text that it shows, in `data-text`, so that all
// elements can be filled again when the reader chooses another language.

import { getItem, setItem } from "./storage.js";

const STORAGE_KEY = "language";
const RIGHT_TO_LEFT = ["ar"];

/** @typedef {Record<string, string | Record<string, string>>} Texts a text by its key, or its plural forms */

/** The language of the page, with the region if the browser names one: the region decides how times are written. */
let locale = "en";
/** @type {Texts} */
let texts = {};
/** The language that was asked for last. Its texts may not be loaded yet. */
let requestedLanguage = "";

/** The values in each element's text. @type {WeakMap<Element, Record<string, unknown>>} */
const elementValues = new WeakMap();

/**
 * Fill the page with texts. It comes with those of a language that the browser prefers; the reader may have chosen
 * another one before, or choose it now in `select`.
 *
 * @param {HTMLSelectElement} select
 */
export async function startTexts(select) {
  const codes = [...select.options].map((option) => option.value);
  select.addEventListener("change", async () => {
    if (await loadLanguage(select.value)) setItem("localStorage", STORAGE_KEY, select.value);
    select.value = document.documentElement.lang;
  });
  const given = document.documentElement.lang;
  const chosen = getItem("localStorage", STORAGE_KEY) ?? given;
  if (chosen === given || !codes.includes(chosen) || !(await loadLanguage(chosen))) {
    useLanguage(given, JSON.parse(document.getElementById("texts")?.textContent ?? ""));
  }
  select.value = document.documentElement.lang;
  const label = select.closest("label");
  if (label) label.hidden = false; // without scripts, it would do nothing
}

/** Let an element show a text, also when the language changes later. @param {Element} element @param {string} key */
export function setText(element, key, values = {}) {
  element.setAttribute("data-text", key);
  elementValues.set(element, values);
  const text = getText(key, values);
  if (element.textContent !== text) element.textContent = text; // a screen reader reads a text again that is set again
}

/** Let an element show no text. @param {Element} element */
export function clearText(element) {
  element.removeAttribute("data-text");
  element.textContent = "";
}

/**
 * A text in the page's language. If it has plural forms, the value `n` chooses one.
 *
 * @param {string} key
 * @param {Record<string, unknown>} values
 * @returns {string}
 */
export function getText(key, values = {}) {
  const forms = texts[key];
  const form =
    typeof forms === "string" ? forms : (forms[new Intl.PluralRules(locale).select(Number(values.n))] ?? forms.other);
  return form.replace(/\{(\w+)\}(\.?)/g, (_, name, stop) => {
    const value = isolate(formatValue(values[name]));
    return value.endsWith(".") ? value : value + stop; // a value such as "8:54 a.m." may end the sentence
  });
}

/** Write 1234 as "1,234", in the digits of the language. @param {number} value */
function formatNumber(value) {
  return new Intl.NumberFormat(locale).format(value);
}

/** Write 300 as "5 min". @param {number} seconds */
export function formatDuration(seconds) {
  if (seconds >= 2 * 86_400 && seconds % 86_400 === 0) return formatUnit(seconds / 86_400, "day");
  if (seconds < 60) return formatUnit(seconds, "second");
  if (seconds % 3_600 === 0) return formatUnit(seconds / 3_600, "hour");
  return formatUnit(seconds / 60, "minute");
}

/** Write 102400 as "100 kB", and 100000000 as "100 MB", as limits are set. @param {number} bytes */
export function formatSize(bytes) {
  if (bytes < 1_024) return formatUnit(bytes, "byte");
  if (bytes < 1e6) return formatUnit(bytes / 1_024, "kilobyte");
  return bytes < 1e9 ? formatUnit(bytes / 1e6, "megabyte") : formatUnit(bytes / 1e9, "gigabyte");
}

function formatUnit(/** @type {number} */ value, /** @type {string} */ unit) {
  return new Intl.NumberFormat(locale, { style: "unit", unit, maximumFractionDigits: 1 }).format(value);
}

/**
 * Load a language's texts and fill the page with them.
 *
 * @param {string} code
 * @returns {Promise<boolean>} false if the texts cannot be loaded, or another language was asked for meanwhile
 */
async function loadLanguage(code) {
  requestedLanguage = code;
  const loaded = await fetch(`/-/texts/${code}.json`)
    .then((response) => (response.ok ? response.json() : null))
    .catch(() => null);
  if (!loaded || requestedLanguage !== code) return false;
  useLanguage(code, loaded);
  return true;
}

function useLanguage(/** @type {string} */ code, /** @type {Texts} */ loaded) {
  texts = loaded;
  locale = navigator.languages.find((tag) => languageOf(tag) === languageOf(code) && isLocale(tag)) ?? code;
  document.documentElement.lang = code;
  document.documentElement.dir = RIGHT_TO_LEFT.includes(code) ? "rtl" : "ltr";
  for (const element of document.querySelectorAll("[data-text]")) {
    element.textContent = getText(element.getAttribute("data-text") ?? "", valuesOf(element));
  }
  for (const element of document.querySelectorAll("[data-placeholder]")) {
    element.setAttribute("placeholder", getText(element.getAttribute("data-placeholder") ?? ""));
  }
  for (const element of document.querySelectorAll("[data-label]")) {
    element.setAttribute("aria-label", getText(element.getAttribute("data-label") ?? ""));
  }
  document.dispatchEvent(new Event("languageloaded"));
}

/** The values in an element's text: those that a script has set, or those that came with the page. */
function valuesOf(/** @type {Element} */ element) {
  return elementValues.get(element) ?? JSON.parse(element.getAttribute("data-values") ?? "{}");
}

function languageOf(/** @type {string} */ tag) {
  return tag.split("-")[0];
}

/** Whether `Intl` takes a language tag. Some browsers have others, such as en-US@posix. */
function isLocale(/** @type {string} */ tag) {
  try {
    return Intl.getCanonicalLocales(tag).length === 1;
  } catch {
    return false;
  }
}

/** Within a text from right to left, keep a value such as a link in its own direction. */
function isolate(/** @type {string} */ value) {
  return document.documentElement.dir === "rtl" ? `\u2068${value}\u2069` : value;
}

/** A text's value; a time becomes a day and an hour, such as "today at 14:02" or "on 5 December at 14:02". */
function formatValue(/** @type {unknown} */ value) {
  if (typeof value === "number") return formatNumber(value);
  if (!(value instanceof Date)) return String(value);
  const clock = new Intl.DateTimeFormat(locale, { timeStyle: "short" }).format(value);
  const days = Math.round((midnight(value) - midnight(new Date())) / 86_400_000);
  if (Math.abs(days) > 1) {
    const day = new Intl.DateTimeFormat(locale, { day: "numeric", month: "long" }).format(value);
    return getText("time.on-day", { day, clock });
  }
  return getText("time", { day: new Intl.RelativeTimeFormat(locale, { numeric: "auto" }).format(days, "day"), clock });
}

function midnight(/** @type {Date} */ time) {
  return new Date(time).setHours(0, 0, 0, 0);
}
