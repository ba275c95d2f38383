"""The operator's settings, read out of a service's home page: its HTML has them in it."""

import html
import json
import re
from base64 import b64encode

import httpx

from crypt_core.brand import Brand
from crypt_core.create_tokens import CreateTokens
from crypt_core.settings import Settings
from crypt_core.webhook import Webhook


def settings_in(page: str, style: str, logo: httpx.Response) -> Settings:
    """Give the settings that a page, a style sheet and a logo seem to have been made with.

    What else is in them is found out when they are made again and compared.

    Raises:
        SettingsError: A setting has a value that no operator can give it.
        KeyError, TypeError, ValueError, RecursionError: This is no such page.
    """

    def value(pattern: str) -> str:
        match = re.search(pattern, page)
        return html.unescape(match[1]) if match else ""

    operator = json.loads(value(r'data-text="about\.operator" data-values="([^"]*)"') or '{"operator": ""}')["operator"]
    colour = re.match(r":root { --accent: (#[0-9a-fA-F]{6});", style)
    picture = f"data:{logo.headers.get('content-type')};base64,{b64encode(logo.content).decode()}"
    brand = Brand(
        service_name=value(r'<span id="name">([^<]*)</span>'),
        operator=str(operator),
        reader_note=value(r'<p dir="auto">([^<]*)</p>'),
        imprint_url=value(r'<a href="([^"]*)" rel="noreferrer" data-text="footer\.imprint">'),
        privacy_url=value(r'<a href="([^"]*)" rel="noreferrer" data-text="footer\.privacy">'),
        source_url=value(r'<a href="([^"]*)" rel="noreferrer" data-text="footer\.source">'),
        accent_colour=colour[1] if colour else "",
        logo=picture if logo.is_success else "",
    )
    return Settings(
        max_ttl=int(value(r'data-max-ttl="(\d{1,9})"')),
        default_ttl=int(value(r'data-default-ttl="(\d{1,9})"')),
        brand=brand,
        create_tokens=CreateTokens((("", "somebody"),)) if "data-needs-token" in page else None,
        webhook=Webhook("", b"") if "data-notify" in page else None,
    )
