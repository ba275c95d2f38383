// The view of a sender who writes: it makes a text or a file into an envelope, and has the service store the envelope.

import { hidePassphrase, showPassphrase, togglePassphraseOnClick, whileBusy } from "./buttons.js";
import { elements } from "./elements.js";
import { contentBytes, deriveKeys, encodeBase64url, MAX_CONTENT_BYTES, seal, SECRET_BYTES } from "./envelope.js";
import { clearError, clearErrorOnInput, showError, showFailure } from "./field-errors.js";
import { safeFileName } from "./files.js";
import { askBeforeLeaving } from "./leaving.js";
import { exampleLink } from "./links.js";
import { generatePassphrase, passphraseStrength } from "./passphrase.js";
import { showSentView } from "./sent-view.js";
import { create, Refused } from "./service.js";
import { getItem, setItem } from "./storage.js";
import { clearText, formatDuration, formatSize, setText } from "./texts.js";
import { currentView, leaveView, showView, trackView } from "./views.js";

/** Seconds. */
const LIFETIMES = [300, 3_600, 8 * 3_600, 86_400, 7 * 86_400, 30 * 86_400];

/** Characters. Somebody who has the link has ten tries, and tries the shortest passphrases first. */
const MIN_PASSPHRASE_LENGTH = 4;

const TOKEN_KEY = "token";

/** The attached file. @type {{ data: import("./envelope.js").Bytes, name: string, mediaType: string } | null} */
let file = null;

/** Make the form work; called once. */
export function startWriteView() {
  elements["write-form"].addEventListener("submit", (/** @type {Event} */ event) => {
    event.preventDefault();
    whileBusy(elements.create, "write.busy", send);
  });
  elements.text.addEventListener("input", showSize);
  elements.text.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) elements.create.click();
  });
  acceptFiles();
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
  askBeforeLeaving("write", () => (file || elements.text.value ? "leave.draft" : null));
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
  elements["write-form"].reset();
  hidePassphrase(elements["show-new-passphrase"], elements["new-passphrase"]);
  detach();
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

function isTokenNeeded() {
  return "needsToken" in elements.views.dataset;
}

/** The token stays in this browser if its user wants that. */
function rememberToken(/** @type {string} */ token) {
  if (isTokenNeeded()) setItem("localStorage", TOKEN_KEY, elements["remember-token"].checked ? token : null);
}

