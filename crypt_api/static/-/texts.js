// The page's language: each element says which text it shows, so that all of them can be said again in another one.

import { keep, recall } from "./storage.js";

const LANGUAGES = { en: "English", es: "Español" };
const STORED = "language";

/** With its region, where the reader's browser names one: it decides how times are written. */
let locale = "en";
/** @type {Record<string, string | Record<string, string>>} */
let texts = {};
/** The language that was asked for last: its texts may still be on their way. */
let wanted = "en";

/** What an element's text was given. @type {WeakMap<Element, Record<string, unknown>>} */
const given = new WeakMap();

/** Load the reader's language, fill the page with it, and let `select` change it. @param {HTMLSelectElement} select */
export async function startTexts(select) {
  select.append(...Object.entries(LANGUAGES).map(([code, name]) => new Option(name, code)));
  select.addEventListener("change", async () => {
    if (await speak(select.value)) keep("localStorage", STORED, select.value);
    select.value = document.documentElement.lang;
  });
  const codes = [recall("localStorage", STORED) ?? "", ...navigator.languages].map(languageOf);
  const code = codes.find((code) => Object.hasOwn(LANGUAGES, code)) ?? "en";
  if (!(await speak(code))) await speak("en");
  select.value = document.documentElement.lang;
}

/** Let an element show a text, now and in every language. @param {Element} element @param {string} key */
export function say(element, key, values = {}) {
  element.setAttribute("data-text", key);
  given.set(element, values);
  const words = text(key, values);
  if (element.textContent !== words) element.textContent = words; // or a screen reader would say it again
}

/** Let it show none. @param {Element} element */
export function hush(element) {
  element.removeAttribute("data-text");
  element.textContent = "";
}

/**
 * A text in the current language, with the form that the value `n` asks for.
 *
 * @param {string} key
 * @param {Record<string, unknown>} values
 * @returns {string}
 */
export function text(key, values = {}) {
  const forms = texts[key];
  const form =
    typeof forms === "string" ? forms : (forms[new Intl.PluralRules(locale).select(Number(values.n))] ?? forms.other);
  return form.replace(/\{(\w+)\}(\.?)/g, (_, name, stop) => {
    const words = inWords(values[name]);
    return words.endsWith(".") ? words : words + stop; // a sentence may end with "8:54 a.m."
  });
}

/** 300 as "5 min". @param {number} seconds */
export function duration(seconds) {
  if (seconds >= 2 * 86_400 && seconds % 86_400 === 0) return format(seconds / 86_400, "day");
  if (seconds % 3_600 === 0) return format(seconds / 3_600, "hour");
  return format(seconds / 60, "minute");
}

/** 102400 as "100 kB". @param {number} bytes */
export function size(bytes) {
  return bytes < 1_024 ? format(bytes, "byte") : format(bytes / 1_024, "kilobyte");
}

function format(/** @type {number} */ value, /** @type {string} */ unit) {
  return new Intl.NumberFormat(locale, { style: "unit", unit, maximumFractionDigits: 1 }).format(value);
}

/** Load a language and fill the page with it; whether that was done. @param {string} code */
async function speak(code) {
  wanted = code;
  const loaded = await import(`./texts/${code}.js`).catch(() => null);
  if (!loaded || wanted !== code) return false;
  texts = loaded.default;
  locale = navigator.languages.find((tag) => languageOf(tag) === code && isLocale(tag)) ?? code;
  document.documentElement.lang = code;
  for (const element of document.querySelectorAll("[data-text]")) {
    element.textContent = text(element.getAttribute("data-text") ?? "", given.get(element));
  }
  for (const element of document.querySelectorAll("[data-placeholder]")) {
    element.setAttribute("placeholder", text(element.getAttribute("data-placeholder") ?? ""));
  }
  document.dispatchEvent(new Event("spoken"));
  return true;
}

function languageOf(/** @type {string} */ tag) {
  return tag.split("-")[0];
}

/** Some browsers name what `Intl` does not take, such as en-US@posix. */
function isLocale(/** @type {string} */ tag) {
  try {
    return Intl.getCanonicalLocales(tag).length === 1;
  } catch {
    return false;
  }
}

/** A time as people say it: "today at 14:02". */
function inWords(/** @type {unknown} */ value) {
  if (!(value instanceof Date)) return String(value);
  const days = Math.round((midnight(value) - midnight(new Date())) / 86_400_000);
  const day =
    Math.abs(days) <= 1
      ? new Intl.RelativeTimeFormat(locale, { numeric: "auto" }).format(days, "day")
      : new Intl.DateTimeFormat(locale, { day: "numeric", month: "long" }).format(value);
  return text("time", { day, clock: new Intl.DateTimeFormat(locale, { timeStyle: "short" }).format(value) });
}

function midnight(/** @type {Date} */ time) {
  return new Date(time).setHours(0, 0, 0, 0);
}
