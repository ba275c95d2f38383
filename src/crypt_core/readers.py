"""Who asks for a message: somebody who means to read it, a browser on its way to a page, or a robot."""

from collections.abc import Mapping

from crypt_core.errors import PrefetchRefused, UnfurlerRefused

UNFURLERS = (
    "Slackbot", "Slack-ImgProxy",
    "SkypeUriPreview",  # Skype and Microsoft Teams
    "Discordbot",
    "WhatsApp",  # Signal says so, too
    "TelegramBot",
    "Twitterbot",
    "facebookexternalhit", "Facebot", "meta-externalagent",  # Messenger and Instagram; iMessage names the first two
    "LinkedInBot",
    "Googlebot", "GoogleOther", "Google-PageRenderer", "Google-Read-Aloud", "APIs-Google",
    "bingbot", "BingPreview", "MicrosoftPreview",  # the last one fetches for Outlook and Office
    "Applebot",
    "redditbot", "Pinterestbot", "vkShare", "Viber", "Line/", "ZoomBot", "Mattermost-Bot", "Rocket.Chat", "Mastodon/",
    "Embedly", "Iframely", "Outlook-SafeLinks", "ms-office", "Proofpoint", "Barracuda", "Mimecast",
)  # fmt: skip
"""What the User-Agent of a robot contains that fetches links to draw a preview of them, or to check them.

Robots that pose as a browser are not caught by it; they meet the page with the button, and press none.
"""

_UNFURLERS = tuple(name.lower() for name in UNFURLERS)


def refuse_robots(headers: Mapping[str, str]) -> None:
    """Let nobody take a message who did not mean to.

    Raises:
        PrefetchRefused: A browser only guesses that somebody might ask for it.
        UnfurlerRefused: A robot wants a preview.
    """
    if "prefetch" in headers.get("sec-purpose", headers.get("purpose", "")).lower():
        raise PrefetchRefused
    agent = headers.get("user-agent", "").lower()
    if any(name in agent for name in _UNFURLERS):
        raise UnfurlerRefused


def is_navigation(headers: Mapping[str, str]) -> bool:
    """Whether a browser asks for a page to show, rather than a program for data."""
    mode = headers.get("sec-fetch-mode")
    return mode == "navigate" if mode else prefers_html(headers)


def prefers_html(headers: Mapping[str, str]) -> bool:
    """Whether `Accept` names HTML, and rates it above anything that JSON would be (RFC 9110, section 12.5.1)."""
    rated: dict[str, float] = {}
    for part in headers.get("accept", "").lower().split(","):
        media_type, *parameters = (piece.strip() for piece in part.split(";"))
        quality = next((p.removeprefix("q=") for p in parameters if p.startswith("q=")), "1")
        rated[media_type] = float(quality) if quality.replace(".", "", 1).isdecimal() and quality.isascii() else 0.0
    json_rating = rated.get("application/json", rated.get("application/*", rated.get("*/*", 0.0)))
    return rated.get("text/html", 0.0) > json_rating
