// What the browser keeps for the page. It may refuse to: then nothing is kept, and the page works all the same.

/** @param {"localStorage" | "sessionStorage"} area @param {string} key */
export function recall(area, key) {
  try {
    return globalThis[area].getItem(key);
  } catch {
    return null;
  }
}

/**
 * Keep a value; null forgets it.
 *
 * @param {"localStorage" | "sessionStorage"} area
 * @param {string} key
 * @param {string | null} value
 */
export function keep(area, key, value) {
  try {
    if (value === null) globalThis[area].removeItem(key);
    else globalThis[area].setItem(key, value);
  } catch {
    // refused
  }
}