/** Show the field for a token where one is needed, with the token that this browser remembers. */
function showToken() {
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

/** Attach files that are picked, pasted, or dropped anywhere on the page. */
function acceptFiles() {
  const { text, file: picker, drop } = elements;
  elements.attach.addEventListener("click", () => picker.click());
  picker.addEventListener("change", () => attach(picker.files));
  elements["remove-file"].addEventListener("click", () => {
    detach();
    text.focus();
  });
  text.addEventListener("paste", (/** @type {ClipboardEvent} */ event) => attachFrom(event, event.clipboardData));
  document.addEventListener("dragover", (event) => {
    if (!hasFiles(event.dataTransfer)) return;
    event.preventDefault();
    drop.classList.add("over");
  });
  document.addEventListener("dragleave", () => drop.classList.remove("over"));
  document.addEventListener("drop", (event) => {
    drop.classList.remove("over");
    attachFrom(event, event.dataTransfer);
  });
}

/** Attach the files of a paste or a drop. The browser itself handles text. */
function attachFrom(/** @type {Event} */ event, /** @type {DataTransfer | null} */ data) {
  if (!data || !hasFiles(data) || data.types.includes("text/plain")) return; // a spreadsheet adds a picture to its text
  event.preventDefault(); // or the browser would open the file
  if (currentView() === "write") attach(data.files);
}

function hasFiles(/** @type {DataTransfer | null} */ data) {
  return data?.types.includes("Files") ?? false;
}

async function attach(/** @type {FileList} */ files) {
  const problem = elements["text-problem"];
  clearError(problem, elements.text);
  if (files.length === 0) return;
  if (files.length > 1) return showError(problem, "problem.one-file");
  const [chosen] = files;
  if (chosen.size > MAX_CONTENT_BYTES) return showTooLarge(chosen.size);
  try {
    const data = new Uint8Array(await chosen.arrayBuffer());
    file = { data, name: chosen.name, mediaType: chosen.type || "application/octet-stream" };
  } catch {
    return showError(problem, "problem.unreadable"); // a folder, for example
  }
  elements["file-name"].textContent = safeFileName(chosen.name);
  showSize();
  elements["remove-file"].focus();
}

function detach() {
  file = null;
  elements.file.value = "";
  clearError(elements["text-problem"], elements.text);
  showSize();
}

/** What the form has: a text, a file, or a file with a note. @returns {import("./envelope.js").Content} */
function content() {
  const text = elements.text.value;
  return file ? { ...file, note: text } : { data: new TextEncoder().encode(text) };
}

/** Show the size of the attached file, and how much of the limit is used if that is half of it, or more. */
function showSize() {
  const { attached, attach: button, size: place } = elements;
  attached.hidden = !file;
  button.hidden = Boolean(file);
  if (file) elements["file-size"].textContent = formatSize(file.data.length);
  const [bytes, most] = [contentBytes(content()), formatSize(MAX_CONTENT_BYTES)];
  if (bytes < MAX_CONTENT_BYTES / 2) setText(place, "write.limit", { most });
  else setText(place, "write.size", { size: formatSize(bytes), most });
}

function showStrength() {
  const { value } = elements["new-passphrase"];
  const { strength: place } = elements;
  place.dataset.strength = value ? passphraseStrength(value) : "";
  if (value) setText(place, `strength.${place.dataset.strength}`);
  else clearText(place);
}

function showTooLarge(/** @type {number} */ bytes) {
  const values = { size: formatSize(bytes), most: formatSize(MAX_CONTENT_BYTES) };
  showError(elements["text-problem"], "problem.too-large", values, elements.text);
}

/** Show what is wrong with the form, beside the first field that is wrong; false if nothing is. */
function hasMistake() {
  const { text, reads, "new-passphrase": passphrase } = elements;
  const bytes = contentBytes(content());
  if (!file && !text.value) showError(elements["text-problem"], "problem.empty", {}, text);
  else if (bytes > MAX_CONTENT_BYTES) showTooLarge(bytes);
  else if (!reads.checkValidity()) showError(elements["reads-problem"], "problem.reads", {}, reads);
  else if (passphrase.value && [...passphrase.value].length < MIN_PASSPHRASE_LENGTH)
    showError(elements["passphrase-problem"], "problem.short-passphrase", { n: MIN_PASSPHRASE_LENGTH }, passphrase);
  else return false;
  return true;
}

async function send() {
  const passphrase = elements["new-passphrase"].value; // the field may have another one by the time the response comes
  const isCurrent = trackView();
  clearErrors();
  if (hasMistake()) return;
  const limits = {
    ttl: Number(elements.life.querySelector("input:checked").value),
    reads: Number(elements.reads.value),
  };
  const secret = crypto.getRandomValues(new Uint8Array(SECRET_BYTES));
  const message = content();
  const token = elements.token.value.trim();
  const keys = await deriveKeys(secret, passphrase);
  try {
    const expiresAt = await create(keys, await seal(message, keys), limits, token);
    rememberToken(token);
    leaveView(); // even if the sender is at another view by now: the link must not get lost
    showSentView({ keys, secret: encodeBase64url(secret), passphrase, reads: limits.reads, expiresAt, isSender: true });
    clearForm(); // the message does not stay in the page
  } catch (error) {
    if (!isCurrent()) return;
    if (error instanceof Refused && error.code === "token_required")
      showError(elements["token-problem"], "problem.token", {}, elements.token);
    else showFailure(elements["write-problem"], error);
  }
}
