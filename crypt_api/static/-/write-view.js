// The view of a sender who writes: it makes a text or a file into an envelope, and has the service store the envelope.

import { hidePassphrase, showPassphrase, togglePassphraseOnClick, whileBusy } from "./buttons.js";
import { elements } from "./elements.js";
import { deriveKeys, encodeBase64url, MAX_CONTENT_BYTES, seal, SECRET_BYTES } from "./envelope.js";
import { clearError, showError, showFailure } from "./field-errors.js";
import { safeFileName } from "./files.js";
import { generatePassphrase, passphraseStrength } from "./passphrase.js";
import { showSentView } from "./sent-view.js";
import { create } from "./service.js";
import { clearText, formatDuration, formatSize, setText } from "./texts.js";
import { leaveView, showView, trackView } from "./views.js";

/** Seconds. */
const LIFETIMES = [300, 3_600, 8 * 3_600, 24 * 3_600];

/** The attached file. @type {{ data: import("./envelope.js").Bytes, name: string, mediaType: string } | null} */
let file = null;

/** Make the form work; called once. */
export function startWriteView() {
  elements["write-form"].addEventListener("submit", (/** @type {Event} */ event) => {
    event.preventDefault();
    whileBusy(elements.create, "write.busy", send);
  });
  elements.text.addEventListener("input", showSize);
  acceptFiles();
  const { "new-passphrase": passphrase, "show-new-passphrase": showButton } = elements;
  togglePassphraseOnClick(showButton, passphrase);
  passphrase.addEventListener("input", showStrength);
  elements.generate.addEventListener("click", () => {
    passphrase.value = generatePassphrase();
    showPassphrase(showButton, passphrase);
    showStrength();
  });
  showLifetimes();
  document.addEventListener("languageloaded", () => {
    showLifetimes();
    showSize();
  });
}

/** Show the empty form. */
export function showWriteView() {
  clearForm();
  showView("write");
}

function clearForm() {
  elements["write-form"].reset();
  hidePassphrase(elements["show-new-passphrase"], elements["new-passphrase"]);
  detach();
  showStrength();
  clearError(elements["write-problem"], elements.text, elements.reads);
}

/** Show the lifetimes that this service allows, as a choice; the longest one up to a day is chosen at first. */
function showLifetimes() {
  const most = Number(document.documentElement.dataset.maxTtl);
  const lifetimes = LIFETIMES.filter((lifetime) => lifetime <= most);
  if (most > LIFETIMES[LIFETIMES.length - 1] || !lifetimes.length) lifetimes.push(most);
  const chosen = Number(
    elements.life.querySelector("input:checked")?.value ??
      Math.max(...lifetimes.filter((lifetime) => lifetime <= 86_400), lifetimes[0]),
  );
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
  if (!elements.write.hidden) attach(data.files);
}

function hasFiles(/** @type {DataTransfer | null} */ data) {
  return data?.types.includes("Files") ?? false;
}

async function attach(/** @type {FileList} */ files) {
  const problem = elements["write-problem"];
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
  showSize();
}

/** Show the size of the attached file, or of a text that is half as large as it may be, or larger. */
function showSize() {
  const { text, attached, attach: button, size: place } = elements;
  attached.hidden = !file;
  text.hidden = button.hidden = Boolean(file);
  if (file) elements["file-size"].textContent = formatSize(file.data.length);
  const bytes = new TextEncoder().encode(text.value).length;
  if (file || bytes < MAX_CONTENT_BYTES / 2) clearText(place);
  else setText(place, "write.size", { size: formatSize(bytes), most: formatSize(MAX_CONTENT_BYTES) });
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
  showError(elements["write-problem"], "problem.too-large", values, file ? undefined : elements.text);
}

async function send() {
  const { text, reads, "write-problem": problem } = elements;
  const passphrase = elements["new-passphrase"].value; // the field may have another one by the time the response comes
  const isCurrent = trackView();
  clearError(problem, text, reads);
  const content = file ?? { data: new TextEncoder().encode(text.value) };
  if (!file && !text.value) return showError(problem, "problem.empty", {}, text);
  if (content.data.length > MAX_CONTENT_BYTES) return showTooLarge(content.data.length);
  if (!reads.checkValidity()) return showError(problem, "problem.reads", {}, reads);
  const secret = crypto.getRandomValues(new Uint8Array(SECRET_BYTES));
  const keys = await deriveKeys(secret, passphrase);
  const link = `${location.origin}/#${encodeBase64url(secret)}`;
  const limits = { ttl: Number(elements.life.querySelector("input:checked").value), reads: Number(reads.value) };
  try {
    const expiresAt = await create(keys, await seal(content, keys), limits);
    leaveView(); // even if the sender is at another view by now: the link must not get lost
    showSentView({ keys, link, passphrase, reads: limits.reads, expiresAt });
    clearForm(); // the message does not stay in the page
  } catch (error) {
    if (isCurrent()) showFailure(problem, error);
  }
}
