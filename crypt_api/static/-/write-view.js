// The view of a sender who writes: it makes a text and files into an envelope, and has the service store the envelope.

import {
  askFileLimits,
  attachedFiles,
  detachAll,
  FileChanged,
  knownFileLimits,
  showTooLarge,
  startAttachments,
} from "./attachments.js";
import { returnFields } from "./borrowed-fields.js";
import { hidePassphrase, showPassphrase, togglePassphraseOnClick, whileBusy } from "./buttons.js";
import { compose, draftBytes, fitsMessage, fitsWithoutFiles } from "./compose.js";
import { elements } from "./elements.js";
import { encodeBase64url } from "./encoding.js";
import { deriveKeys, MAX_CONTENT_BYTES, seal, SECRET_BYTES } from "./envelope.js";
import { clearError, clearErrorOnInput, showError, showFailure } from "./field-errors.js";
import { askBeforeLeaving } from "./leaving.js";
import { safeFileName } from "./files.js";
import { exampleLink } from "./links.js";
import { showButton as showNewPassword, startNewPassword } from "./new-password.js";
import { clearNotifyError, hasWrongReference, reference, startNotify } from "./notify.js";
import { generatePassphrase, passphraseStrength } from "./passphrase.js";
import { showSentView } from "./sent-view.js";
import { Cancelled, create, Refused } from "./service.js";
import { enableShownFields } from "./secret-fields.js";
import { getItem, setItem } from "./storage.js";
import { clearText, formatDuration, formatSize, getText, setText } from "./texts.js";
import { currentView, leaveView, showView, trackView } from "./views.js";

/** Seconds. */
const LIFETIMES = [300, 3_600, 8 * 3_600, 86_400, 7 * 86_400, 30 * 86_400];

/** More lifetimes than these are a list to choose from. */
const MOST_CHOICES = 4;

/** Characters. Somebody who has the link has ten tries, and tries the shortest passphrases first. */
const MIN_PASSPHRASE_LENGTH = 4;

const TOKEN_KEY = "token";

/** The passphrase that was generated last. */
let generated = "";

/** @typedef {import("./compose.js").Draft} Draft */

/** Make the form work; called once. */
export function startWriteView() {
  elements["write-form"].addEventListener("submit", (/** @type {Event} */ event) => {
    event.preventDefault();
    whileBusy(elements.create, "write.busy", send);
  });
  elements.text.addEventListener("input", () => {
    showSize();
    growText();
  });
  elements.text.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey))
      elements.text.form.querySelector("button.main").click();
  });
  startAttachments(showSize);
  startNewPassword();
  startNotify();
  const { "new-passphrase": passphrase, "show-new-passphrase": showButton } = elements;
  clearErrorOnInput(elements["text-problem"], elements.text);
  clearErrorOnInput(elements["reads-problem"], elements.reads);
  clearErrorOnInput(elements["passphrase-problem"], passphrase);
  clearErrorOnInput(elements["token-problem"], elements.token);
  togglePassphraseOnClick(showButton, passphrase);
  passphrase.addEventListener("input", showStrength);
  elements.generate.addEventListener("click", () => {
    passphrase.value = generated = generatePassphrase();
    showPassphrase(showButton, passphrase);
    clearError(elements["passphrase-problem"], passphrase);
    showStrength();
  });
  askBeforeLeaving("write", () => (hasDraft() ? "leave.draft" : null));
  setText(elements["whole-link"], "write.whole-link", { example: exampleLink() });
  startOptions();
  showLifetimes();
  document.addEventListener("languageloaded", () => {
    showLifetimes();
    showSize();
    showChosen();
  });
}

/** Show the empty form. */
export function showWriteView() {
  clearForm();
  showView("write", elements.text);
}

function clearForm() {
  returnFields();
  nameEditor("write.message", "sending.lede");
  elements["write-form"].reset();
  growText();
  showNewPassword();
  elements.more.open = false;
  hidePassphrase(elements["show-new-passphrase"], elements["new-passphrase"]);
  detachAll();
  showStrength();
  showChosen();
  showToken();
  clearErrors();
}

