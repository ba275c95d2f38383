// Starts the page, and shows the view that its address asks for: a fragment is the secret of a message to read, or of a
// question. The views of questions are loaded when they are needed.

import { elements } from "./elements.js";
import { showGoneView, startGoneView } from "./gone-view.js";
import { mayLeave, startLeaving } from "./leaving.js";
import { exampleLink, hasCutLink, secretIn } from "./links.js";
import { clearMessageView, resumeFiles, startMessageView } from "./message-view.js";
import { startPrinting } from "./printing.js";
import { endLease, leasedSecret } from "./read-lease.js";
import { clearReadView, openLink, startReadView } from "./read-view.js";
import { hasServiceWorkers } from "./service-workers.js";
import { startSecretFields } from "./secret-fields.js";
import { clearSentView, resumeSentView, startSentView } from "./sent-view.js";
import { startTexts } from "./texts.js";
import { leaveView, nameTab, trackView } from "./views.js";
import { showWriteView, startWriteView } from "./write-view.js";

/** What puts https in front of a server; deploy/README.md has more. */
const HTTPS_COMMAND = "docker compose --file deploy/compose.single.yaml up --detach";

async function route() {
  leaveView();
  clearSentView();
  clearReadView();
  clearMessageView();
  const secret = repairLink() ?? (isLinkMeant() ? null : leasedSecret());
  if (!isSecureContext) showGoneView("insecure", { command: HTTPS_COMMAND });
  else if (isWatched) showGoneView("workers");
  else if (secret) await follow(secret);
  else if (isLinkMeant()) showGoneView("link", { example: exampleLink(location.href) });
  else if (!(await resumeFiles()) && !(await resumeSentView()) && !(await resumeQuestion())) showWriteView();
}

/** Show what a link leads to. @param {string} secret with its prefix */
async function follow(secret) {
  const [, kind, bare] = /^(?:(ask|answer)[.])?(.*)$/.exec(secret) ?? [];
  if (kind === "ask") await (await load(() => import("./asked-view.js")))?.openAskLink(bare);
  else if (kind === "answer") await (await load(() => import("./answer-view.js")))?.openAnswerLink(bare);
  else await openLink(bare);
}

/** Show the question that this tab had shown before a reload; false if there is none. */
async function resumeQuestion() {
  if (!history.state?.asked) return false;
  await (await load(() => import("./asked-view.js")))?.resumeAskedView();
  return true;
}

/** Show the form for a question, unless somebody would lose something, and stays. */
async function ask() {
  if (!mayLeave()) return;
  history.replaceState(null, "", "/");
  leaveView();
  await (await load(() => import("./ask-view.js")))?.openAskView();
}

/**
 * Load a module that the first view does not need. If that fails, it is shown, and the result is null.
 *
 * @template T
 * @param {() => Promise<T>} load
 */
async function load(load) {
  const isCurrent = trackView();
  const module = await load().catch(() => null);
  if (!isCurrent()) return null;
  if (!module) showGoneView("unreachable");
  return module;
}

/** The secret in the page's address. It moves into the fragment, which no server gets, if it was elsewhere. */
function repairLink() {
  const secret = secretIn(location.href);
  const link = `/#${secret}`;
  if (secret && !location.href.endsWith(location.origin + link)) history.replaceState(null, "", link);
  return secret;
}

/**
 * Whether the address was a link to a message before it was damaged. A query alone, such as that of an advertisement,
 * makes no link of the page's own address, unless it has what is left of a link in it.
 */
function isLinkMeant() {
  const { pathname, search, href } = location;
  return pathname !== "/" || href.includes("#") || hasCutLink(search);
}

const isWatched = await hasServiceWorkers();
await startTexts(elements.language);
startLeaving();
startSecretFields();
startPrinting();
startWriteView();
startSentView();
startReadView();
startMessageView();
startGoneView();
for (const button of [elements.another, elements.home, elements.brand]) {
  button.addEventListener("click", (/** @type {MouseEvent} */ event) => {
    if (button.matches("a") && (event.ctrlKey || event.metaKey || event.shiftKey)) return; // a tab of its own
    event.preventDefault();
    if (!mayLeave()) return;
    endLease(); // or the address without a fragment would lead back to the message that was read
    history.replaceState(null, "", "/");
    route();
  });
}
for (const button of [elements["to-ask"], elements["another-question"]]) button.addEventListener("click", ask);
for (const button of [elements["to-write"], elements["from-answered"]]) {
  button.addEventListener("click", () => elements.home.click());
}
addEventListener("hashchange", route);
document.addEventListener("languageloaded", nameTab);
await route();
