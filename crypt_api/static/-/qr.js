// QR codes (ISO/IEC 18004:2015), of the one kind that a link needs: byte mode, level M, versions 1 to 10.

/** The error correction codewords of each block, and the number of blocks, by version: table 9, level M. */
const CORRECTION = [10, 16, 26, 18, 24, 16, 18, 22, 22, 26];
const BLOCKS = [1, 1, 1, 2, 2, 4, 4, 4, 5, 5];

const BYTE_MODE = 0b0100; // table 2
const LEVEL_M = 0b00; // table 12
const PADDING = [0b11101100, 0b00010001]; // 7.4.10

/** Whether a mask inverts the module: table 10. @type {((row: number, column: number) => boolean)[]} */
const MASKS = [
  (row, column) => (row + column) % 2 === 0,
  (row) => row % 2 === 0,
  (_, column) => column % 3 === 0,
  (row, column) => (row + column) % 3 === 0,
  (row, column) => ((row >> 1) + Math.floor(column / 3)) % 2 === 0,
  (row, column) => ((row * column) % 2) + ((row * column) % 3) === 0,
  (row, column) => (((row * column) % 2) + ((row * column) % 3)) % 2 === 0,
  (row, column) => (((row + column) % 2) + ((row * column) % 3)) % 2 === 0,
];

const QUIET_ZONE = 4; // modules: 9.1
const MODULE_PIXELS = 10; // enough for sharp edges on screens of high density, and on paper

/** @typedef {(boolean | null)[][]} Grid rows of modules: dark, light, or not set yet */

/**
 * The symbol's modules, true for dark, without the quiet zone.
 *
 * @param {string} text 213 bytes of UTF-8 at most
 * @returns {boolean[][]}
 */
export function encode(text) {
  const bytes = new TextEncoder().encode(text);
  for (let version = 1; version <= CORRECTION.length; version++) {
    const grid = functionPatterns(version);
    const free = freeModules(grid);
    const blocks = BLOCKS[version - 1];
    const capacity = (free.length >> 3) - CORRECTION[version - 1] * blocks; // in codewords
    const lengthBits = version < 10 ? 8 : 16; // table 3
    if (4 + lengthBits + 8 * bytes.length > 8 * capacity) continue;
    const codewords = interleave(dataCodewords(bytes, lengthBits, capacity), blocks, CORRECTION[version - 1]);
    const symbols = MASKS.map((_, mask) => symbol(grid, free, codewords, mask));
    const penalties = symbols.map(penalty);
    return symbols[penalties.indexOf(Math.min(...penalties))];
  }
  throw new RangeError("too long for a QR code of this kind");
}

/**
 * The symbol as a picture, dark on light in any colour scheme, so that every camera reads it. It is painted, as a style
 * sheet could read the shapes of a drawing that has them in attributes.
 *
 * @param {string} text
 */
export function draw(text) {
  const modules = encode(text);
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = (modules.length + 2 * QUIET_ZONE) * MODULE_PIXELS;
  canvas.setAttribute("role", "img");
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  context.fillStyle = "#fff";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.fillStyle = "#000";
  context.scale(MODULE_PIXELS, MODULE_PIXELS);
  modules.forEach((row, y) => row.forEach((dark, x) => dark && context.fillRect(x + QUIET_ZONE, y + QUIET_ZONE, 1, 1)));
  return canvas;
}

/**
 * The data codewords: mode, length, bytes and padding (7.4).
 *
 * @param {Uint8Array} bytes
 * @param {number} lengthBits
 * @param {number} capacity
 */
function dataCodewords(bytes, lengthBits, capacity) {
  const header = BYTE_MODE.toString(2).padStart(4, "0") + bytes.length.toString(2).padStart(lengthBits, "0");
  const content = Array.from(bytes, (byte) => byte.toString(2).padStart(8, "0"));
  const bits = `${header}${content.join("")}0000`; // the terminator; its four bits make the last codeword whole
  const codewords = Array.from({ length: bits.length >> 3 }, (_, index) =>
    parseInt(bits.slice(8 * index, 8 * index + 8), 2),
  );
  return [...codewords, ...Array.from({ length: capacity - codewords.length }, (_, index) => PADDING[index % 2])];
}

