"""Requests that no person meant: robots that fetch links, and browsers that prefetch. They read nothing."""

from collections.abc import Mapping

from crypt_core.errors import PrefetchRefused, RobotRefused

ROBOTS = (
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
"""Parts of the User-Agents of robots that fetch links to draw a preview of them, or to check them.

A robot that poses as a browser is not caught by this list. It gets the page with the button, and presses no button.
"""

_ROBOTS = tuple(name.lower() for name in ROBOTS)


def refuse_robots(headers: Mapping[str, str]) -> None:
    """Refuse a request that no person meant.

    Raises:
        PrefetchRefused: A browser fetches the message in case its user asks for it.
        RobotRefused: A robot fetches the link.
    """
    if "prefetch" in headers.get("sec-purpose", headers.get("purpose", "")).lower():
        raise PrefetchRefused
    agent = headers.get("user-agent", "").lower()
    if any(name in agent for name in _ROBOTS):
        raise RobotRefused
