// Passphrases: making a good one, and telling a bad one.

const SYMBOLS = "0123456789abcdefghjkmnpqrstvwxyz"; // Crockford's base 32: nothing that looks like something else
const GROUPS = 4;
const GROUP_LENGTH = 4;

/** What a word of a language, or any run of letters, adds at most: a draw from a list of 7,776 (Diceware). */
const WORD_BITS = 12.9;

/**
 * A passphrase of 80 random bits that can be told by phone. One in ten thousand looks weaker than it is, such as a row
 * of neighbours; it is drawn again.
 *
 * @returns {string}
 */
export function generate() {
  const bytes = crypto.getRandomValues(new Uint8Array(GROUPS * GROUP_LENGTH));
  // 256 is a multiple of 32: no symbol is likelier than another.
  const symbols = Array.from(bytes, (byte) => SYMBOLS[byte % SYMBOLS.length]);
  const passphrase = symbols.join("").replace(/.{4}(?=.)/g, "$&-");
  return strength(passphrase) === "strong" ? passphrase : generate();
}

/**
 * How hard it is to guess for somebody who has a copy of the database and tries at 600,000 iterations each. A rough
 * estimate that rather says too little: letters are taken for words, and a repeated or next character for no surprise.
 *
 * @param {string} passphrase
 * @returns {"weak" | "fair" | "strong"}
 */
export function strength(passphrase) {
  const parts = passphrase.match(/\p{L}+|\p{N}+|[^\p{L}\p{N}]+/gu) ?? [];
  const bits = parts.reduce((sum, part) => sum + partBits(part), 0);
  return bits < 40 ? "weak" : bits < 50 ? "fair" : "strong";
}

function partBits(/** @type {string} */ part) {
  const surprises = [...part].filter((character, index, all) => !isExpected(all[index - 1], character)).length;
  if (/^\p{L}/u.test(part)) return Math.min(surprises * Math.log2(26), WORD_BITS);
  return surprises * (/^\p{N}/u.test(part) ? Math.log2(10) : Math.log2(8));
}

/** The same character again, or its neighbour in an alphabet. */
function isExpected(/** @type {string | undefined} */ before, /** @type {string} */ character) {
  return before !== undefined && Math.abs(character.charCodeAt(0) - before.charCodeAt(0)) <= 1;
}
