// The view of somebody who has answered: whether the answer was read.

import { attempt } from "./attempt.js";
import { elements } from "./elements.js";
import { poll } from "./polling.js";
import { getReceipt } from "./service.js";
import { setText } from "./texts.js";
import { setFace, showView } from "./views.js";

/** @typedef {import("./ask-keys.js").AnswerKeys} AnswerKeys */
/** @typedef {import("./service.js").Receipt} Receipt */

/** The keys of the texts, by the receipt's state. @type {Record<string, string>} */
const STATES = { unread: "answered.unread", read: "answered.read" };

/** @type {Record<string, [icon: string, tone: "done" | "neutral"]>} */
const FACES = { unread: ["clock", "neutral"], read: ["check", "done"] };

/** @type {() => void} */
let stopPolling = () => undefined;

document.addEventListener("viewleft", () => stopPolling());

/** Show that the answer was sent. @param {AnswerKeys} keys @param {Date} expiresAt @param {Receipt | null} [receipt] */
export function showAnsweredView(keys, expiresAt, receipt) {
  stopPolling();
  attempt(() => history.replaceState({ isAnswered: true }, "")); // so that a reload knows who has answered
  setText(elements["answered-until"], "answered.until", { until: expiresAt });
  drawState(receipt === undefined ? "unread" : receipt?.state, receipt?.at);
  showView("answered");
  stopPolling = poll(async () => {
    const now = await getReceipt(keys).catch(() => undefined);
    if (now !== undefined) drawState(now?.state, now?.at);
    return now === undefined || now?.state === "unread";
  });
}

/** @param {string | undefined} state undefined if its time is up @param {Date | null} [at] */
function drawState(state, at) {
  setText(elements["answered-state"], STATES[state ?? ""] ?? "answered.gone", { at });
  setFace(elements["answered-face"], ...(FACES[state ?? ""] ?? ["trash", "neutral"]));
  elements["answered-until"].hidden = state !== "unread";
}
