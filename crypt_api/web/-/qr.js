// Placeholder until the encoder is here.
/** @param {string} text */
export function draw(text) {
  const symbol = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  symbol.setAttribute("viewBox", "0 0 10 10");
  symbol.setAttribute("role", "img");
  void text;
  return symbol;
}
