// Web addresses in a message, as links that can be followed.

import { withoutEnd } from "./encoding.js";
import { hideFromStyles } from "./shadow.js";

const ADDRESS = /https?:[/][/][^\s<>"`]+/gi;
/** What stands behind an address in a sentence, and not in the address. */
const TAIL = ".,;:!?)]}'\u2019\u201d\u00bb\u2026\u3002\uff09";

/** Characters that change how the others look, or that nobody sees. */
const MISLEADING = /[\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}]/u;
const AUTHORITY = /^https?:[/][/]([!-~]*?)(?:[/?#]|$)/i; // in ASCII
const DEFAULT_PORT = /:(80|443)$/;

/**
 * A text as nodes for a page. Each link shows its whole address, so that it leads where it seems to lead.
 *
 * @param {string} text
 * @returns {(string | HTMLElement)[]}
 */
export function withLinks(text) {
  /** @type {(string | HTMLElement)[]} */
  const nodes = [];
  let end = 0;
  for (const match of text.matchAll(ADDRESS)) {
    const address = withoutEnd(match[0], TAIL);
    if (!leadsWhereItSeems(match[0], address)) continue;
    nodes.push(text.slice(end, match.index), linkTo(address));
    end = match.index + address.length;
  }
  return [...nodes, text.slice(end)];
}

/**
 * Whether the host that people read is the one to which the browser would go. It is not with a user's name before the
 * host, with a backslash, with an IP address that is written in an odd way, or with characters that look like others;
 * so only hosts in ASCII are links.
 */
function leadsWhereItSeems(/** @type {string} */ written, /** @type {string} */ address) {
  if (MISLEADING.test(written)) return false;
  const host = AUTHORITY.exec(address)?.[1].toLowerCase() ?? "";
  try {
    return host.replace(DEFAULT_PORT, "") === new URL(address).host.replace(DEFAULT_PORT, "");
  } catch {
    return false;
  }
}

/** A link. Its text is outside of the shadow tree, so that it can be selected and copied as a part of the message. */
function linkTo(/** @type {string} */ address) {
  const place = document.createElement("span");
  place.className = "address";
  place.dir = "ltr"; // isolates the address from the text around it, too
  place.textContent = address;
  const link = document.createElement("a");
  link.href = address;
  link.rel = "noopener noreferrer";
  link.target = "_blank";
  link.append(document.createElement("slot")); // shows the text of its place
  hideFromStyles(place, link, "link");
  return place;
}
