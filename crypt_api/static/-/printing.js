// Prints the whole values of fields: a field itself shows on paper what it shows on the screen, and no more.

/** Put beside each field, for the time of printing, a text that runs over lines and pages; called once. */
export function startPrinting() {
  addEventListener("beforeprint", () => {
    removeTexts();
    unfold();
    for (const field of document.querySelectorAll(/** @type {"input"} */ ("textarea, input[readonly]"))) {
      const text = document.createElement("pre");
      text.className = "printed notranslate";
      text.translate = false;
      text.dir = field.dir;
      text.textContent = field.value;
      field.after(text);
    }
  });
  addEventListener("afterprint", () => {
    removeTexts();
    for (const fold of folded.splice(0)) fold.open = false;
  });
}

/** What was folded before the page was printed. @type {HTMLDetailsElement[]} */
const folded = [];

function unfold() {
  for (const fold of document.querySelectorAll(/** @type {"details"} */ ("details.printed-open:not([open])"))) {
    fold.open = true;
    folded.push(fold);
  }
}

function removeTexts() {
  for (const text of document.querySelectorAll(".printed")) text.remove();
}
