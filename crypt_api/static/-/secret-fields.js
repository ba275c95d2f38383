// The fields for passphrases and for the token. Password managers fill such fields unasked, hidden ones too, and though
// `autocomplete="off"` asks them not to. A passphrase that nobody typed would lock a message up, or give a token away.
// So the fields are for new passwords, which are not filled; a hidden one is disabled; and an unasked fill is removed.

const secretFields = () => document.querySelectorAll(/** @type {"input"} */ ("input[autocomplete=new-password]"));

/** Keep out what nobody typed, pasted, or picked from the browser's suggestions; called once, before other listeners. */
export function startSecretFields() {
  for (const field of secretFields()) {
    let given = "";
    field.addEventListener("input", () => {
      if (field === document.activeElement) given = field.value;
      else field.value = "";
    });
    field.addEventListener("change", () => {
      if (field.value !== given) field.value = ""; // some programs send no other event
    });
  }
}

/** Enable the fields that are shown, and no others; folded ones are not. */
export function enableShownFields() {
  for (const field of secretFields()) field.disabled = field.closest("[hidden], details:not([open])") !== null;
}
