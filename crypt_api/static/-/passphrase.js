// Passphrases: generates strong ones, and rates the strength of any.

const SYMBOLS = "0123456789abcdefghjkmnpqrstvwxyz"; // Crockford's base 32: no two symbols look alike
const GROUPS = 4;
const GROUP_LENGTH = 4;

/** The most bits that a run of letters adds: those of a word that is drawn from a list of 7,776 words (Diceware). */
const WORD_BITS = 12.9;

/**
 * Generate a passphrase of 80 random bits that can be told by phone. One in ten thousand is rated weaker than it is,
 * because neighbours in the alphabet follow each other; such a passphrase is drawn again.
 *
 * @returns {string}
 */
export function generatePassphrase() {
  const bytes = crypto.getRandomValues(new Uint8Array(GROUPS * GROUP_LENGTH));
  // 256 is a multiple of 32, so all symbols are equally likely.
  const symbols = Array.from(bytes, (byte) => SYMBOLS[byte % SYMBOLS.length]);
  const passphrase = symbols.join("").replace(/.{4}(?=.)/g, "$&-");
  return passphraseStrength(passphrase) === "strong" ? passphrase : generatePassphrase();
}

/**
 * Rate how hard a passphrase is to guess for an attacker who has a copy of the database, where each guess costs 600,000
 * iterations. The rating is a rough estimate, too low rather than too high: it takes every run of letters for a word,
 * and counts no bits for a character that repeats the one before or follows it in the alphabet.
 *
 * @param {string} passphrase
 * @returns {"weak" | "fair" | "strong"}
 */
export function passphraseStrength(passphrase) {
  const parts = passphrase.match(/\p{L}+|\p{N}+|[^\p{L}\p{N}]+/gu) ?? [];
  const bits = parts.reduce((sum, part) => sum + partBits(part), 0);
  return bits < 40 ? "weak" : bits < 50 ? "fair" : "strong";
}

function partBits(/** @type {string} */ part) {
  const counted = [...part].filter((character, index, all) => !isExpected(all[index - 1], character)).length;
  if (/^\p{L}/u.test(part)) return Math.min(counted * Math.log2(26), WORD_BITS);
  return counted * (/^\p{N}/u.test(part) ? Math.log2(10) : Math.log2(8));
}

/** Whether a character repeats the one before, or is its neighbour in the alphabet. */
function isExpected(/** @type {string | undefined} */ before, /** @type {string} */ character) {
  return before !== undefined && Math.abs(character.charCodeAt(0) - before.charCodeAt(0)) <= 1;
}
