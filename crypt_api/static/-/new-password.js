// The button that fills an empty text with a strong password, so that nobody has to think of one.

import { elements } from "./elements.js";
import { clearText, setText } from "./texts.js";

/** As in the command `crypt-api send --generate`: without i, l, o, 0 and 1, which look like others. */
const ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789";

/** Characters: 119 bits. */
const LENGTH = 24;

/** Make the button work; called once. */
export function startNewPassword() {
  const { text, "new-password": button } = elements;
  button.addEventListener("click", () => {
    text.value = newPassword();
    text.dispatchEvent(new Event("input", { bubbles: true }));
    setText(elements["has-password"], "write.has-password");
    text.focus();
  });
  text.addEventListener("input", showButton);
}

/** Offer a password where there is no text that it would take the place of. */
export function showButton() {
  elements["new-password"].hidden = elements.text.value !== "";
  clearText(elements["has-password"]);
}

function newPassword() {
  let password = "";
  while (password.length < LENGTH) {
    const [byte] = crypto.getRandomValues(new Uint8Array(1));
    // 248 is a multiple of 31, so all characters are equally likely.
    if (byte < 8 * ALPHABET.length) password += ALPHABET[byte % ALPHABET.length];
  }
  return password;
}