/** Split the data into blocks, the last ones perhaps a codeword longer; interleave data, then correction (7.6). */
function interleave(/** @type {number[]} */ data, /** @type {number} */ blocks, /** @type {number} */ correction) {
  const short = Math.floor(data.length / blocks);
  const firstLong = blocks - (data.length % blocks);
  const start = (/** @type {number} */ block) => block * short + Math.max(0, block - firstLong);
  const parts = Array.from({ length: blocks }, (_, block) => data.slice(start(block), start(block + 1)));
  return [...inTurns(parts), ...inTurns(parts.map((part) => remainder(part, correction)))];
}

function inTurns(/** @type {number[][]} */ parts) {
  const longest = Math.max(...parts.map((part) => part.length));
  return Array.from({ length: longest }, (_, index) =>
    parts.filter((part) => index < part.length).map((part) => part[index]),
  ).flat();
}

/** Reed-Solomon: the remainder of the data, a polynomial over GF(256), divided by (x - 1)(x - 2)…(x - 2^(n-1)). */
function remainder(/** @type {number[]} */ data, /** @type {number} */ count) {
  const generator = Array.from({ length: count }).reduce(
    (/** @type {number[]} */ product, _, index) => {
      const root = power(index);
      return [...product, 0].map((factor, place) => factor ^ multiply(product[place - 1] ?? 0, root));
    },
    [1],
  );
  let rest = new Array(count).fill(0);
  for (const codeword of data) {
    const factor = codeword ^ rest[0];
    rest = [...rest.slice(1), 0].map((value, place) => value ^ multiply(generator[place + 1], factor));
  }
  return rest;
}

/** A power of 2 in GF(256). @param {number} exponent */
function power(exponent) {
  return Array.from({ length: exponent }).reduce((/** @type {number} */ value) => multiply(value, 2), 1);
}

/** The product in GF(256) with x^8 + x^4 + x^3 + x^2 + 1 (7.5.2). */
function multiply(/** @type {number} */ a, /** @type {number} */ b) {
  let product = 0;
  for (let bit = 7; bit >= 0; bit--) {
    product = (product << 1) ^ (product & 0x80 ? 0x11d : 0) ^ ((b >> bit) & 1 ? a : 0);
  }
  return product;
}

/**
 * The modules that every symbol of a version has; those of the format information are set, too (6.3, 7.10).
 *
 * @returns {Grid}
 */
function functionPatterns(/** @type {number} */ version) {
  const size = 17 + 4 * version;
  /** @type {Grid} */
  const grid = Array.from({ length: size }, () => new Array(size).fill(null));
  const finder = [0, 1, 3];
  rings(grid, 3, 3, 4, finder);
  rings(grid, 3, size - 4, 4, finder);
  rings(grid, size - 4, 3, 4, finder);
  const centres = version === 1 ? [] : version < 7 ? [6, size - 7] : [6, (size - 1) / 2, size - 7]; // annex E
  for (const row of centres) {
    for (const column of centres) if (grid[row][column] === null) rings(grid, row, column, 2, [0, 2]);
  }
  for (let at = 8; at < size - 8; at++) grid[6][at] = grid[at][6] = at % 2 === 0; // timing
  placeFormat(grid, 0);
  if (version >= 7) placeVersion(grid, version);
  return grid;
}

/** Draw a finder or alignment pattern: squares around a centre, by their distance from it. @param {number[]} dark */
function rings(
  /** @type {Grid} */ grid,
  /** @type {number} */ row,
  /** @type {number} */ column,
  /** @type {number} */ radius,
  dark,
) {
  for (let y = -radius; y <= radius; y++) {
    for (let x = -radius; x <= radius; x++) {
      const isInside = grid[row + y]?.[column + x] !== undefined;
      if (isInside) grid[row + y][column + x] = dark.includes(Math.max(Math.abs(x), Math.abs(y)));
    }
  }
}

