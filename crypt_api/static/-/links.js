// What is left of a link that was damaged on its way. vectors/links.json has the damages that must not matter;
// crypt_api/client/links.py does the same for the Python client.

/** 16 bytes in base64url: the last character has only two bits. */
const SECRET = /^[^A-Za-z0-9_-]*([A-Za-z0-9_-]{21}[AQgw])[_-]*(?![A-Za-z0-9_-])/;
const MAX_ESCAPES = 3; // a gateway behind a gateway makes %2523 of %23

/**
 * The secret in a link; null if there is none, or not all of it. A `#` may have become %23, or got lost: then the
 * secret is in the path.
 *
 * @param {string} link
 * @returns {string | null}
 */
export function secretIn(link) {
  const [address, ...fragment] = unescape(link).split("#");
  const path = address.replace(/^.*?:\/\/[^/?]*/s, "");
  return SECRET.exec(fragment.length ? fragment.join("#") : path)?.[1] ?? null;
}

/** What a whole link looks like, for people. */
export function exampleLink() {
  return `${location.origin}/#q83vASNFZ4mrze8BI0VniQ`;
}

/** Undo percent-encoding; what is not percent-encoded well stays. @param {string} text */
function unescape(text) {
  for (let round = 0; round < MAX_ESCAPES; round++) {
    text = text.replace(/%([0-7][0-9a-f])/gi, (_, code) => String.fromCharCode(parseInt(code, 16)));
  }
  return text;
}
