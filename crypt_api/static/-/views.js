// Who visits a view may leave it while something is under way for it. What comes back then is nobody's any more.

let visits = 0;

/** Another view is to be shown: whatever is still under way was for the one before. */
export function begin() {
  visits++;
}

/** Tells, later, whether the view that is shown now is the one that is shown then. @returns {() => boolean} */
export function current() {
  const visit = visits;
  return () => visit === visits;
}
