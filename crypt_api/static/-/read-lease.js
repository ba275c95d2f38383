// Keeps, in this tab and for a minute, what a reload needs to get the message once more: the secret, and the nonce
// that the service knows the reader by.

import { keep, recall } from "./storage.js";

const STORED = "reading";
const MINUTE = 60_000; // milliseconds: the service holds a message that long for its reader's nonce

/** @typedef {{ secret: string, nonce: string, until: number }} Reading */

/** The reading is about to begin, or is asked for again. @param {string} secret @param {string} nonce */
export function remember(secret, nonce) {
  const reading = { secret, nonce, until: Date.now() + MINUTE };
  if (nonceOf(secret) !== nonce) keep("sessionStorage", STORED, JSON.stringify(reading));
  setTimeout(load, millisecondsLeft()); // which forgets what is over
}

export function forget() {
  keep("sessionStorage", STORED, null);
}

/** The nonce that a message was asked for with, within the last minute. @param {string} secret */
export function nonceOf(secret) {
  const reading = load();
  return reading?.secret === secret ? reading.nonce : null;
}

/** The secret of the message that was asked for within the last minute. */
export function lastSecret() {
  return load()?.secret ?? null;
}

export function millisecondsLeft() {
  return Math.max(0, (load()?.until ?? 0) - Date.now());
}

/** @returns {Reading | null} */
function load() {
  const reading = JSON.parse(recall("sessionStorage", STORED) ?? "null");
  if (reading && reading.until > Date.now()) return reading;
  forget();
  return null;
}
