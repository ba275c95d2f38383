// The files of a message that was read: their list, and how they are fetched and saved. It is loaded before a message is
// read, and not with the first view.

import { attempt } from "./attempt.js";
import { whileBusy } from "./buttons.js";
import { Download } from "./download.js";
import { elements } from "./elements.js";
import { BadEnvelope } from "./envelope.js";
import { clearError, showError, showFailure } from "./field-errors.js";
import { safeFileName, saveFile } from "./files.js";
import { forgetFiles, keepFiles } from "./kept-files.js";
import { Progress } from "./progress.js";
import { isTooLargeToKeep, keptTarget, MAX_KEPT_BYTES, pickTarget, pickTargets } from "./saving.js";
import { Cancelled, isMissing } from "./service.js";
import { formatSize, setText } from "./texts.js";

/** @typedef {Uint8Array<ArrayBuffer>} Bytes */
/** @typedef {import("./envelope.js").Content} Content */
/** @typedef {import("./manifest.js").Manifest} Manifest */
/** @typedef {import("./saving.js").Target} Target */
/** @typedef {{ name: string, mediaType: string, bytes: number }} Listed */
/** @typedef {Listed & { number: number, start: number, isSaved: boolean, copy?: Blob }} Entry */

/** The files of one message, shown in its view. */
export class ReceivedFiles {
  /** @param {Content | Manifest} content @param {() => void} onSaved is called when a file was saved */
  constructor(content, onSaved) {
    const files =
      "files" in content
        ? content.files
        : [{ name: content.name ?? "", mediaType: content.mediaType ?? "", bytes: content.data.length }];
    let start = 0;
    /** @type {Entry[]} */
    this.entries = [];
    for (const [number, file] of files.entries()) {
      this.entries.push({ ...file, number, start, isSaved: false });
      start += file.bytes;
    }
    this.manifest = "files" in content && content.key ? content : null;
    this.inline = "files" in content ? content.inline : content.data;
    this.download = this.manifest && new Download(this.manifest);
    this.onSaved = onSaved;
    this.controller = new AbortController();
    /** Files whose transfer was asked for, and is not over. @type {Set<Entry>} */
    this.wanted = new Set();
    /** The end of what is under way: one file is fetched after the other. @type {Promise<unknown>} */
    this.queue = Promise.resolve();
  }

  get areAllSaved() {
    return this.entries.every(({ isSaved }) => isSaved);
  }

  /** Show the list. */
  draw() {
    const list = elements["content-files"];
    list.textContent = "";
    for (const entry of this.entries) list.appendChild(this.item(entry));
    elements.download.hidden = true;
    attempt(() => clearError(elements["download-problem"]));
    if (this.entries.some(isTooLargeToKeep))
      showError(elements["download-problem"], "message.large", { most: formatSize(MAX_KEPT_BYTES) });
  }

  /** Remove the files from the page; whatever is under way ends. */
  clear() {
    this.controller.abort();
    elements["content-files"].textContent = "";
    elements["files-card"].hidden = elements.download.hidden = true;
    attempt(() => clearError(elements["download-problem"]));
  }

  /** Keep in this tab what a reload needs; false if there is nothing to keep, or the browser keeps nothing. */
  keep() {
    const numbers = (/** @type {Iterable<Entry>} */ entries) => [...entries].map(({ number }) => number);
    const saved = numbers(this.entries.filter(({ isSaved }) => isSaved));
    return this.manifest !== null && keepFiles({ manifest: this.manifest, saved, wanted: numbers(this.wanted) });
  }

  /** Go on after a reload. @param {import("./kept-files.js").KeptFiles} kept */
  resume({ saved, wanted }) {
    for (const number of saved) this.markSaved(this.entries[number]);
    for (const number of wanted) this.transfer(this.entries[number], keptTarget(this.entries[number]));
  }

  /** Nobody needs what lies on the service any more, if it was for this reader alone. */
  deleteParts() {
    forgetFiles();
    if (this.manifest?.sole) this.download?.deleteAll().catch(() => undefined); // or they expire
  }

  /** Save all that is not saved; if that is nothing, all again. */
  async saveAll() {
    const unsaved = this.entries.filter(({ isSaved }) => !isSaved);
    const entries = unsaved.length && !this.inline.length ? unsaved : this.entries;
    if (!this.download) return entries.forEach((entry) => this.saveInline(entry));
    const [copied, others] = [entries.filter(({ copy }) => copy), entries.filter(({ copy }) => !copy)];
    for (const entry of copied) this.saveCopy(entry);
    if (!others.length || (!unsaved.length && copied.length)) return;
    await this.try(async () => {
      if (others.length === 1) return this.transfer(others[0], await pickTarget(others[0]));
      const targetOf = await pickTargets(others);
      await Promise.all(others.map((entry) => this.transfer(entry, null, targetOf)));
    });
  }

