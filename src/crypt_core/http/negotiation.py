"""Whether the client wants a page or data."""

from collections.abc import Mapping

MAX_ACCEPT_LENGTH = 1_024
"""Characters. Browsers send about 150; a longer `Accept` is not parsed, and so prefers nothing."""


def is_navigation(headers: Mapping[str, str]) -> bool:
    """Whether a browser asks for a page to show, rather than a program for data."""
    mode = headers.get("sec-fetch-mode")
    return mode == "navigate" if mode else prefers_html(headers)


def prefers_html(headers: Mapping[str, str]) -> bool:
    """Whether `Accept` names HTML, and rates HTML above JSON (RFC 9110, section 12.5.1)."""
    accept = headers.get("accept", "").lower()
    if "text/html" not in accept or len(accept) > MAX_ACCEPT_LENGTH:
        return False
    rated: dict[str, float] = {}
    for part in accept.split(","):
        media_type, *parameters = (piece.strip() for piece in part.split(";"))
        quality = next((p.removeprefix("q=") for p in parameters if p.startswith("q=")), "1")
        rated[media_type] = float(quality) if quality.replace(".", "", 1).isdecimal() and quality.isascii() else 0.0
    json_rating = rated.get("application/json", rated.get("application/*", rated.get("*/*", 0.0)))
    return rated.get("text/html", 0.0) > json_rating
