"""The operator's settings, read from a mapping of strings: the Worker's variables or the server's flags."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from crypt_core import ids
from crypt_core.brand import Brand
from crypt_core.create_tokens import CreateTokens
from crypt_core.parts import MAX_PART_BYTES
from crypt_core.setting_values import SettingsError, parse_seconds, parse_size, quoted
from crypt_core.webhook import Webhook

MIN_TTL = 60
"""Seconds. Cloudflare KV refuses a shorter one."""

DEFAULT_TTL = 86_400
"""Seconds: a day, for requests without a `ttl`."""


DEFAULT_MAX_FILE = 100_000_000
"""Bytes: what mail refuses and phones make."""

DEFAULT_UPLOAD_PER_HOUR = 512 << 20
"""Bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The service's settings, all within their bounds.

    Attributes:
        rate_limit_per_second: Requests that one client may make in any second; 0 is no limit.
        misses_per_hour: Plain ids without a message that one client may ask for in an hour; 0 is no limit.
        max_ttl: Seconds that a message may live at most.
        default_ttl: Seconds that a message lives without a `ttl`; `max_ttl`, if that is less.
        id_length: Characters of a plain message's id; `auto` is as many as the number of live messages demands.
        max_file: Bytes of all files of one message: clients are told, and keep to it. 0 switches files off.
        upload_per_hour: Bytes of parts that one client may upload in an hour; 0 is no limit.
        brand: The service's looks.
        create_tokens: Who may create messages; None is everybody.
        has_sign_on: Those who have signed on at the operator's proxy (`Request.user`) may create messages, and nobody
            else without a token.
        webhook: Who is told what became of messages whose senders want that; None is nobody.

    Raises:
        SettingsError: A value is out of its bounds.
    """

    NUMBERS: ClassVar = ("RATE_LIMIT_PER_SECOND", "MISSES_PER_HOUR", "ID_LENGTH")
    TIMES: ClassVar = ("MAX_TTL", "DEFAULT_TTL")
    SIZES: ClassVar = ("MAX_FILE", "UPLOAD_PER_HOUR")
    NAMES: ClassVar = (*NUMBERS, *TIMES, *SIZES, *Brand.NAMES)
    SECRETS: ClassVar = ("CREATE_TOKENS", "WEBHOOK", "WEBHOOK_SECRET")

    rate_limit_per_second: int = 3
    misses_per_hour: int = 60
    max_ttl: int = DEFAULT_TTL
    default_ttl: int = DEFAULT_TTL
    id_length: int | Literal["auto"] = ids.MIN_LENGTH
    max_file: int = DEFAULT_MAX_FILE
    upload_per_hour: int = DEFAULT_UPLOAD_PER_HOUR
    brand: Brand = field(default_factory=Brand)
    create_tokens: CreateTokens | None = None
    has_sign_on: bool = False
    webhook: Webhook | None = None

    def __post_init__(self) -> None:
        _check("RATE_LIMIT_PER_SECOND", self.rate_limit_per_second, 0, 100_000)
        _check("MISSES_PER_HOUR", self.misses_per_hour, 0, 1_000_000)
        _check("MAX_TTL", self.max_ttl, MIN_TTL, 365 * 86_400)
        _check("DEFAULT_TTL", self.default_ttl, MIN_TTL, 365 * 86_400)
        object.__setattr__(self, "default_ttl", min(self.default_ttl, self.max_ttl))  # the way of a frozen dataclass
        _check("MAX_FILE", self.max_file, 0, 1 << 50)
        if self.upload_per_hour:
            _check("UPLOAD_PER_HOUR", self.upload_per_hour, MAX_PART_BYTES, 1 << 50)
        if self.has_sign_on and self.create_tokens is None:
            object.__setattr__(self, "create_tokens", CreateTokens())
        if self.id_length != "auto":
            _check("ID_LENGTH", self.id_length, ids.MIN_LENGTH, ids.MAX_LENGTH)

    @classmethod
    def from_mapping(cls, values: Mapping[str, object]) -> "Settings":
        """Take the settings named in capitals from `values`. A setting that is missing or empty keeps its default.

        `CREATE_TOKENS` is the list itself. A list that is there and empty is a list: nobody may create messages.
        `CREATE_HEADER` is the header that says who has signed on; the platform believes it or not.
        `WEBHOOK` and `WEBHOOK_SECRET` go together.

        Raises:
            SettingsError: A value cannot be used, such as a number that is out of its bounds.
        """
        given: dict[str, Any] = {
            name.lower(): _parse(name, values[name]) for name in cls.NUMBERS if values.get(name, "") != ""
        }
        for names, parse in ((cls.TIMES, parse_seconds), (cls.SIZES, parse_size)):
            given |= {name.lower(): parse(name, str(values[name])) for name in names if values.get(name, "") != ""}
        tokens = values.get("CREATE_TOKENS")
        create_tokens = None if tokens is None else CreateTokens.parse(str(tokens))
        given |= {"create_tokens": create_tokens, "has_sign_on": bool(values.get("CREATE_HEADER"))}
        url, secret = (str(values.get(name) or "") for name in ("WEBHOOK", "WEBHOOK_SECRET"))
        webhook = Webhook.parse(url, secret) if url or secret else None
        return cls(**given, brand=Brand.from_mapping(values), webhook=webhook)


def _parse(name: str, value: object) -> int | str:
    text = str(value)
    if name == "ID_LENGTH" and text == "auto":
        return text
    if not (text.isascii() and text.isdigit()):
        raise SettingsError(f"{name} must be a whole number, not {quoted(text)}")
    return int(text)


def _check(name: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise SettingsError(f"{name} must be from {low} to {high}, not {value}")
