// Opens the envelope of a question.

import { BadEnvelope, unseal } from "./envelope.js";

/**
 * The text of a question; raises BadEnvelope for what is none.
 *
 * @param {string} envelope
 * @param {import("./ask-keys.js").AnswerKeys} keys
 */
export async function readQuestion(envelope, keys) {
  const content = await unseal(envelope, keys);
  if ("files" in content || content.name !== undefined) throw new BadEnvelope("damaged");
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(content.data);
}
