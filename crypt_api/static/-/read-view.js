// The reader's view: what waits behind a link, and, once it is asked for, the message.

import {
  calm,
  complain,
  copies,
  cover,
  elements,
  explain,
  plainName,
  save,
  show,
  uncovers,
  whileBusy,
} from "./buttons.js";
import { BadEnvelope, decodeBase64url, deriveKeys, encodeBase64url, SECRET_BYTES, unseal } from "./envelope.js";
import * as reading from "./read-lease.js";
import { destroy, read, Refused, status, Unreachable } from "./service.js";
import { say, size } from "./texts.js";
import * as visit from "./views.js";

/** What the link's fragment says. */
let secret = "";
/** The reader's name for this one read. */
let nonce = "";
/** Whether the message was asked for before a reload: it may be held for the nonce. */
let isResumed = false;
/** @type {{ content: import("./envelope.js").Content, keys: import("./envelope.js").Keys } | null} */
let opened = null;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;

/** Make the views' buttons work; once. */
export function startReading() {
  elements["read-form"].addEventListener("submit", (/** @type {Event} */ event) => {
    event.preventDefault();
    whileBusy(elements.reveal, "read.busy", take);
  });
  uncovers(elements["show-passphrase"], elements.passphrase);
  copies(elements["copy-content"], () => elements.content.textContent);
  elements.save.addEventListener(
    "click",
    () => opened && save(opened.content.data, plainName(opened.content.name ?? "message.txt")),
  );
  elements.done.addEventListener("click", close);
  elements.retry.addEventListener("click", () => location.reload());
}

/** Show what waits behind a link, or what was read by it within the last minute. @param {string} fragment */
export async function open(fragment) {
  const bytes = decodeBase64url(fragment);
  if (bytes?.length !== SECRET_BYTES) return gone("link");
  secret = fragment;
  const kept = reading.nonceOf(secret);
  isResumed = kept !== null;
  nonce = kept ?? encodeBase64url(crypto.getRandomValues(new Uint8Array(16)));
  prepare();
  await (isResumed ? take() : look());
}

/** Wipe what was shown: another view is to come. */
export function forgetReading() {
  clearTimeout(timer);
  opened = null;
  for (const id of ["content", "content-name", "content-size"]) elements[id].textContent = "";
  elements.passphrase.value = "";
}

function prepare() {
  cover(elements["show-passphrase"], elements.passphrase);
  elements["passphrase-field"].hidden = true;
  calm(elements["read-problem"], elements.passphrase);
}

/** Find out what has become of the message. */
async function look() {
  const isHere = visit.current();
  try {
    const receipt = await status(await deriveKeys(bytesOf(secret)));
    if (!isHere()) return;
    if (!receipt) gone("missing");
    else if (!receipt.readsLeft) gone(receipt.state, { at: receipt.at });
    else offer(receipt);
  } catch (error) {
    if (!(error instanceof Unreachable || error instanceof Refused)) throw error;
    if (isHere()) gone("unreachable");
  }
}

/** @param {import("./service.js").Receipt} receipt */
function offer({ passphrase, readsLeft, expiresAt }) {
  const values = { n: readsLeft, until: expiresAt };
  say(elements["read-lede"], readsLeft > 1 ? "read.lede-more" : "read.lede", values);
  elements["passphrase-field"].hidden = !passphrase;
  show("read");
}

/** Take the message and show it. */
async function take() {
  const { passphrase, "read-problem": problem } = elements;
  calm(problem, passphrase);
  if (!elements["passphrase-field"].hidden && !passphrase.value) return askForPassphrase("read.needs-passphrase");
  const isHere = visit.current();
  const asked = { secret, nonce };
  const keys = await deriveKeys(bytesOf(secret), passphrase.value);
  if (!isHere()) return; // and nothing was read
  reading.remember(secret, nonce);
  try {
    const content = await unseal(await read(keys, nonce), keys);
    // Wherever the reader has gone meanwhile: this is the last copy, and is shown.
    visit.begin();
    ({ secret, nonce } = asked);
    present(content, keys);
  } catch (error) {
    if (!isHere()) return;
    if (error instanceof BadEnvelope) gone(error.message === "version" ? "version" : "damaged");
    else if (error instanceof Refused) await refused(error);
    else if (error instanceof Unreachable) explainHere(error);
    else throw error;
  }
}

/** @param {Refused} error */
async function refused(error) {
  if (error.status === 429) return explainHere(error); // perhaps an earlier answer was lost, and it is held
  if (!isResumed) reading.forget(); // nothing is held, so the minute has not begun
  if (error.status === 401) return askForPassphrase("read.needs-passphrase");
  if (error.status === 403 && error.triesLeft) return askForPassphrase("read.wrong-passphrase", { n: error.triesLeft });
  reading.forget();
  isResumed = false;
  await look(); // somebody was faster, or that was the tenth passphrase: the receipt knows
}

function askForPassphrase(/** @type {string} */ key, values = {}) {
  elements["passphrase-field"].hidden = false;
  showAgain();
  complain(elements["read-problem"], key, values, elements.passphrase);
  elements.passphrase.select();
}

/** @param {unknown} error */
function explainHere(error) {
  showAgain();
  explain(elements["read-problem"], error);
}

/** After a reload, the view is not there yet. */
function showAgain() {
  if (!elements.read.hidden) return;
  say(elements["read-lede"], "read.again");
  show("read");
}

/** @param {import("./envelope.js").Content} content @param {import("./envelope.js").Keys} keys */
function present(content, keys) {
  history.replaceState(null, "", "/"); // the secret leaves the address bar
  elements.passphrase.value = "";
  opened = { content, keys };
  const { name, data } = content;
  const isFile = name !== undefined;
  elements.content.hidden = elements["copy-content"].hidden = isFile;
  elements["content-file"].hidden = !isFile;
  elements.save.className = isFile ? "main" : "second";
  if (isFile) {
    elements["content-name"].textContent = plainName(name);
    elements["content-size"].textContent = size(data.length);
  } else {
    elements.content.textContent = new TextDecoder("utf-8", { ignoreBOM: true }).decode(data);
  }
  say(elements["message-lede"], "message.lede");
  show("message");
  timer = setTimeout(() => say(elements["message-lede"], "message.last"), reading.millisecondsLeft());
}

/** The reader has it: nothing of it need be kept, neither here nor there. */
function close() {
  reading.forget();
  if (opened) destroy(opened.keys, nonce).catch(() => undefined); // else it ends by itself
  forgetReading();
  gone("closed");
}

/** @param {string} why */
export function gone(why, values = {}) {
  say(elements["gone-title"], `gone.${why}.title`);
  say(elements["gone-lede"], `gone.${why}.lede`, values);
  elements.retry.hidden = why !== "unreachable";
  show("gone");
}

function bytesOf(/** @type {string} */ text) {
  return /** @type {import("./envelope.js").Bytes} */ (decodeBase64url(text));
}
