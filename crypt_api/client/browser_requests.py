"""Requests as browsers send them, so that a service does not see that its page is checked.

The headers are those of Firefox 140 and Chrome 140. A service can still tell this program from a browser, by its TLS.
"""

from collections.abc import Mapping
from enum import StrEnum

from crypt_core.http.page_texts import LANGUAGES

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"

BROWSERS = (FIREFOX, CHROME)

PLAIN: Mapping[str, str] = {"User-Agent": "curl/8.14.1", "Accept": "*/*"}
"""What a program sends."""


class Destination(StrEnum):
    """What the browser wants the response for (`Sec-Fetch-Dest`)."""

    DOCUMENT = "document"
    SCRIPT = "script"
    STYLE = "style"
    IMAGE = "image"
    EMPTY = "empty"


_ACCEPTED = {
    FIREFOX: {
        Destination.DOCUMENT: "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
        Destination.STYLE: "text/css,*/*;q=0.1",
        Destination.IMAGE: "image/avif,image/webp,image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5",
    },
    CHROME: {
        Destination.DOCUMENT: "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,"
        "*/*;q=0.8,application/signed-exchange;v=b3;q=0.7",
        Destination.STYLE: "text/css,*/*;q=0.1",
        Destination.IMAGE: "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8",
    },
}

_ENGLISH = {FIREFOX: "en-US,en;q=0.5", CHROME: "en-US,en;q=0.9"}

_CHROMES_HINTS = {
    "sec-ch-ua": '"Chromium";v="140", "Not=A?Brand";v="24", "Google Chrome";v="140"',
    "sec-ch-ua-mobile": "?0",
    "sec-ch-ua-platform": '"Linux"',
}


def browser_headers(
    destination: Destination, browser: str = FIREFOX, language: str = next(iter(LANGUAGES))
) -> dict[str, str]:
    """Give the headers by which a browser in this language asks for something of the page, or for a page itself."""
    is_page = destination is Destination.DOCUMENT
    mode = {Destination.DOCUMENT: "navigate", Destination.SCRIPT: "cors", Destination.EMPTY: "cors"}
    return {
        "Connection": "keep-alive",
        **(_CHROMES_HINTS if browser is CHROME else {}),
        **({"Upgrade-Insecure-Requests": "1"} if is_page else {}),
        "User-Agent": browser,
        "Accept": _ACCEPTED[browser].get(destination, "*/*"),
        "Sec-Fetch-Site": "none" if is_page else "same-origin",
        "Sec-Fetch-Mode": mode.get(destination, "no-cors"),
        **({"Sec-Fetch-User": "?1"} if is_page else {}),
        "Sec-Fetch-Dest": destination.value,
        "Accept-Encoding": "gzip, deflate",
        "Accept-Language": _ENGLISH[browser] if language == "en" else f"{language},en-US;q=0.7,en;q=0.3",
    }
