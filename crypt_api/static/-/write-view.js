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
import { generatePassphrase, passphraseStrength } from "./passphrase.js";
import { showSentView } from "./sent-view.js";
import { Cancelled, create, Refused } from "./service.js";
import { getItem, setItem } from "./storage.js";
import { clearText, formatDuration, formatSize, setText } from "./texts.js";
import { currentView, leaveView, showView, trackView } from "./views.js";

/** Seconds. */
const LIFETIMES = [300, 3_600, 8 * 3_600, 86_400, 7 * 86_400, 30 * 86_400];

/** Characters. Somebody who has the link has ten tries, and tries the shortest passphrases first. */
const MIN_PASSPHRASE_LENGTH = 4;

const TOKEN_KEY = "token";

/** @typedef {import("./compose.js").Draft} Draft */

/** Make the form work; called once. */
export function startWriteView() {
  elements["write-form"].addEventListener("submit", (/** @type {Event} */ event) => {
    event.preventDefault();
    whileBusy(elements.create, "write.busy", send);
  });
  elements.text.addEventListener("input", showSize);
  elements.text.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey))
      elements.text.form.querySelector("button.main").click();
  });
  startAttachments(showSize);
  const { "new-passphrase": passphrase, "show-new-passphrase": showButton } = elements;
  clearErrorOnInput(elements["text-problem"], elements.text);
  clearErrorOnInput(elements["reads-problem"], elements.reads);
  clearErrorOnInput(elements["passphrase-problem"], passphrase);
  clearErrorOnInput(elements["token-problem"], elements.token);
  togglePassphraseOnClick(showButton, passphrase);
  passphrase.addEventListener("input", showStrength);
  elements.generate.addEventListener("click", () => {
    passphrase.value = generatePassphrase();
    showPassphrase(showButton, passphrase);
    clearError(elements["passphrase-problem"], passphrase);
    showStrength();
  });
  askBeforeLeaving("write", () => (hasDraft() ? "leave.draft" : null));
  setText(elements["whole-link"], "write.whole-link", { example: exampleLink() });
  showLifetimes();
  document.addEventListener("languageloaded", () => {
    showLifetimes();
    showSize();
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
  hidePassphrase(elements["show-new-passphrase"], elements["new-passphrase"]);
  detachAll();
  showStrength();
  showToken();
  clearErrors();
}

function clearErrors() {
  clearError(elements["text-problem"], elements.text);
  clearError(elements["reads-problem"], elements.reads);
  clearError(elements["passphrase-problem"], elements["new-passphrase"]);
  clearError(elements["token-problem"], elements.token);
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

/** Show the lifetimes that this service allows, as a choice; the operator's is chosen at first. */
function showLifetimes() {
  const { maxTtl, defaultTtl } = elements.views.dataset;
  const lifetimes = [...new Set([...LIFETIMES.filter((lifetime) => lifetime <= maxTtl), Number(defaultTtl)])];
  lifetimes.sort((one, other) => one - other);
  const chosen = Number(elements.life.querySelector("input:checked")?.value ?? defaultTtl);
  elements.life.replaceChildren(
    ...lifetimes.map((lifetime) => {
      const label = document.createElement("label");
      const input = Object.assign(document.createElement("input"), {
        type: "radio",
        name: "life",
        value: lifetime,
        defaultChecked: lifetime === chosen,
      });
      label.append(input, formatDuration(lifetime));
      return label;
    }),
  );
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
  else if (!reads.checkValidity()) showError(elements["reads-problem"], "problem.reads", {}, reads);
  else if (draft.passphrase && [...draft.passphrase].length < MIN_PASSPHRASE_LENGTH)
    showError(elements["passphrase-problem"], "problem.short-passphrase", { n: MIN_PASSPHRASE_LENGTH }, passphrase);
  else return false;
  return true;
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
    ttl: Number(elements.life.querySelector("input:checked").value),
    reads: Number(elements.reads.value),
  };
  const isCurrent = trackView();
  clearErrors();
  try {
    if (!(await hasMistake(draft))) await sendDraft(draft);
  } catch (error) {
    if (!isCurrent()) return;
    if (currentView() !== "write") showView("write", elements.create);
    showProblem(error);
  }
}

async function sendDraft(/** @type {Draft} */ draft) {
  const secret = crypto.getRandomValues(new Uint8Array(SECRET_BYTES));
  const { passphrase, reads, token } = draft;
  const keys = await deriveKeys(secret, passphrase);
  const { content, ttl } = await compose(draft);
  const expiresAt = await create(keys, await seal(content, keys), { ttl, reads }, token);
  rememberToken(token);
  leaveView(); // even if the sender is at another view by now: the link must not get lost
  showSentView({ keys, secret: encodeBase64url(secret), passphrase, reads, expiresAt, isSender: true });
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
