"""Requests that no person meant: robots, browsers that prefetch, embeds, parts of a download. They read nothing.

A robot that poses as a browser is not recognized here. If it asks for HTML, as a browser's navigation does, it gets the
page with the button, and presses no button.
"""

from collections.abc import Mapping
from functools import lru_cache

from crypt_core.http.errors import EmbedRefused, PrefetchRefused, RangeRefused, RobotRefused

MARKS = ("bot", "crawl", "spider", "slurp", "scraper", "fetcher", "checker", "validator", "monitor", "preview", "+http")
"""What robots that say that they are robots have in their User-Agents; `+http` is a robot's page about itself."""

ROBOTS = (
    "facebookexternalhit", "meta-external",  # Messenger and Instagram; iMessage, LINE and KakaoTalk say the first, too
    "WhatsApp",  # Signal says so, too
    "GoogleOther", "Google-InspectionTool", "Google-PageRenderer", "Google-Safety", "Google-Site-Verification",
    "Google Favicon", "GoogleImageProxy", "Mediapartners-Google",
    "Viber", "Mastodon/", "Bluesky/", "Rocket.Chat", "Discourse Forum Onebox", "SteamChatURLLookup",
    "WebsiteMetadataRetriever",  # Asana
    "notion.so", "github-camo", "YahooMailProxy", "Embedly", "Iframely", "Claude-User", "ia_archiver",
    "Outlook-SafeLinks", "ms-office", "Proofpoint", "Barracuda", "Mimecast",
)  # fmt: skip
"""Parts of the User-Agents of robots that have none of the marks."""

NO_ROBOTS = (
    "cubot",  # phones
    "-preview.",  # releases, such as PowerShell/7.6.0-preview.4
    "+https://github.com/", "+http://github.com/",  # libraries: where their code is
)  # fmt: skip
"""Parts of the User-Agents of phones and programs that look like marks."""

MAX_AGENT_LENGTH = 2_048
"""Characters of `User-Agent` that are looked at. Browsers send about 150, and robots fewer than 500."""

_ROBOT_PARTS = tuple(part.lower() for part in MARKS + ROBOTS)

_PURPOSES = ("sec-purpose", "purpose", "x-purpose", "x-moz")
"""Headers in which browsers of all ages say why they send a request."""

_READERS = ("", "empty", "document")
"""Values of `Sec-Fetch-Dest`: a script that will get the response, or a person. Any other is a part of some page."""

_EMBEDDED = ("image/", "text/css", "audio/", "video/", "font/", "application/font")
"""What `Accept` begins with when a page loads a part of itself. Over plain HTTP, browsers send no `Sec-Fetch-Dest`."""


def refuse_unmeant(headers: Mapping[str, str]) -> None:
    """Refuse a request that no person meant.

    Raises:
        PrefetchRefused: A browser fetches the message in case its user asks for it, or to draw a small picture of it.
        EmbedRefused: A page loads the message as a picture, a script, a frame or the like.
        RangeRefused: The client asks for a part. It would not get the rest.
        RobotRefused: A robot fetches the link.
    """
    for name in _PURPOSES:
        purpose = headers.get(name, "").lower()
        if "prefetch" in purpose or "preview" in purpose:
            raise PrefetchRefused
    if headers.get("sec-fetch-mode") == "no-cors" or headers.get("sec-fetch-dest", "") not in _READERS:
        raise EmbedRefused
    if headers.get("accept", "").lower().startswith(_EMBEDDED):
        raise EmbedRefused
    if "range" in headers:
        raise RangeRefused
    if _is_robot(headers.get("user-agent", "")[:MAX_AGENT_LENGTH]):
        raise RobotRefused


@lru_cache(1_000)  # few User-Agents send most requests
def _is_robot(agent: str) -> bool:
    agent = agent.lower()
    for part in NO_ROBOTS:
        agent = agent.replace(part, "")
    return any(part in agent for part in _ROBOT_PARTS)
