// Fetches files that lie in parts: each part is checked and opened before the next one but one is fetched.

import { BadEnvelope } from "./envelope.js";
import { partLengths, totalBytes } from "./manifest.js";
import { deleteParts, getPart } from "./part-requests.js";
import { derivePart, unsealPart } from "./parts.js";

/** @typedef {Uint8Array<ArrayBuffer>} Bytes */
/** @typedef {import("./manifest.js").Manifest} Manifest */
/** @typedef {import("./part-requests.js").Watcher} Watcher */

/** The parts of one message. */
export class Download {
  /** @param {Manifest} manifest one with a key */
  constructor({ files, key, partBytes }) {
    if (!key || !partBytes) throw new BadEnvelope("damaged");
    this.key = key;
    this.partBytes = partBytes;
    this.lengths = partLengths(totalBytes(files), partBytes);
    /** The parts that were fetched last, by their numbers. @type {Map<number, Promise<Bytes>>} */
    this.fetched = new Map();
    /** Bytes that have arrived of parts that are not all here. @type {Map<number, number>} */
    this.arriving = new Map();
  }

  /**
   * The bytes from `start` on, in pieces. `onBytes` of the watcher is told of all that have arrived.
   *
   * @param {number} start
   * @param {number} length
   * @param {Watcher} watcher
   */
  async *pieces(start, length, watcher) {
    const end = start + length;
    const tell = (/** @type {number} */ at) => {
      const ahead = [...this.arriving.values()].reduce((sum, bytes) => sum + bytes, 0);
      watcher.onBytes?.(Math.min(at - start + ahead, length));
    };
    for (let at = start; at < end;) {
      const number = Math.floor(at / this.partBytes);
      const first = number * this.partBytes;
      const follow = { ...watcher, onBytes: () => tell(at) };
      const part = this.part(number, follow);
      if (first + this.partBytes < end) this.part(number + 1, follow); // meanwhile
      const piece = (await part).subarray(at - first, end - first);
      at += piece.length;
      yield piece;
    }
  }

  /** @param {number} number @param {Watcher} watcher */
  part(number, watcher) {
    const known = this.fetched.get(number);
    if (known) return known;
    const part = this.fetch(number, watcher);
    this.fetched.set(number, part);
    part.catch(() => this.fetched.delete(number)); // so that it can be asked for again
    for (const other of this.fetched.keys()) if (other < number - 1 || other > number + 1) this.fetched.delete(other);
    return part;
  }

  /** @param {number} number @param {Watcher} watcher */
  async fetch(number, watcher) {
    const keys = await derivePart(this.key, number);
    const onBytes = (/** @type {number} */ bytes) => {
      this.arriving.set(number, Math.min(bytes, this.lengths[number]));
      watcher.onBytes?.(0);
    };
    try {
      return await unsealPart(keys, await getPart(keys, { ...watcher, onBytes }), this.lengths[number]);
    } finally {
      this.arriving.delete(number);
    }
  }

  /** Delete all parts from the service, as far as it can be reached. */
  async deleteAll() {
    this.fetched.clear();
    for (const number of this.lengths.keys()) await deleteParts([await derivePart(this.key, number)]);
  }
}
