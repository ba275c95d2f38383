// What is left of a link that was damaged on its way. vectors/links.json has the damages that must not matter;
// crypt_api/client/links.py does the same for the Python client.

/** 16 bytes in base64url: the last character has only two bits. */
const MESSAGE_SECRET = "[A-Za-z0-9_-]{21}[AQgw]";
/** A message's secret; that of an asker's own link; or the public key in the link that an asker sends, 32 bytes. */
const SECRET = new RegExp(
  `^[^A-Za-z0-9_-]*((?:ask[.])?${MESSAGE_SECRET}|answer[.][A-Za-z0-9_-]{42}[AEIMQUYcgkosw048])[_-]*(?![A-Za-z0-9_-])`,
);
const KEPT_LINK = new RegExp(`#ask[.]${MESSAGE_SECRET}(?![A-Za-z0-9_-])`);
const MAX_ESCAPES = 3; // a gateway behind a gateway makes %2523 of %23

/**
 * The secret in a link; null if there is none, or not all of it. A `#` may have become %23, or got lost: then the
 * secret is in the path. Before that of a question stands `ask.` or `answer.`, which is a part of the result.
 *
 * @param {string} link
 * @returns {string | null}
 */
export function secretIn(link) {
  const [address, ...fragment] = unescape(link).split("#");
  const path = address.replace(/^.*?:\/\/[^/?]*/s, "");
  return SECRET.exec(fragment.length ? fragment.join("#") : path)?.[1] ?? null;
}

/** Whether a query has a link in it of which too little is left. The # of a link has a slash before it, or has lost it. */
export function hasCutLink(/** @type {string} */ query) {
  return /\/#|[?&=]#[A-Za-z0-9_-]/.test(unescape(query));
}

/** Whether a text has an asker's own link in it, which opens the answer. @param {string} text */
export function hasKeptLink(text) {
  return KEPT_LINK.test(unescape(text));
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
