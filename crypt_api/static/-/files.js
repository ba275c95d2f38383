// Files that are sent or saved.

import { withoutEnd } from "./encoding.js";

const MEDIA_TYPE = "application/octet-stream";
const utf8 = new TextEncoder();

/** Characters that mislead the eye, lead to another folder, or are forbidden by Windows. */
const FORBIDDEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}<>:"/\\|?*]/gu;
/** Windows' names of devices, with whatever stands behind a dot; and what commands take for an option. */
const RESERVED = /^(?:-|(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9¹²³]) *(?:[.]|$))/i;
const MAX_NAME_BYTES = 255; // of most file systems

/** The name under which a file can be saved anywhere; vectors/file-names.json has examples. @param {string} name */
export function safeFileName(name) {
  const visible = withoutEnd(name.replace(FORBIDDEN, "_"), ". ");
  return shortened(RESERVED.test(visible) ? `_${visible}` : visible) || "file";
}

/** A name of at most 255 bytes: what stands before its extension gets shorter. */
function shortened(/** @type {string} */ name) {
  const extension = /[.][^. ]{1,20}$/.exec(name)?.[0] ?? "";
  const stem = [...name.slice(0, name.length - extension.length)].slice(0, MAX_NAME_BYTES);
  while (utf8.encode(stem.join("") + extension).length > MAX_NAME_BYTES) stem.pop();
  return stem.join("") + extension;
}

/**
 * Let the browser save bytes as a file. Their media type keeps the browser from showing them as a page of this site.
 *
 * @param {(import("./envelope.js").Bytes | Blob)[]} pieces
 * @param {string} name
 */
export function saveFile(pieces, name) {
  const link = document.createElement("a");
  link.href = addressOf(pieces);
  link.download = name;
  link.click();
  setTimeout(() => link.href.startsWith("blob:") && URL.revokeObjectURL(link.href), 60_000);
}

/** An address of the bytes, for this page alone; in a browser that makes none, an address that has them in itself. */
function addressOf(/** @type {(import("./envelope.js").Bytes | Blob)[]} */ pieces) {
  try {
    return URL.createObjectURL(new Blob(pieces, { type: MEDIA_TYPE }));
  } catch (error) {
    const [data] = pieces;
    if (pieces.length > 1 || data instanceof Blob) throw error; // only a small file fits an address
    const characters = Array.from(data, (byte) => String.fromCharCode(byte)).join("");
    return `data:${MEDIA_TYPE};base64,${btoa(characters)}`;
  }
}