/** Make the folded options work: a stepper for the readers, and a summary of what is chosen. */
function startOptions() {
  const { more, reads } = elements;
  for (const [button, step] of [
    [elements["fewer-reads"], -1],
    [elements["more-reads"], 1],
  ]) {
    button.addEventListener("click", () => {
      const most = Number(reads.max);
      reads.value = Math.min(Math.max(Math.round(Number(reads.value)) + step, 1), most);
      clearError(elements["reads-problem"], reads);
    });
  }
  more.addEventListener("toggle", () => {
    enableShownFields(); // a browser fills a folded field, too
    showChosen();
  });
}

/** Say beside the folded options which of them are in use. */
function showChosen() {
  const { more, reads, "new-passphrase": passphrase, "more-chosen": place } = elements;
  const chosen = [];
  if (Number(reads.value) > 1) chosen.push(getText("write.readers", { n: Number(reads.value) }));
  if (passphrase.value) chosen.push(getText("read.passphrase"));
  if (reference()) chosen.push(reference());
  place.textContent = more.open ? "" : chosen.join(" · ");
}

function clearErrors() {
  clearError(elements["text-problem"], elements.text);
  clearError(elements["reads-problem"], elements.reads);
  clearError(elements["passphrase-problem"], elements["new-passphrase"]);
  clearError(elements["token-problem"], elements.token);
  clearNotifyError();
  clearError(elements["write-problem"]);
}

/** What the editor's text is, and what is said while its files are sent. @param {string} label @param {string} sending */
export function nameEditor(label, sending) {
  setText(elements.text.labels[0], label);
  setText(elements.sending.querySelector(".lede"), sending);
}

/** Whether the editor has anything in it. */
export function hasDraft() {
  return attachedFiles().length > 0 || elements.text.value !== "";
}

function isTokenNeeded() {
  return "needsToken" in elements.views.dataset;
}

/** The token stays in this browser if its user wants that. */
export function rememberToken(/** @type {string} */ token) {
  if (isTokenNeeded()) setItem("localStorage", TOKEN_KEY, elements["remember-token"].checked ? token : null);
}

/** Show the field for a token where one is needed, with the token that this browser remembers. */
export function showToken() {
  const remembered = (isTokenNeeded() && getItem("localStorage", TOKEN_KEY)) || "";
  elements["token-field"].hidden = !isTokenNeeded();
  elements.token.value = remembered;
  elements["remember-token"].checked = Boolean(remembered);
}

/** Show the lifetimes that this service allows, as a choice; the operator's is chosen at first. Many are a list. */
function showLifetimes() {
  const { maxTtl, defaultTtl } = elements.views.dataset;
  const lifetimes = [...new Set([...LIFETIMES.filter((lifetime) => lifetime <= maxTtl), Number(defaultTtl)])];
  lifetimes.sort((one, other) => one - other);
  const chosen = chosenLifetime() || Number(defaultTtl);
  const isList = lifetimes.length > MOST_CHOICES;
  const list = document.createElement(isList ? "select" : "div");
  if (isList) list.setAttribute("aria-labelledby", "life-label");
  else list.className = "choices";
  list.append(...lifetimes.map((lifetime) => (isList ? optionOf : choiceOf)(lifetime, lifetime === chosen)));
  elements.life.replaceChildren(list);
}

function optionOf(/** @type {number} */ lifetime, /** @type {boolean} */ isChosen) {
  return new Option(formatDuration(lifetime), String(lifetime), isChosen, isChosen);
}

function choiceOf(/** @type {number} */ lifetime, /** @type {boolean} */ isChosen) {
  const label = document.createElement("label");
  const input = document.createElement("input");
  Object.assign(input, { type: "radio", name: "life", value: lifetime, defaultChecked: isChosen });
  label.append(input, formatDuration(lifetime));
  return label;
}

/** Seconds; 0 before the lifetimes are shown. */
function chosenLifetime() {
  return Number(elements.life.querySelector("input:checked, select")?.value);
}

/** Make the text's field as high as the text, where the style sheet cannot. */
function growText() {
  const { text } = elements;
  if (CSS.supports("field-sizing: content")) return;
  text.style.height = "";
  if (text.scrollHeight > text.clientHeight) text.style.height = `${text.scrollHeight}px`;
}

