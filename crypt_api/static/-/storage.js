// The browser's storage. A browser may refuse to store anything: then the page works all the same, without.

/** @param {"localStorage" | "sessionStorage"} area @param {string} key */
export function getItem(area, key) {
  try {
    return globalThis[area].getItem(key);
  } catch {
    return null;
  }
}

/**
 * Store a value; null removes the stored one.
 *
 * @param {"localStorage" | "sessionStorage"} area
 * @param {string} key
 * @param {string | null} value
 */
export function setItem(area, key, value) {
  try {
    if (value === null) globalThis[area].removeItem(key);
    else globalThis[area].setItem(key, value);
  } catch {
    // refused
  }
}
