"""The URL of the object store: which bucket, and how it is reached."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlsplit

from crypt_core.setting_values import SettingsError

FORMS = "s3://BUCKET/PREFIX?endpoint=URL&region=NAME, gs://BUCKET/PREFIX or az://ACCOUNT/CONTAINER/PREFIX"

_OPTIONS: Mapping[str, tuple[str, ...]] = {"s3": ("endpoint", "region"), "gs": (), "az": ("endpoint",)}
"""The options of each scheme. They are options of obstore's, with the same names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectStoreSettings:
    """What a URL such as `s3://bucket/prefix?endpoint=https://s3.example.org` says.

    Attributes:
        url: What obstore takes: bucket and prefix.
        options: obstore's: `endpoint` and `region`, where they are given, and Azure's `account_name`.
    """

    url: str
    options: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_s3(self) -> bool:
        return self.url.startswith("s3://")

    @property
    def allows_http(self) -> bool:
        """Whether the operator has named an address without TLS, as for a store on the same machine."""
        return self.options.get("endpoint", "").startswith("http://")


def parse_url(url: str) -> ObjectStoreSettings:
    """Read the URL.

    Raises:
        SettingsError: It cannot be used. The text does not quote the URL, which may have a password.
    """
    try:
        parts = urlsplit(url)
        options = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query)))
    except ValueError:
        raise SettingsError(f"FILES must be {FORMS}") from None
    known = _OPTIONS.get(parts.scheme)
    if known is None or not parts.netloc:
        raise SettingsError(f"FILES must be {FORMS}")
    if "@" in parts.netloc or "@" in options.get("endpoint", ""):
        raise SettingsError("FILES must not have a user or a password: credentials are read from the environment")
    for name, value in options.items():
        if name not in known or not value:
            raise SettingsError(f"FILES: {name[:30]!r} is no option of {parts.scheme}://, or is empty")
    if "endpoint" in options and not options["endpoint"].startswith(("https://", "http://")):
        raise SettingsError("FILES: endpoint must begin with https:// or http://")
    place = f"{parts.netloc}{parts.path.rstrip('/')}"
    if parts.scheme == "az":  # in obstore's URLs, the account has no place
        account, _, place = place.partition("/")
        if not place:
            raise SettingsError(f"FILES must be {FORMS}")
        options["account_name"] = account
    return ObjectStoreSettings(url=f"{parts.scheme}://{place}", options=options)
