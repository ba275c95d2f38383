// Shows how far a transfer is: bytes, and the time that is left.

import { elements } from "./elements.js";
import { clearText, formatDuration, formatSize, setText } from "./texts.js";

/** Milliseconds of which the speed is taken. */
const WINDOW = 15_000;
/** Milliseconds after which a first guess at the time left is worth anything. */
const FIRST_GUESS = 3_000;
/** Milliseconds between two changes of the text. */
const STEP = 500;

/** The bar, the text beside it and the news for screen readers have ids that begin alike. */
export class Progress {
  /** @param {"upload" | "download"} name @param {number} total bytes */
  constructor(name, total) {
    this.bar = elements[`${name}-bar`];
    this.state = elements[`${name}-state`];
    this.news = elements[`${name}-news`];
    this.total = total;
    /** @type {{ at: number, done: number }[]} */
    this.samples = [];
    this.drawnAt = 0;
    this.isWaiting = false;
    this.toldQuarter = 0;
    this.bar.max = Math.max(total, 1);
    clearText(this.news);
    this.show(0);
  }

  /** @param {number} done bytes */
  show(done) {
    const now = Date.now();
    this.bar.value = done;
    this.samples.push({ at: now, done });
    while (now - this.samples[0].at > WINDOW && this.samples.length > 2) this.samples.shift();
    if (this.isWaiting || now - this.drawnAt < STEP) return;
    this.drawnAt = now;
    this.draw(done);
  }

  /** Say why nothing moves; null once it does. @param {import("./part-requests.js").Wait | null} wait */
  wait(wait) {
    this.isWaiting = wait !== null;
    if (wait === null) return;
    this.samples = [];
    const key = wait.why === "lost" ? "progress.lost" : "progress.budget";
    for (const place of [this.state, this.news]) setText(place, key, { at: "until" in wait ? wait.until : "" });
  }

  draw(/** @type {number} */ done) {
    const values = { done: formatSize(done), total: formatSize(this.total) };
    const seconds = this.secondsLeft(done);
    if (seconds === null) setText(this.state, "progress.bytes", values);
    else setText(this.state, "progress.left", { ...values, time: formatDuration(rounded(seconds)) });
    const quarter = Math.floor((4 * done) / this.total); // a screen reader is told three times, and not each second
    if (quarter > this.toldQuarter) setText(this.news, "progress.bytes", values);
    this.toldQuarter = Math.max(quarter, this.toldQuarter);
  }

  secondsLeft(/** @type {number} */ done) {
    const first = this.samples[0];
    const elapsed = Date.now() - (first?.at ?? Infinity);
    if (elapsed < FIRST_GUESS || done <= first.done) return null;
    return ((this.total - done) / (done - first.done)) * (elapsed / 1_000);
  }
}

/** Seconds, as exactly as a guess can be. */
function rounded(/** @type {number} */ seconds) {
  if (seconds < 60) return Math.ceil(seconds / 5) * 5;
  return seconds < 5_400 ? Math.ceil(seconds / 60) * 60 : Math.ceil(seconds / 3_600) * 3_600;
}
