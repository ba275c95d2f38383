// The writer's view: from a text or a file to an envelope that the service keeps.

import { calm, complain, cover, elements, explain, plainName, show, uncovers, whileBusy } from "./buttons.js";
import { deriveKeys, encodeBase64url, MAX_CONTENT_BYTES, seal, SECRET_BYTES } from "./envelope.js";
import { generate, strength } from "./passphrase.js";
import { watch } from "./sent-view.js";
import { create } from "./service.js";
import { duration, hush, say, size } from "./texts.js";
import * as visit from "./views.js";

/** Seconds. */
const LIVES = [300, 3_600, 8 * 3_600, 24 * 3_600];

/** @type {{ data: import("./envelope.js").Bytes, name: string, mediaType: string } | null} */
let file = null;

/** Make the form work; once. */
export function startWriting() {
  const { text, file: picker, drop } = elements;
  elements["write-form"].addEventListener("submit", (/** @type {Event} */ event) => {
    event.preventDefault();
    whileBusy(elements.create, "write.busy", send);
  });
  text.addEventListener("input", showSize);
  elements.attach.addEventListener("click", () => picker.click());
  picker.addEventListener("change", () => attach(picker.files));
  elements["remove-file"].addEventListener("click", () => {
    detach();
    text.focus();
  });
  text.addEventListener("paste", (/** @type {ClipboardEvent} */ event) => takeFiles(event, event.clipboardData));
  document.addEventListener("dragover", (event) => {
    if (!hasFiles(event.dataTransfer)) return;
    event.preventDefault();
    drop.classList.add("over");
  });
  document.addEventListener("dragleave", () => drop.classList.remove("over"));
  document.addEventListener("drop", (event) => {
    drop.classList.remove("over");
    takeFiles(event, event.dataTransfer);
  });
  const { "new-passphrase": passphrase, "show-new-passphrase": showButton } = elements;
  uncovers(showButton, passphrase);
  passphrase.addEventListener("input", showStrength);
  elements.generate.addEventListener("click", () => {
    passphrase.value = generate();
    cover(showButton, passphrase, false);
    showStrength();
  });
  offerLives();
  document.addEventListener("spoken", () => {
    offerLives();
    showSize();
  });
}

/** Show the empty form. */
export function write() {
  clear();
  show("write");
}

function clear() {
  elements["write-form"].reset();
  cover(elements["show-new-passphrase"], elements["new-passphrase"]);
  detach();
  showStrength();
  calm(elements["write-problem"], elements.text, elements.reads);
}

/** The lives that this service allows, as buttons; the longest up to a day is chosen. */
function offerLives() {
  const most = Number(document.documentElement.dataset.maxTtl);
  const lives = LIVES.filter((life) => life <= most);
  if (most > LIVES[LIVES.length - 1] || !lives.length) lives.push(most);
  const chosen = Number(
    elements.life.querySelector("input:checked")?.value ??
      Math.max(...lives.filter((life) => life <= 86_400), lives[0]),
  );
  elements.life.replaceChildren(
    ...lives.map((life) => {
      const label = document.createElement("label");
      const input = Object.assign(document.createElement("input"), {
        type: "radio",
        name: "life",
        value: life,
        defaultChecked: life === chosen,
      });
      label.append(input, duration(life));
      return label;
    }),
  );
}

/** Text that is dropped or pasted is the field's own business. */
function takeFiles(/** @type {Event} */ event, /** @type {DataTransfer | null} */ data) {
  if (!data || !hasFiles(data) || data.types.includes("text/plain")) return; // a spreadsheet adds a picture to its text
  event.preventDefault(); // or the browser would open the file
  if (!elements.write.hidden) attach(data.files);
}

function hasFiles(/** @type {DataTransfer | null} */ data) {
  return data?.types.includes("Files") ?? false;
}

async function attach(/** @type {FileList} */ files) {
  const problem = elements["write-problem"];
  calm(problem, elements.text);
  if (files.length === 0) return;
  if (files.length > 1) return complain(problem, "problem.one-file");
  const [chosen] = files;
  if (chosen.size > MAX_CONTENT_BYTES) return complainOfSize(chosen.size);
  try {
    const data = new Uint8Array(await chosen.arrayBuffer());
    file = { data, name: chosen.name, mediaType: chosen.type || "application/octet-stream" };
  } catch {
    return complain(problem, "problem.unreadable"); // a folder, say
  }
  elements["file-name"].textContent = plainName(chosen.name);
  showSize();
  elements["remove-file"].focus();
}

function detach() {
  file = null;
  elements.file.value = "";
  showSize();
}

function showSize() {
  const { text, attached, attach: button, size: place } = elements;
  attached.hidden = !file;
  text.hidden = button.hidden = Boolean(file);
  if (file) elements["file-size"].textContent = size(file.data.length);
  const bytes = new TextEncoder().encode(text.value).length;
  if (file || bytes < MAX_CONTENT_BYTES / 2) hush(place);
  else say(place, "write.size", { size: size(bytes), most: size(MAX_CONTENT_BYTES) });
}

function showStrength() {
  const { value } = elements["new-passphrase"];
  const { strength: place } = elements;
  place.dataset.strength = value ? strength(value) : "";
  if (value) say(place, `strength.${place.dataset.strength}`);
  else hush(place);
}

function complainOfSize(/** @type {number} */ bytes) {
  const values = { size: size(bytes), most: size(MAX_CONTENT_BYTES) };
  complain(elements["write-problem"], "problem.too-large", values, file ? undefined : elements.text);
}

async function send() {
  const { text, reads, "write-problem": problem } = elements;
  const passphrase = elements["new-passphrase"].value; // as it is now: it may be another one when the answer comes
  const isHere = visit.current();
  calm(problem, text, reads);
  const content = file ?? { data: new TextEncoder().encode(text.value) };
  if (!file && !text.value) return complain(problem, "problem.empty", {}, text);
  if (content.data.length > MAX_CONTENT_BYTES) return complainOfSize(content.data.length);
  if (!reads.checkValidity()) return complain(problem, "problem.reads", {}, reads);
  const secret = crypto.getRandomValues(new Uint8Array(SECRET_BYTES));
  const keys = await deriveKeys(secret, passphrase);
  const link = `${location.origin}/#${encodeBase64url(secret)}`;
  const limits = { ttl: Number(elements.life.querySelector("input:checked").value), reads: Number(reads.value) };
  try {
    const expiresAt = await create(keys, await seal(content, keys), limits);
    visit.begin(); // wherever the sender has gone meanwhile: the link must not get lost
    watch({ keys, link, passphrase, reads: limits.reads, expiresAt });
    clear(); // what was written is not left lying in the page
  } catch (error) {
    if (isHere()) explain(problem, error);
  }
}
