// Whether this browser can do what opening a message takes. That is tried before a message is read, with a sample.

import { deriveKeys, SECRET_BYTES, seal, unseal } from "./envelope.js";

const SAMPLE = { data: new Uint8Array([0, 255]), name: "sample", mediaType: "text/plain", note: "ž" };

export async function canOpenMessages() {
  try {
    const keys = await deriveKeys(crypto.getRandomValues(new Uint8Array(SECRET_BYTES)), "");
    const content = await unseal(await seal(SAMPLE, keys), keys);
    const { data, name, note } = /** @type {import("./envelope.js").Content} */ (content);
    return `${data}${name}${note}` === `${SAMPLE.data}${SAMPLE.name}${SAMPLE.note}`;
  } catch {
    return false;
  }
}
