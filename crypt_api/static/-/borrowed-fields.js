// Fields of the form for messages that the forms for questions and answers borrow: there is one editor for a text and
// files, one choice of lifetimes, and one field for a token.

/** What stands in for each field that is borrowed. @type {Map<Element, Comment>} */
const borrowed = new Map();

/** Move fields to the end of an element of another form. @param {Element} place @param {Element[]} fields */
export function borrowFields(place, ...fields) {
  returnFields();
  for (const field of fields) {
    const stand = document.createComment("");
    field.before(stand);
    borrowed.set(field, stand);
    place.append(field);
  }
}

/** Move all borrowed fields back. */
export function returnFields() {
  for (const [field, stand] of borrowed) stand.replaceWith(field);
  borrowed.clear();
}
