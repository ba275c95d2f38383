"""What an operator makes the service's own: name, logo, colour, and what readers are told about the operator.

Everything here ends up in HTML, CSS or a response of this service, so each value is checked when the service starts.
"""

import re
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from crypt_core.setting_values import SettingsError

MAX_TEXT_LENGTH = 300
"""Characters of a name or a line of text."""

MIN_CONTRAST = 4.5
"""Of the colour against white (WCAG 2.2, 1.4.3): white text is written on the colour, and the colour on white."""

MAX_LOGO_BYTES = 100_000
"""Of the picture itself. Anybody may fetch it as often as they like, and each response waits in the server's memory."""

_ADDRESS = re.compile(r"https://[^\s\"'<>]{1,500}")
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" fill="#0b5a6f"/>'
    '<path d="M7 10h18v12H7zm0 0 9 7 9-7" fill="none" stroke="#fff" stroke-width="2" stroke-linejoin="round"/></svg>\n'
)
"""The page's static icon: a service with a colour and without a logo has it in its colour."""

_LOGO_TOO_LARGE = f"LOGO must have at most {MAX_LOGO_BYTES:,} bytes"
_ICON_COLOUR = "#0b5a6f"
_LOGO = re.compile(r"data:(image/svg\+xml|image/png|image/webp);base64,([A-Za-z0-9+/]+=*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Brand:
    """The settings of the service's looks. Empty values leave things as they come.

    Attributes:
        service_name: What the service is called.
        operator: Who runs the service; readers, who did not choose the service, are told.
        reader_note: A line of text for readers.
        imprint_url: The address of the page that says who the operator is.
        privacy_url: The address of the page that says what becomes of data.
        source_url: The address of the program's source code, as it runs here.
        accent_colour: The colour of buttons and links, such as `#0b5a6f`.
        logo: A picture, as a `data:` address.

    Raises:
        SettingsError: A value cannot be used.
    """

    NAMES: ClassVar = (
        "SERVICE_NAME",
        "OPERATOR",
        "READER_NOTE",
        "IMPRINT_URL",
        "PRIVACY_URL",
        "SOURCE_URL",
        "ACCENT_COLOUR",
        "LOGO",
    )

    service_name: str = "crypt"
    operator: str = ""
    reader_note: str = ""
    imprint_url: str = ""
    privacy_url: str = ""
    source_url: str = ""
    accent_colour: str = ""
    logo: str = ""

    def __post_init__(self) -> None:
        for name in ("SERVICE_NAME", "OPERATOR", "READER_NOTE"):
            text = getattr(self, name.lower())
            if len(text) > MAX_TEXT_LENGTH or not text.isprintable():
                raise SettingsError(f"{name} must be one line of {MAX_TEXT_LENGTH} characters at most")
        _check("IMPRINT_URL", self.imprint_url, _ADDRESS, "an address that starts with https://")
        _check("PRIVACY_URL", self.privacy_url, _ADDRESS, "an address that starts with https://")
        _check("SOURCE_URL", self.source_url, _ADDRESS, "an address that starts with https://")
        _check("ACCENT_COLOUR", self.accent_colour, _COLOUR, "a colour such as #0b5a6f")
        _check_logo(self.logo)
        if self.accent_colour and (contrast := _contrast_to_white(self.accent_colour)) < MIN_CONTRAST:
            raise SettingsError(f"ACCENT_COLOUR is too light to be read: contrast {contrast:.1f}, needs {MIN_CONTRAST}")

    @classmethod
    def from_mapping(cls, values: Mapping[str, object]) -> "Brand":
        """Take the settings named in capitals from `values`. A setting that is missing or empty keeps its default."""
        return cls(**{name.lower(): str(values[name]) for name in cls.NAMES if values.get(name, "") != ""})

    @property
    def has_picture(self) -> bool:
        return bool(self.logo or self.accent_colour)

    @property
    def picture(self) -> tuple[str, bytes] | None:
        """The media type and bytes of the logo, or of the icon in the operator's colour; None if there is neither.

        It is decoded each time, so that whoever needs it keeps it.
        """
        if match := _LOGO.fullmatch(self.logo):
            return match[1], b64decode(match[2])
        if self.accent_colour:
            return "image/svg+xml", ICON.replace(_ICON_COLOUR, self.accent_colour).encode()
        return None

    @property
    def style(self) -> str:
        """The style sheet that gives the pages the colour; lighter in the dark scheme, to be read there, too."""
        if not self.accent_colour:
            return ""
        light = f"color-mix(in srgb, {self.accent_colour} 45%, #fff)"
        return (
            f":root {{ --accent: {self.accent_colour}; --accent-strong: color-mix(in srgb, {self.accent_colour} 80%, "
            f"#000); --tint: color-mix(in srgb, {self.accent_colour} 10%, #fff); }}\n"
            f"@media (prefers-color-scheme: dark) {{ :root {{ --accent: {light}; --accent-strong: color-mix(in srgb, "
            f"{self.accent_colour} 30%, #fff); --on-accent: #111; --tint: color-mix(in srgb, {self.accent_colour} 25%, "
            f"#1a2023); }} }}\n"
        )


def _check(name: str, value: str, form: re.Pattern[str], meaning: str) -> None:
    if value and not form.fullmatch(value):
        raise SettingsError(f"{name} must be {meaning}")


def _check_logo(address: str) -> None:
    if len(address) > 2 * MAX_LOGO_BYTES:  # in base64, 4 characters are 3 bytes
        raise SettingsError(_LOGO_TOO_LARGE)
    _check("LOGO", address, _LOGO, "data:image/svg+xml;base64,… (or image/png, image/webp)")
    try:
        data = b64decode(address.partition(",")[2])
    except ValueError:
        raise SettingsError("LOGO is cut off: its base64 does not end where it says") from None
    if len(data) > MAX_LOGO_BYTES:
        raise SettingsError(_LOGO_TOO_LARGE)


def _contrast_to_white(colour: str) -> float:
    """The contrast ratio of WCAG 2.2, by the relative luminance of sRGB."""
    channels = [int(colour[index : index + 2], 16) / 255 for index in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)  # noqa: PLR2004
    return 1.05 / (0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05)
