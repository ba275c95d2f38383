// What is sealed of what a sender has written and attached: a message alone, or a list of files that are sent beside it.

import { askFileLimits, readBytes } from "./attachments.js";
import { concatenate } from "./encoding.js";
import { ContentTooLarge, MAX_CONTENT_BYTES } from "./envelope.js";
import { listFields, MAX_PART_BYTES, totalBytes } from "./manifest.js";
import { Unreachable } from "./service.js";

/** @typedef {import("./attachments.js").Attachment} Attachment */
/**
 * What the form has when it is sent.
 *
 * @typedef {object} Draft
 * @property {string} text
 * @property {Attachment[]} files
 * @property {string} passphrase
 * @property {string} token
 * @property {number} ttl seconds
 * @property {number} reads
 * @property {string} [notify] the reference for the service's webhook
 */
/** @typedef {import("./envelope.js").Content | import("./manifest.js").Manifest} Sealable */

const KEY_BYTES = 32;
/** The module that sends files, and those that it alone needs. */
const SENDING_MODULES = ["sending-view", "upload", "part-requests", "parts", "progress"];
const utf8 = new TextEncoder();

/** Bytes of the text and of all files. @param {{ text: string, files: readonly Attachment[] }} draft */
export function draftBytes({ text, files }) {
  return utf8.encode(text).length + totalBytes(files);
}

/** Whether a message has room for all of it. @param {Draft} draft */
export function fitsMessage(draft) {
  const list = draft.files.length > 1 ? listBytes({ files: draft.files, note: "", inline: new Uint8Array() }) : 0;
  return draftBytes(draft) + list <= MAX_CONTENT_BYTES;
}

/** Whether a message has room for the text and the list of files. @param {Draft} draft */
export function fitsWithoutFiles({ text, files }) {
  const place = { key: new Uint8Array(KEY_BYTES), partBytes: MAX_PART_BYTES, sole: false };
  const list = files.length ? listBytes({ files, note: "", inline: new Uint8Array(), ...place }) : 0;
  return utf8.encode(text).length + list <= MAX_CONTENT_BYTES;
}

/**
 * What is sealed, and how many seconds it may live. Files that do not fit the message are sent now.
 *
 * @param {Draft} draft
 * @returns {Promise<{ content: Sealable, ttl: number }>}
 */
export async function compose(draft) {
  const { text: note, files, reads, ttl, token } = draft;
  if (!files.length) return { content: { data: utf8.encode(note) }, ttl };
  if (!fitsMessage(draft)) {
    const limits = await askFileLimits();
    if (!limits) throw new ContentTooLarge();
    const { sendFiles } = await loadSendingView();
    const { key, partBytes, ttl: left } = await sendFiles(files, limits, { ttl, token });
    return { content: { files, note, inline: new Uint8Array(), key, partBytes, sole: reads === 1 }, ttl: left };
  }
  const data = await Promise.all(files.map((file) => readBytes(file, 0, file.bytes)));
  if (files.length > 1) return { content: { files, note, inline: concatenate(...data) }, ttl };
  const [{ name, mediaType }] = files;
  return { content: { data: data[0], name, mediaType, note }, ttl };
}

/**
 * The module is not part of the first view: most messages are texts. All that it needs is fetched before it is imported,
 * since a browser never asks again for a module that did not arrive once: the sender could not try again.
 */
async function loadSendingView() {
  try {
    await Promise.all(SENDING_MODULES.map(fetchModule));
    return await import("./sending-view.js");
  } catch {
    throw new Unreachable("none");
  }
}

async function fetchModule(/** @type {string} */ name) {
  const response = await fetch(`/-/${name}.js`);
  if (!response.ok) throw new Error(name);
  await response.arrayBuffer();
}

function listBytes(/** @type {import("./manifest.js").Manifest} */ manifest) {
  return utf8.encode(JSON.stringify(listFields(manifest))).length;
}
