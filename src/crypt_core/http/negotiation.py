"""What the client prefers: a page or data, and which language (`texts.py`)."""

from collections.abc import Mapping

MAX_LENGTH = 1_024
"""Characters. Browsers send about 150 in `Accept`; a longer header is not parsed, and so prefers nothing."""


def is_navigation(headers: Mapping[str, str]) -> bool:
    """Whether a browser asks for a page to show, rather than a program for data. Only programs have proofs."""
    if headers.get("authorization", "").lower().startswith("bearer "):
        return False
    mode = headers.get("sec-fetch-mode")
    return mode == "navigate" if mode else prefers_html(headers)


def prefers_html(headers: Mapping[str, str]) -> bool:
    """Whether the client is a browser that shows pages to a person, by its `Accept` (RFC 9110, section 12.5.1).

    A client that names HTML and JSON gets what it rates higher. Many libraries name HTML, and take anything else, such
    as Java's with `text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2`. Browsers name XHTML besides.
    """
    accept = headers.get("accept", "").lower()
    if "html" not in accept:
        return False  # most programs: there is nothing to compare
    rated = rated_values(accept)
    html_rating = rated.get("text/html", 0.0)
    json_rating = rated.get("application/json", rated.get("application/*"))
    if json_rating is not None:
        return html_rating > json_rating
    takes_anything = rated.get("*/*", 0.0) > 0 or rated.get("*", 0.0) > 0
    is_browser = rated.get("application/xhtml+xml", 0.0) > 0 or _is_text_browser(headers)
    return html_rating > 0 and (is_browser or not takes_anything)


def prefers_text(headers: Mapping[str, str]) -> bool:
    """Whether the client rates plain text above JSON; a client that takes both alike, as with `*/*`, gets JSON."""
    accept = headers.get("accept", "").lower()
    if "text/" not in accept:
        return False
    rated = rated_values(accept)
    return _rating(rated, "text/plain") > _rating(rated, "application/json")


def _rating(rated: Mapping[str, float], media_type: str) -> float:
    """The rating of the most exact range that has the type (RFC 9110, section 12.5.1)."""
    ranges = (media_type, media_type.partition("/")[0] + "/*", "*/*", "*")
    return next((rated[name] for name in ranges if name in rated), 0.0)


def rated_values(header: str) -> dict[str, float]:
    """The values of a header such as `Accept`, in lower case, with their ratings from 0 to 1; none of a long header."""
    if len(header) > MAX_LENGTH:
        return {}
    rated: dict[str, float] = {}
    for part in header.lower().split(","):
        value, *parameters = (piece.strip() for piece in part.split(";"))
        quality = next((p.removeprefix("q=") for p in parameters if p.startswith("q=")), "1")
        rated[value] = float(quality) if quality.replace(".", "", 1).isdecimal() and quality.isascii() else 0.0
    return rated


def is_for_terminal(headers: Mapping[str, str]) -> bool:
    """Whether the client is a command whose output people read in a terminal."""
    return headers.get("user-agent", "").startswith(_TERMINAL_AGENTS)


def _is_text_browser(headers: Mapping[str, str]) -> bool:
    """Whether it is a browser in a terminal: by its `Accept` alone, Lynx could be a library."""
    return headers.get("user-agent", "").startswith(("Lynx/", "w3m/"))


_TERMINAL_AGENTS = ("curl/", "Wget/", "HTTPie/", "xh/")
