// Reveals the message in place. The nonce lets a lost answer be asked for again, for a minute; once the message is
// here, the service is told to forget it at once.
"use strict";

const form = /** @type {HTMLFormElement} */ (document.querySelector("form"));
const button = /** @type {HTMLButtonElement} */ (form.querySelector("button"));
const [note, problem, result, message, copy] = ["note", "problem", "result", "message", "copy"].map(
  (id) => /** @type {HTMLElement} */ (document.getElementById(id)),
);
/** What the form carries, as it would send it. */
const token = /** @type {HTMLInputElement} */ (form.elements.namedItem("token")).value;
const nonce = crypto.getRandomValues(new Uint32Array(6)).join("-");
const headers = { Accept: "application/json", "Idempotency-Key": nonce };

async function reveal() {
  const answer = await fetch(form.action, { method: "POST", headers, body: new URLSearchParams({ token }) });
  const content = await answer.json();
  if (answer.status === 404) throw new Error("There is no message here. It was read before, or its time was up.");
  if (!answer.ok) throw new Error(`${content.error}. Please try again.`);
  message.textContent = content.message;
  note.textContent = "It is destroyed here now: this page is its last copy.";
  form.hidden = problem.hidden = true;
  result.hidden = false;
  message.focus();
  copy.hidden = !navigator.clipboard; // it exists on https and localhost only
  await fetch(form.action.replace(/\/reveal$/, ""), { method: "DELETE", headers });
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  button.disabled = true;
  try {
    await reveal();
  } catch (error) {
    if (form.hidden) return; // the message is here; it will be forgotten by itself
    const isOffline = !(error instanceof Error) || error instanceof TypeError || error instanceof SyntaxError;
    problem.textContent = isOffline ? "The service cannot be reached. Please try again." : error.message;
    problem.hidden = false;
    button.disabled = false;
  }
});

copy.addEventListener("click", async () => {
  await navigator.clipboard.writeText(message.textContent ?? "");
  copy.textContent = "Copied";
});
