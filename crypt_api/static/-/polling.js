// Asks again and again, for as long as the page is visible.

/** Milliseconds between two times. The pauses grow, as the page may be left open for a day. */
const FIRST_PAUSE = 2_000;
const LAST_PAUSE = 30_000;

/**
 * Ask after a pause, and so on; at once when the page becomes visible.
 *
 * @param {() => Promise<boolean>} ask tells whether to ask again
 * @returns {() => void} stops it
 */
export function poll(ask) {
  let pause = FIRST_PAUSE;
  let isStopped = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;

  function schedule() {
    clearTimeout(timer);
    timer = setTimeout(askNow, pause);
    pause = Math.min(pause * 1.25, LAST_PAUSE);
  }

  async function askNow() {
    if (document.visibilityState !== "visible") return;
    if (!(await ask()))
      stop(); // what is final stays, though the service forgets it in the end
    else if (!isStopped) schedule();
  }

  function stop() {
    isStopped = true;
    clearTimeout(timer);
    document.removeEventListener("visibilitychange", askNow);
  }

  document.addEventListener("visibilitychange", askNow);
  schedule();
  return stop;
}
