// Starts the page, and shows the view that its address asks for: a fragment is the secret of a message to read.

import { elements } from "./elements.js";
import { showGoneView, startGoneView } from "./gone-view.js";
import { clearMessageView, startMessageView } from "./message-view.js";
import { endLease, leasedSecret } from "./read-lease.js";
import { clearReadView, openLink, startReadView } from "./read-view.js";
import { clearSentView, startSentView } from "./sent-view.js";
import { startTexts } from "./texts.js";
import { leaveView, nameTab } from "./views.js";
import { showWriteView, startWriteView } from "./write-view.js";

async function route() {
  leaveView();
  clearSentView();
  clearReadView();
  clearMessageView();
  const secret = location.hash.slice(1) || leasedSecret();
  if (!isSecureContext) showGoneView("insecure");
  else if (secret) await openLink(secret);
  else showWriteView();
}

await startTexts(elements.language);
startWriteView();
startSentView();
startReadView();
startMessageView();
startGoneView();
for (const button of [elements.another, elements.home]) {
  button.addEventListener("click", (/** @type {Event} */ event) => {
    event.preventDefault();
    endLease(); // or the address without a fragment would lead back to the message that was read
    history.replaceState(null, "", "/");
    route();
  });
}
addEventListener("hashchange", route);
document.addEventListener("languageloaded", nameTab);
await route();
