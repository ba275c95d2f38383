// Warns of the link that opens an answer, where somebody puts it into a text for others.

import { clearText, setText } from "./texts.js";
import { hasKeptLink } from "./links.js";

/** Show a warning beside a field for as long as the field has such a link. @param {HTMLTextAreaElement} field @param {Element} place */
export function warnOfKeptLinks(field, place) {
  field.addEventListener("input", () => {
    if (hasKeptLink(field.value)) setText(place, "asked.warning");
    else clearText(place);
  });
}