  async save(/** @type {Entry} */ entry) {
    if (!this.download) return this.saveInline(entry);
    if (entry.copy) return this.saveCopy(entry);
    await this.try(async () => this.transfer(entry, await pickTarget(entry)));
  }

  /** A click of the reader's that may be answered with no place to save to. */
  async try(/** @type {() => Promise<void>} */ work) {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof Cancelled)) throw error;
    }
  }

  /** Once more: the first time, the browser may have saved nothing. */
  saveCopy(/** @type {Entry} */ { copy, name }) {
    saveFile([/** @type {Blob} */ (copy)], safeFileName(name));
  }

  saveInline(/** @type {Entry} */ entry) {
    saveFile([this.inline.subarray(entry.start, entry.start + entry.bytes)], safeFileName(entry.name));
    this.markSaved(entry);
  }

  /**
   * Fetch a file and save it, when its turn comes.
   *
   * @param {Entry} entry
   * @param {Target | null} target
   * @param {(entry: Entry) => Promise<Target>} [makeTarget]
   */
  async transfer(entry, target, makeTarget) {
    if (this.wanted.has(entry)) return;
    this.wanted.add(entry);
    this.keep();
    const turn = this.queue.then(async () => {
      const place = target ?? (await makeTarget?.(entry));
      if (place) await this.fetchTo(entry, place);
    });
    this.queue = turn.catch(() => undefined);
    try {
      await turn;
      this.markSaved(entry);
    } catch (error) {
      if (!this.controller.signal.aborted) attempt(() => showTransferFailure(error));
    } finally {
      this.wanted.delete(entry);
      if (!this.controller.signal.aborted && this.manifest && !this.areAllSaved) this.keep();
    }
  }

  async fetchTo(/** @type {Entry} */ entry, /** @type {Target} */ target) {
    const { start, bytes } = entry;
    clearError(elements["download-problem"]);
    elements.download.hidden = false;
    const progress = new Progress("download", bytes);
    try {
      for await (const piece of this.pieces(start, bytes, progress)) await target.write(piece);
      await target.close();
      entry.copy = target.copy;
    } catch (error) {
      await target.abort();
      throw error;
    } finally {
      elements.download.hidden = true;
    }
  }

  /** @param {number} start @param {number} bytes @param {Progress} [progress] */
  pieces(start, bytes, progress) {
    const watcher = {
      signal: this.controller.signal,
      onBytes: (/** @type {number} */ done) => progress?.show(done),
      onWait: (/** @type {import("./part-requests.js").Wait | null} */ wait) => progress?.wait(wait),
    };
    return /** @type {Download} */ (this.download).pieces(start, bytes, watcher);
  }

  /** A file's bytes, to be shown. @param {Entry} entry */
  async bytesOf({ start, bytes }) {
    if (!this.download) return new Blob([this.inline.subarray(start, start + bytes)]);
    const pieces = [];
    for await (const piece of this.pieces(start, bytes)) pieces.push(piece);
    return new Blob(pieces);
  }

  markSaved(/** @type {Entry} */ entry) {
    if (this.controller.signal.aborted) return;
    entry.isSaved = true;
    attempt(() => setText(elements["content-files"].children[entry.number].querySelector(".state"), "message.saved"));
    if (this.areAllSaved) this.deleteParts();
    this.onSaved();
  }

  /** A file in the list. With several, each has a button that saves it. @param {Entry} entry */
  item(entry) {
    const item = document.createElement("li");
    item.className = "attached";
    const text = item.appendChild(document.createElement("p"));
    const name = text.appendChild(document.createElement("strong"));
    Object.assign(name, {
      id: `content-name-${entry.number}`,
      className: "notranslate",
      translate: false,
      dir: "auto",
    });
    name.textContent = safeFileName(entry.name);
    text.appendChild(document.createTextNode(" "));
    const size = text.appendChild(document.createElement("span"));
    attempt(() => (size.textContent = formatSize(entry.bytes)));
    text.appendChild(document.createTextNode(" "));
    text.appendChild(document.createElement("span")).className = "state";
    if (this.entries.length > 1) item.appendChild(this.button(entry, name.id));
    return item;
  }

  button(/** @type {Entry} */ entry, /** @type {string} */ nameId) {
    const button = document.createElement("button");
    button.className = "quiet";
    button.setAttribute("aria-describedby", nameId);
    attempt(() => setText(button, "message.save"));
    button.addEventListener("click", () => whileBusy(button, "message.saving", () => this.save(entry)));
    return button;
  }
}

function showTransferFailure(/** @type {unknown} */ error) {
  const place = elements["download-problem"];
  if (isMissing(error) || error instanceof BadEnvelope) showError(place, "message.part-missing");
  else if (error instanceof DOMException) showError(place, "message.not-written", { reason: error.message });
  else showFailure(place, error);
}
