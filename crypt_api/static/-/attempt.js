// Steps that a view can do without.

/**
 * Take a step that a view can do without. A browser that cannot take it shows the rest all the same. The error is not
 * logged: it may quote a message.
 *
 * @param {() => unknown} step
 */
export function attempt(step) {
  try {
    step();
  } catch {
    // what is shown without this step is enough
  }
}
