// What is left of a link that was damaged on its way. vectors/links.json has the damages that must not matter;
// crypt_api/client/links.py does the same for the Python client.

/**
 * What stands before the secret in a link's fragment: nothing in the link of a message; `ask.` in the link that an asker
 * keeps; `answer.` in the link that an asker sends.
 *
 * @typedef {"" | "ask." | "answer."} Prefix
 */

/** @type {Prefix[]} */
const PREFIXES = ["", "ask.", "answer."];
/** 16 bytes in base64url: the last character has only two bits. An asker sends 32 bytes: it has four. */
const SECRETS = {
  "": "[A-Za-z0-9_-]{21}[AQgw]",
  "ask.": "[A-Za-z0-9_-]{21}[AQgw]",
  "answer.": "[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]",
};
const MAX_ESCAPES = 3; // a gateway behind a gateway makes %2523 of %23

/**
 * The secret in a link; null if there is none, or not all of it. A `#` may have become %23, or got lost: then the
 * secret is in the path.
 *
 * @param {string} link
 * @returns {string | null}
 */
export function secretIn(link, /** @type {Prefix} */ prefix = "") {
  const [address, ...fragment] = unescape(link).split("#");
  const path = address.replace(/^.*?:\/\/[^/?]*/s, "");
  const secret = `^[^A-Za-z0-9_-]*${prefix.replace(".", "[.]")}(${SECRETS[prefix]})[_-]*(?![A-Za-z0-9_-])`;
  return new RegExp(secret).exec(fragment.length ? fragment.join("#") : path)?.[1] ?? null;
}

/** The secret in a link of any kind, with its prefix. @param {string} link */
export function findSecret(link) {
  for (const prefix of PREFIXES) {
    const secret = secretIn(link, prefix);
    if (secret) return prefix + secret;
  }
  return null;
}

/** Whether a text has an asker's own link in it, which opens the answer. @param {string} text */
export function hasKeptLink(text) {
  return new RegExp(`#ask[.]${SECRETS["ask."]}(?![A-Za-z0-9_-])`).test(unescape(text));
}

/** What a whole link looks like, for people. A broken link to an answer's question shows by its beginning what it was. */
export function exampleLink(broken = "") {
  const isAnswer = /(#|%23|\/)answer/i.test(broken);
  return `${location.origin}/#${isAnswer ? "answer.q83vASNFZ4mrze8BI0VniauN7wEjRWeJq83vASNFZ4k" : "q83vASNFZ4mrze8BI0VniQ"}`;
}

/** Undo percent-encoding; what is not percent-encoded well stays. @param {string} text */
function unescape(text) {
  for (let round = 0; round < MAX_ESCAPES; round++) {
    text = text.replace(/%([0-7][0-9a-f])/gi, (_, code) => String.fromCharCode(parseInt(code, 16)));
  }
  return text;
}
