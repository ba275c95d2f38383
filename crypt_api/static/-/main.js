// Starts the page, and shows the view that its address asks for: a fragment is the secret of a message to read.

import { elements } from "./elements.js";
import { showGoneView, startGoneView } from "./gone-view.js";
import { mayLeave, startLeaving } from "./leaving.js";
import { exampleLink, secretIn } from "./links.js";
import { clearMessageView, resumeFiles, startMessageView } from "./message-view.js";
import { startPrinting } from "./printing.js";
import { endLease, leasedSecret } from "./read-lease.js";
import { clearReadView, openLink, startReadView } from "./read-view.js";
import { hasServiceWorkers } from "./service-workers.js";
import { startSecretFields } from "./secret-fields.js";
import { clearSentView, resumeSentView, startSentView } from "./sent-view.js";
import { startTexts } from "./texts.js";
import { leaveView, nameTab } from "./views.js";
import { showWriteView, startWriteView } from "./write-view.js";

/** What puts https in front of a server; deploy/README.md has more. */
const HTTPS_COMMAND = "docker compose --file deploy/compose.single.yaml up --detach";

async function route() {
  elements["not-loaded"].hidden = true;
  leaveView();
  clearSentView();
  clearReadView();
  clearMessageView();
  const secret = repairLink() ?? (isLinkMeant() ? null : leasedSecret());
  if (!isSecureContext) showGoneView("insecure", { command: HTTPS_COMMAND });
  else if (isWatched) showGoneView("workers");
  else if (secret) await openLink(secret);
  else if (isLinkMeant()) showGoneView("link", { example: exampleLink() });
  else if (!(await resumeFiles()) && !(await resumeSentView())) showWriteView();
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
 * makes no link of the page's own address, unless it has the `#` of a link in it.
 */
function isLinkMeant() {
  const { pathname, search, href } = location;
  return pathname !== "/" || href.includes("#") || /%(25)*23/.test(search);
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
addEventListener("hashchange", route);
document.addEventListener("languageloaded", nameTab);
await route();