/** Show how much of a limit is used, where there is one: files' as soon as it is known, a text's from its half on. */
function showSize() {
  const place = elements.size;
  const [files, limits] = [attachedFiles(), knownFileLimits()];
  const bytes = draftBytes({ text: elements.text.value, files });
  const most = formatSize((files.length && limits?.maxBytes) || MAX_CONTENT_BYTES);
  if (files.length ? limits !== undefined : bytes >= MAX_CONTENT_BYTES / 2)
    setText(place, "write.size", { size: formatSize(bytes), most });
  else if (limits === null) setText(place, "write.limit", { most });
  else clearText(place);
}

function showStrength() {
  const { value } = elements["new-passphrase"];
  const { strength: place } = elements;
  place.dataset.strength = value ? passphraseStrength(value) : "";
  if (value) setText(place, `strength.${place.dataset.strength}`);
  else clearText(place);
}

/** Show what is wrong with the form, beside the first field that is wrong; false if nothing is. @param {Draft} draft */
export async function hasMistake(draft) {
  const { text, reads, "new-passphrase": passphrase, "text-problem": problem } = elements;
  const isSmall = fitsMessage(draft);
  const limits = isSmall ? null : await askFileLimits();
  const bytes = draftBytes(draft);
  if (!draft.files.length && !draft.text) showError(problem, "problem.empty", {}, text);
  else if (!isSmall && (!limits || bytes > limits.maxBytes)) showTooLarge(bytes);
  else if (!isSmall && (!draft.files.length || !fitsWithoutFiles(draft))) showTextTooLarge(draft.text);
  else if (!reads.checkValidity())
    showOptionError("reads-problem", "problem.reads", { least: 1, most: Number(reads.max) }, reads);
  else if (draft.passphrase && [...draft.passphrase].length < MIN_PASSPHRASE_LENGTH) {
    clearText(elements.strength); // one word about a field is enough
    showOptionError("passphrase-problem", "problem.short-passphrase", { n: MIN_PASSPHRASE_LENGTH }, passphrase);
  } else return false;
  return true;
}

/** @param {string} place @param {string} key @param {Record<string, number>} values @param {HTMLElement} field */
function showOptionError(place, key, values, field) {
  elements.more.open = true;
  enableShownFields();
  showError(elements[place], key, values, field);
}

function showTextTooLarge(/** @type {string} */ text) {
  const values = { size: formatSize(draftBytes({ text, files: [] })), most: formatSize(MAX_CONTENT_BYTES) };
  showError(elements["text-problem"], "problem.text-too-large", values, elements.text);
}

async function send() {
  /** @type {Draft} */
  const draft = {
    text: elements.text.value,
    files: [...attachedFiles()],
    passphrase: elements["new-passphrase"].value, // the field may have another one by the time the response comes
    token: elements.token.value.trim(),
    ttl: chosenLifetime(),
    reads: Number(elements.reads.value),
    notify: reference(),
  };
  const isCurrent = trackView();
  clearErrors();
  try {
    if (!(await hasMistake(draft)) && !hasWrongReference()) await sendDraft(draft);
  } catch (error) {
    if (!isCurrent()) return;
    if (currentView() !== "write") showView("write", elements.create);
    showProblem(error);
  }
}

async function sendDraft(/** @type {Draft} */ draft) {
  const secret = crypto.getRandomValues(new Uint8Array(SECRET_BYTES));
  const { passphrase, reads, token, notify } = draft;
  const keys = await deriveKeys(secret, passphrase);
  const { content, ttl } = await compose(draft);
  const expiresAt = await create(keys, await seal(content, keys), { ttl, reads, notify }, token);
  rememberToken(token);
  leaveView(); // even if the sender is at another view by now: the link must not get lost
  const isPassphraseGenerated = passphrase !== "" && passphrase === generated;
  const message = { keys, secret: encodeBase64url(secret), passphrase, isPassphraseGenerated, reads, expiresAt };
  showSentView({ ...message, isSender: true });
  clearForm(); // the message does not stay in the page
}

/** Show why a message or an answer was not sent. @param {unknown} error @param {Element} [place] beside the form's button */
export function showProblem(error, place = elements["write-problem"]) {
  if (error instanceof Cancelled) return;
  if (error instanceof FileChanged)
    showError(elements["text-problem"], "problem.file-changed", { name: safeFileName(error.message) });
  else if (error instanceof Refused && error.code === "token_required")
    showError(elements["token-problem"], "problem.token", {}, elements.token);
  else showFailure(place, error);
}
