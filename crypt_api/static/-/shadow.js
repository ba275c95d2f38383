// Elements in shadow trees. No style sheet of the page can read their attributes there, and tell them to somebody by the
// pictures that it loads; attributes such as `href` and `alt` have parts of messages in them.

/** Put an element into the shadow tree of its place, as the part that `page.css` can style by this name. */
export function hideFromStyles(
  /** @type {HTMLElement} */ place,
  /** @type {HTMLElement} */ element,
  /** @type {string} */ part,
) {
  element.part.add(part);
  const root = place.shadowRoot ?? place.attachShadow({ mode: "open" });
  root.replaceChildren(element);
}
