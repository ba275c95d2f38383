// Bytes as text, bytes joined, and texts cut.

/** @typedef {Uint8Array<ArrayBuffer>} Bytes */

/** @param {Bytes} bytes */
export function encodeBase64url(bytes) {
  const characters = Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
  return btoa(characters).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** Decode canonical base64url without padding; null for any other text. @param {string} text */
export function decodeBase64url(text) {
  if (!/^[A-Za-z0-9_-]*$/.test(text) || text.length % 4 === 1) return null;
  const characters = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  const bytes = Uint8Array.from(characters, (character) => character.charCodeAt(0));
  return encodeBase64url(bytes) === text ? bytes : null;
}

export function concatenate(/** @type {(Bytes | number[])[]} */ ...parts) {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}

/**
 * A text without the characters of a set at its end. A regular expression would look again from each of them: a text with
 * many would take minutes.
 *
 * @param {string} text
 * @param {string} set
 */
export function withoutEnd(text, set) {
  let end = text.length;
  while (end && set.includes(text[end - 1])) end--;
  return text.slice(0, end);
}
