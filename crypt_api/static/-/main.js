// Starts the page, and finds the view that its address asks for: a link's fragment is a message to read.

import { elements, nameTab } from "./buttons.js";
import { forgetReading, gone, open, startReading } from "./read-view.js";
import { forget, lastSecret } from "./read-lease.js";
import { startWatching, stopWatching } from "./sent-view.js";
import { startTexts } from "./texts.js";
import * as visit from "./views.js";
import { startWriting, write } from "./write-view.js";

async function route() {
  visit.begin();
  stopWatching();
  forgetReading();
  const secret = location.hash.slice(1) || lastSecret();
  if (!isSecureContext) gone("insecure");
  else if (secret) await open(secret);
  else write();
}

await startTexts(elements.language);
startWriting();
startWatching();
startReading();
for (const button of [elements.another, elements.home]) {
  button.addEventListener("click", (/** @type {Event} */ event) => {
    event.preventDefault();
    forget(); // or the address would lead back to what was read
    history.replaceState(null, "", "/");
    route();
  });
}
addEventListener("hashchange", route);
document.addEventListener("spoken", nameTab);
await route();
