// Web addresses in a message, as links that can be followed.

const ADDRESS = /https?:[/][/][^\s<>"`]+/gi;
/** What stands behind an address in a sentence, and not in the address. */
const TAIL = /[.,;:!?)\]}'\u2019\u201d\u00bb\u2026\u3002\uff09]+$/;

/**
 * A text as nodes for a page. Each link shows its whole address, so that it leads where it seems to lead.
 *
 * @param {string} text
 * @returns {(string | HTMLAnchorElement)[]}
 */
export function withLinks(text) {
  /** @type {(string | HTMLAnchorElement)[]} */
  const nodes = [];
  let end = 0;
  for (const match of text.matchAll(ADDRESS)) {
    const address = match[0].replace(TAIL, "");
    if (!URL.canParse(address)) continue;
    nodes.push(text.slice(end, match.index), linkTo(address));
    end = match.index + address.length;
  }
  return [...nodes, text.slice(end)];
}

function linkTo(/** @type {string} */ address) {
  const link = document.createElement("a");
  link.href = link.textContent = address;
  link.rel = "noopener noreferrer";
  link.target = "_blank";
  return link;
}