/** Place the format information, level and mask, twice (7.9). */
function placeFormat(/** @type {Grid} */ grid, /** @type {number} */ mask) {
  const last = grid.length - 1;
  const bits = withCheck((LEVEL_M << 3) | mask, 10, 0b10100110111) ^ 0b101010000010010;
  for (let bit = 0; bit < 15; bit++) {
    const dark = ((bits >> bit) & 1) === 1;
    const near = bit < 6 ? bit : bit < 8 ? bit + 1 : 15 - bit - (bit > 8 ? 1 : 0); // the timing pattern is in between
    if (bit < 8) grid[near][8] = grid[8][last - bit] = dark;
    else grid[8][near] = grid[last - 14 + bit][8] = dark;
  }
  grid[last - 7][8] = true;
}

/** Place the version, twice (7.10). */
function placeVersion(/** @type {Grid} */ grid, /** @type {number} */ version) {
  const bits = withCheck(version, 12, 0b1111100100101);
  for (let bit = 0; bit < 18; bit++) {
    const [short, long] = [grid.length - 11 + (bit % 3), Math.floor(bit / 3)];
    grid[short][long] = grid[long][short] = ((bits >> bit) & 1) === 1;
  }
}

/** Append the check bits of a BCH code: the remainder of the value's division by the generator (annexes C and D). */
function withCheck(/** @type {number} */ value, /** @type {number} */ length, /** @type {number} */ generator) {
  let rest = value << length;
  for (let bit = 31 - Math.clz32(rest); bit >= length; bit--) {
    if ((rest >> bit) & 1) rest ^= generator << (bit - length);
  }
  return (value << length) | rest;
}

/** The free modules in the order of the codewords' bits: up and down in pairs of columns, from the right (7.7.3). */
function freeModules(/** @type {Grid} */ grid) {
  const size = grid.length;
  const free = [];
  for (let pair = 0, right = size - 1; right > 0; pair++, right -= right === 8 ? 3 : 2) {
    for (let step = 0; step < size; step++) {
      const row = pair % 2 === 0 ? size - 1 - step : step;
      for (const column of [right, right - 1]) if (grid[row][column] === null) free.push([row, column]);
    }
  }
  return free;
}

/** @param {Grid} grid @param {number[][]} free @param {number[]} codewords @param {number} mask */
function symbol(grid, free, codewords, mask) {
  const modules = grid.map((row) => row.slice());
  placeFormat(modules, mask);
  for (const [index, [row, column]] of free.entries()) {
    const bit = ((codewords[index >> 3] ?? 0) >> (7 - (index & 7))) & 1; // modules without a bit stay light
    modules[row][column] = (bit === 1) !== MASKS[mask](row, column);
  }
  return /** @type {boolean[][]} */ (modules);
}

/** The penalty points of a symbol, by which it may be hard to read: table 11. */
function penalty(/** @type {boolean[][]} */ modules) {
  const lines = [...modules, ...modules.map((_, column) => modules.map((row) => row[column]))].map((line) =>
    line.map((dark) => (dark ? "1" : "0")).join(""),
  );
  let points = 0;
  for (const line of lines) {
    for (const [run] of line.matchAll(/0{5,}|1{5,}/g)) points += run.length - 2;
    points += 40 * [...line.matchAll(/(?=1011101)/g)].filter(({ index }) => hasLightBeside(line, index)).length;
  }
  for (let row = 1; row < modules.length; row++) {
    for (let column = 1; column < modules.length; column++) {
      const [a, b] = [modules[row - 1], modules[row]].map((pair) => pair.slice(column - 1, column + 1));
      if (a[0] === a[1] && b[0] === b[1] && a[0] === b[0]) points += 3;
    }
  }
  const dark = modules.flat().filter(Boolean).length / modules.length ** 2;
  return points + 10 * Math.floor(Math.abs(100 * dark - 50) / 5);
}

/** Whether the pattern at an index has four light modules on either side. Outside of the symbol, all is light. */
function hasLightBeside(/** @type {string} */ line, /** @type {number} */ index) {
  return /^0*$/.test(line.slice(Math.max(0, index - 4), index)) || /^0*$/.test(line.slice(index + 7, index + 11));
}
