// The view of a sender whose files are on their way. It is loaded when files are sent that do not fit a message.

import { elements } from "./elements.js";
import { askBeforeLeaving } from "./leaving.js";
import { totalBytes } from "./manifest.js";
import { Progress } from "./progress.js";
import { contentOfPart, sendParts } from "./upload.js";
import { showView } from "./views.js";

/** @typedef {import("./attachments.js").Attachment} Attachment */
/** @typedef {import("./upload.js").SentParts} SentParts */

/** Seconds by which every part outlives its message: the last reader has that long to fetch them. */
const TIME_TO_FETCH = 3_600;

/**
 * What was sent last, in case that the message itself could not be sent.
 * @type {{ files: Attachment[], ttl: number, begunAt: number, parts: SentParts } | null}
 */
let last = null;

askBeforeLeaving("sending", () => "leave.sending");
document.addEventListener("viewleft", () => (last = null)); // the message was sent, too, or never will be

/**
 * Show how the files are sent, with a way to cancel.
 *
 * @param {Attachment[]} files
 * @param {{ partBytes: number, extraTtl: number }} limits the service's
 * @param {{ ttl: number, token: string }} options
 * @returns {Promise<SentParts & { ttl: number }>} `ttl` is the longest that the message may live now
 */
export async function sendFiles(files, { partBytes, extraTtl }, { ttl, token }) {
  const isSent =
    last?.ttl === ttl && files.length === last.files.length && files.every((file, n) => file === last?.files[n]);
  if (!last || !isSent)
    last = { files, ttl, begunAt: Date.now(), parts: await send(files, partBytes, ttl + extraTtl, token) };
  const spare = extraTtl - TIME_TO_FETCH - (Date.now() - last.begunAt) / 1_000; // an upload may take hours
  return { ...last.parts, ttl: Math.floor(ttl + Math.min(0, spare)) };
}

/** @param {Attachment[]} files @param {number} sealedBytes @param {number} ttl @param {string} token */
async function send(files, sealedBytes, ttl, token) {
  const controller = new AbortController();
  const cancel = () => controller.abort();
  const progress = new Progress("upload", totalBytes(files));
  elements["cancel-upload"].addEventListener("click", cancel);
  document.addEventListener("viewleft", cancel);
  showView("sending");
  /** @type {Record<string, string>} */
  const headers = { TTL: String(ttl), ...(token ? { Authorization: `Bearer ${token}` } : {}) };
  try {
    return await sendParts(
      files,
      { partBytes: contentOfPart(sealedBytes), headers },
      {
        signal: controller.signal,
        onBytes: (bytes) => progress.show(bytes),
        onWait: (wait) => progress.wait(wait),
      },
    );
  } finally {
    elements["cancel-upload"].removeEventListener("click", cancel);
    document.removeEventListener("viewleft", cancel);
  }
}
