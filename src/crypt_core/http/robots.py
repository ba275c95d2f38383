"""Requests that no person meant: robots, browsers that prefetch, embeds, parts of a download. They read nothing.

A robot that poses as a browser is not recognized here. If it asks for HTML, as a browser's navigation does, it gets the
page with the button, and presses no button.
"""

import re
from collections.abc import Mapping
from functools import lru_cache

from crypt_core.http.errors import EmbedRefused, PrefetchRefused, RangeRefused, RobotRefused

MARKS = (
    "bot", "crawl", "spider", "slurp", "scraper", "fetcher", "checker", "validator", "monitor", "preview",
    "unfurl", "opengraph", "scanner", "uptime", "favicon", "screenshot", "subscriber", "linkcheck", "checklink",
    "imageproxy", "image proxy", "imgproxy", "mailto:", "; compatible;",
)  # fmt: skip
"""What robots that say that they are robots have in their User-Agents."""

FORMS = (
    r"(?:^|[(;, ])\+ ?[a-z]",  # where a robot tells about itself: +https://example.org, +name@example.org
    r"^mozilla/5\.0.*\(compatible;(?! ?(?:msie |konqueror|u; ))",  # how robots name themselves, and old browsers
    r"^mozilla/5\.0.*https?://",  # no browser has an address in its name
)
"""Regular expressions for the same, over the User-Agent in lower case."""

ROBOTS = (
    "facebookexternalhit", "facebookcatalog", "meta-external",  # also Messenger, Instagram, iMessage, LINE, KakaoTalk
    "WhatsApp",  # Signal says so, too
    "GoogleOther", "Google-InspectionTool", "Google-PageRenderer", "Google-Safety", "Google-Site-Verification",
    "Mediapartners-Google",
    "Viber", "Mastodon/", "Lemmy/", "Pleroma", "Akkoma", "Friendica", "Bluesky/", "Tumblr/", "Rocket.Chat",
    "Discourse Forum Onebox", "SteamChatURLLookup",
    "WebsiteMetadataRetriever",  # Asana
    "matrix-media-repo",  # Matrix
    "VirusTotal", "urlscan",
    "notion.so", "github-camo", "YahooMailProxy", "Embedly", "Iframely", "Claude-User", "ia_archiver",
    "Outlook-SafeLinks", "ms-office", "Microsoft Office", "Proofpoint", "Barracuda", "Mimecast",
)  # fmt: skip
"""Parts of the User-Agents of robots that have none of the marks."""

NO_ROBOTS = (
    "cubot",  # phones
    "botocore|boto3",  # the library of AWS
    r"\d-preview",  # releases, such as PowerShell/7.6.0-preview.4
    r"\(compatible; google-apps-script;[^)]*\)",  # scripts of Google's users, who cannot choose another User-Agent
    r"drupal(?:/[\w.-]+)? \(\+https?://(?:www\.)?drupal\.org/?\)",
    r"\+https://(?:www\.)?(?:terraform|packer|vaultproject|chef)\.io\b",  # tools of people who run servers
    r"chilkat/[\d.]+ \(\+https?://(?:www\.)?chilkatsoft\.com/",
    r"retool/[\d.]+ \(\+https://docs\.(?:try)?retool\.com/[^)]*\)",
    r"\(compatible; u; anyevent-http/[\d.]+; \+http[^)]*\)",  # a library for Perl
    r"\+(?=https?://(?:github\.com|gitlab\.com|codeberg\.org|bitbucket\.org|npm\.im)/)",  # libraries: their code
)
"""Regular expressions for what looks like a mark in the User-Agents of phones, and of programs that people wrote."""

MAX_AGENT_LENGTH = 1_024
"""Characters of `User-Agent` that are looked at. Browsers send about 150, and robots fewer than 500."""

_ROBOT_PARTS = tuple(part.lower() for part in MARKS + ROBOTS)
_ROBOT_FORM = re.compile("|".join(FORMS))
_NO_ROBOT = re.compile("|".join(NO_ROBOTS))

_PURPOSES = ("sec-purpose", "purpose", "x-purpose", "x-moz")
"""Headers in which browsers of all ages say why they send a request."""

_READERS = ("", "empty", "document")
"""Values of `Sec-Fetch-Dest`: a script that will get the response, or a person. Any other is a part of some page."""

_EMBEDDED = ("image/", "text/css", "audio/", "video/", "font/", "application/font", "text/event-stream")
"""What `Accept` begins with when a page loads a part of itself, or listens for events: no script gets a message then.

Over plain HTTP, browsers send no `Sec-Fetch-Dest`.
"""


def refuse_unmeant(headers: Mapping[str, str]) -> None:
    """Refuse a request that no person meant.

    Raises:
        PrefetchRefused: A browser fetches the message in case its user asks for it, or to draw a small picture of it.
        EmbedRefused: A page loads the message as a picture, a script, a frame or the like; or opens a WebSocket.
        RangeRefused: The client asks for a part. It would not get the rest.
        RobotRefused: A robot fetches the link. No robot sends an `Idempotency-Key`: that is a program for this service.
    """
    for name in _PURPOSES:
        purpose = headers.get(name, "").lower()
        if "prefetch" in purpose or "preview" in purpose:
            raise PrefetchRefused
    if headers.get("sec-fetch-mode") == "no-cors" or headers.get("sec-fetch-dest", "") not in _READERS:
        raise EmbedRefused
    if headers.get("accept", "").lower().startswith(_EMBEDDED) or "sec-websocket-key" in headers:
        raise EmbedRefused
    if "range" in headers:
        raise RangeRefused
    if "idempotency-key" not in headers and is_robot(headers):
        raise RobotRefused


def is_robot(headers: Mapping[str, str]) -> bool:
    """Whether a robot fetches an address by itself, to draw a preview or to check it, by its User-Agent."""
    return _is_robot(headers.get("user-agent", "")[:MAX_AGENT_LENGTH])


@lru_cache(1_000)  # few User-Agents send most requests
def _is_robot(agent: str) -> bool:
    agent = agent.lower()
    return _looks_like_robot(agent) and _looks_like_robot(_NO_ROBOT.sub("", agent))


def _looks_like_robot(agent: str) -> bool:
    return any(part in agent for part in _ROBOT_PARTS) or _ROBOT_FORM.search(agent) is not None
