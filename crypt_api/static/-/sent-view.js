// The sender's view: the link, and what has become of the message.

import { calm, copies, elements, explain, isBusy, show, whileBusy } from "./buttons.js";
import { draw } from "./qr.js";
import { destroy, status } from "./service.js";
import { say, text } from "./texts.js";

/** Milliseconds between two looks at the receipt: more and more, as a page may be left open for a day. */
const FIRST_PAUSE = 2_000;
const LAST_PAUSE = 30_000;

/**
 * @typedef {object} Sent
 * @property {import("./envelope.js").Keys} keys
 * @property {string} link
 * @property {string} passphrase empty if there is none
 * @property {number} reads
 * @property {Date} expiresAt
 */

/** @type {Sent | null} */
let sent = null;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;
let pause = FIRST_PAUSE;
/** Whether nothing can become of it any more. Its receipt is gone in the end, too. */
let isOver = false;

/** Make the view's buttons work; once. */
export function startWatching() {
  copies(elements["copy-link"], () => sent?.link ?? "");
  copies(elements["copy-passphrase"], () => sent?.passphrase ?? "");
  for (const field of [elements.link, elements["sent-passphrase"]]) {
    field.addEventListener("focus", () => field.select());
  }
  elements.share.hidden = !navigator.share;
  elements.share.addEventListener("click", () => navigator.share({ url: sent?.link }).catch(() => undefined));
  elements.destroy.addEventListener("click", () => {
    if (!isBusy(elements.destroy)) elements.keep.hidden ? ask() : destroyNow();
  });
  elements.keep.addEventListener("click", () => {
    stopAsking();
    elements.destroy.focus();
  });
  document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && look());
  document.addEventListener("spoken", nameSymbol);
}

/** Show what was sent, and follow it. @param {Sent} what */
export function watch(what) {
  sent = what;
  pause = FIRST_PAUSE;
  isOver = false;
  elements.link.value = sent.link;
  elements["sent-passphrase"].value = sent.passphrase;
  elements["sent-passphrase-field"].hidden = !sent.passphrase;
  elements.qr.replaceChildren(...drawn(sent.link));
  nameSymbol();
  say(elements["sent-lede"], "sent.lede", { n: sent.reads });
  elements.destroying.hidden = false;
  stopAsking();
  calm(elements["sent-problem"]);
  tell("unread", "sent.unread");
  show("sent");
  lookLater();
}

/** Forget it: another view is shown. */
export function stopWatching() {
  clearTimeout(timer);
  sent = null;
  elements.link.value = elements["sent-passphrase"].value = "";
  elements.qr.replaceChildren();
}

/** Its picture; none if the address of this service is too long for one. @param {string} link */
function drawn(link) {
  try {
    return [draw(link)];
  } catch (error) {
    if (error instanceof RangeError) return [];
    throw error;
  }
}

function nameSymbol() {
  elements.qr.firstElementChild?.setAttribute("aria-label", text("sent.qr"));
}

function lookLater() {
  clearTimeout(timer);
  timer = setTimeout(look, pause);
  pause = Math.min(pause * 1.25, LAST_PAUSE);
}

/** Ask what has become of it; again in a while, if something may still become of it and somebody looks. */
async function look() {
  const watched = sent;
  if (!watched || isOver) return;
  try {
    const receipt = await status(watched.keys);
    if (watched !== sent) return;
    calm(elements["sent-problem"]);
    report(watched, receipt);
    isOver = !receipt?.readsLeft;
    if (isOver) return;
  } catch {
    if (watched !== sent) return;
    say(elements["sent-problem"], "sent.offline");
  }
  if (document.visibilityState === "visible") lookLater();
}

/** @param {Sent} watched @param {import("./service.js").Receipt | null} receipt */
function report({ reads }, receipt) {
  if (!receipt) tell("expired", "sent.expired");
  else if (!receipt.readsLeft) tell(receipt.state, `sent.${receipt.state}`, { at: receipt.at });
  else if (receipt.at)
    tell("some", "sent.read-some", { n: reads - receipt.readsLeft, left: receipt.readsLeft, at: receipt.at });
  else tell("unread", "sent.unread"); // as days go by, "tomorrow" becomes "today"
}

function tell(/** @type {string} */ state, /** @type {string} */ key, values = {}) {
  const isOpen = state === "unread" || state === "some";
  say(elements.state, key, values);
  elements.receipt.dataset.state = state;
  say(elements.until, isOpen ? "sent.until" : "sent.over", { until: sent?.expiresAt });
  elements.destroying.hidden = !isOpen;
}

function ask() {
  say(elements.destroy, "sent.sure");
  elements.keep.hidden = false;
}

function stopAsking() {
  say(elements.destroy, "sent.destroy");
  elements.keep.hidden = true;
}

async function destroyNow() {
  if (!sent) return;
  const { keys } = sent;
  stopAsking();
  calm(elements["sent-problem"]);
  await whileBusy(elements.destroy, "sent.destroying", async () => {
    try {
      await destroy(keys);
      await look();
      if (isOver) elements.state.focus();
    } catch (error) {
      explain(elements["sent-problem"], error);
    }
  });
}
