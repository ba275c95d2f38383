// Reveals a plain message on its own page. If the response is lost, the idempotency key lets the reader ask again, for
// a minute. When the message has arrived, the script acknowledges it, and the service destroys its copy at once.
"use strict";

const form = /** @type {HTMLFormElement} */ (document.querySelector("form"));
const button = /** @type {HTMLButtonElement} */ (form.querySelector("button"));
const [note, problem, result, message, copy] = ["note", "problem", "result", "message", "copy"].map(
  (id) => /** @type {HTMLElement} */ (document.getElementById(id)),
);
/** The form's own field, which the script sends in its place. */
const token = /** @type {HTMLInputElement} */ (form.elements.namedItem("token")).value;
const idempotencyKey = crypto.getRandomValues(new Uint32Array(6)).join("-");
const headers = { Accept: "application/json", "Idempotency-Key": idempotencyKey };

async function reveal() {
  const response = await fetch(form.action, { method: "POST", headers, body: new URLSearchParams({ token }) });
  const body = await response.json();
  if (response.status === 404) throw new Error("There is no message here. It was read before, or its time was up.");
  if (!response.ok) throw new Error(`${body.error}. Please try again.`);
  message.textContent = body.message;
  note.textContent = "It is destroyed here now: this page is its last copy.";
  form.hidden = problem.hidden = true;
  result.hidden = false;
  message.focus();
  copy.hidden = !navigator.clipboard; // it exists on https and localhost only
  await acknowledge();
}

async function acknowledge() {
  await fetch(form.action.replace(/\/reveal$/, ""), { method: "DELETE", headers });
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  button.disabled = true;
  try {
    await reveal();
  } catch (error) {
    if (form.hidden) return; // the message has arrived; without an acknowledgement, the lease ends by itself
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
