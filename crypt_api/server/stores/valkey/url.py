"""The store's URL: the engine's address, and the settings of the store."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from urllib.parse import SplitResult, unquote, urlsplit

from crypt_core.setting_values import SettingsError

TLS_SCHEMES = ("valkeys", "rediss")
DEFAULT_PORT = 6379
DEFAULT_SENTINEL_PORT = 26_379
DEFAULT_PREFIX = "crypt:"
DEFAULT_DEADLINE = 2.0
"""Seconds."""

Host = tuple[str, int]

UNREADABLE = (
    "STORE must be like valkey://user:password@host:6379/0?replicas=1. In a user and a password, special characters "
    "are percent-encoded: / is %2F, # is %23, ? is %3F, @ is %40, : is %3A, % is %25"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ValkeySettings:
    """The content of a URL such as `valkey://user:password@host:6379/0?replicas=1`.

    Attributes:
        hosts: The engine's address; several of a Cluster; those of the Sentinels where `sentinel` is set.
        path: The path of a Unix socket, instead of `hosts`.
        tls: Whether connections are encrypted, and the engine's certificate is checked.
        ca: A file with the certificates that are trusted instead of the system's; empty for the system's.
        username: Empty for the engine's default user.
        password: Empty if the engine asks for none.
        sentinel_password: The Sentinels' own; empty if they ask for none.
        db: The number of the database; always 0 in a Cluster.
        prefix: The start of the names of all keys.
        replicas: Replicas that must have a write before anybody is answered: all that may be promoted.
        fsync_replicas: Those of them that must have it in their append-only file; counts where the primary has one.
        sentinel: The name that the Sentinels know the primary by; empty without Sentinel.
        cluster: Whether the engine is a Cluster.
        deadline: Seconds that a command may take before it is answered with 503.
    """

    hosts: tuple[Host, ...] = ()
    path: str = ""
    tls: bool = False
    ca: str = ""
    username: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    sentinel_password: str = field(default="", repr=False)
    db: int = 0
    prefix: str = DEFAULT_PREFIX
    replicas: int = 0
    fsync_replicas: int = 0
    sentinel: str = ""
    cluster: bool = False
    deadline: float = DEFAULT_DEADLINE


def parse_url(url: str) -> ValkeySettings:
    """Read the URL.

    Raises:
        SettingsError: It cannot be used. The text quotes nothing of the URL: any part of it may be of a password.
    """
    if "#" in url:
        raise SettingsError(UNREADABLE)
    try:
        parts = urlsplit(url)
        options = _options(parts.query)
        user, _, address = parts.netloc.rpartition("@")
        username, _, password = user.partition(":")
        sentinel = options.get("sentinel", "")
        hosts = _hosts(address, DEFAULT_SENTINEL_PORT if sentinel else DEFAULT_PORT)
        replicas = _number(options, "replicas", 0)
        settings = ValkeySettings(
            hosts=() if parts.scheme == "unix" else hosts,
            path=_socket_path(parts),
            tls=parts.scheme in TLS_SCHEMES,
            ca=options.get("ca", ""),
            username=unquote(username, errors="strict"),
            password=unquote(password, errors="strict"),
            sentinel_password=options.get("sentinel_password", ""),
            db=_db(parts, options),
            prefix=options.get("prefix", DEFAULT_PREFIX),
            replicas=replicas,
            fsync_replicas=_number(options, "fsync_replicas", replicas),
            sentinel=sentinel,
            cluster=_number(options, "cluster", int(len(hosts) > 1 and not sentinel)) != 0,
            deadline=_deadline(options),
        )
    except SettingsError:
        raise
    except ValueError:  # of the standard library, whose text quotes what it was given
        raise SettingsError(UNREADABLE) from None
    _check(settings)
    return settings


OPTIONS = ("replicas", "fsync_replicas", "prefix", "sentinel", "sentinel_password", "cluster", "deadline", "ca", "db")


def _options(query: str) -> Mapping[str, str]:
    options: dict[str, str] = {}
    for option in query.split("&") if query else ():
        name, equals, value = option.partition("=")
        if not equals:
            raise SettingsError(UNREADABLE)
        if name not in OPTIONS:
            meant = [f" (did you mean {guess}?)" for guess in get_close_matches(name, OPTIONS, 1)]
            raise SettingsError(f"STORE has an unknown option{''.join(meant)}. There are {', '.join(OPTIONS)}")
        options[name] = unquote(value)
    return options


def _hosts(address: str, default_port: int) -> tuple[Host, ...]:
    hosts = [urlsplit(f"//{part}") for part in address.split(",")]
    return tuple((host.hostname or "localhost", host.port or default_port) for host in hosts)


def _socket_path(parts: SplitResult) -> str:
    if "@" in parts.path:  # the slash before it belongs to the password
        raise SettingsError(UNREADABLE)
    return unquote(parts.path) if parts.scheme == "unix" else ""


def _number(options: Mapping[str, str], name: str, default: int) -> int:
    text = options.get(name, str(default))
    if not (text.isascii() and text.isdigit()):
        raise SettingsError(f"STORE: {name} must be a whole number")
    return int(text)


def _db(parts: SplitResult, options: Mapping[str, str]) -> int:
    if parts.scheme == "unix" or not (path := parts.path.strip("/")):
        return _number(options, "db", 0)
    if not (path.isascii() and path.isdigit()):
        raise SettingsError(UNREADABLE)
    return int(path)


def _deadline(options: Mapping[str, str]) -> float:
    try:
        deadline = float(options.get("deadline", DEFAULT_DEADLINE))
    except ValueError:
        deadline = 0.0
    if not 0.1 <= deadline <= 60:  # noqa: PLR2004
        raise SettingsError("STORE: deadline must be from 0.1 to 60 seconds")
    return deadline


def _check(settings: ValkeySettings) -> None:
    if not settings.hosts and not settings.path:
        raise SettingsError("STORE: unix:// needs the path of a socket")
    if settings.fsync_replicas > settings.replicas:
        raise SettingsError("STORE: fsync_replicas must not be more than replicas")
    if settings.cluster and settings.db:
        raise SettingsError("STORE: a Cluster has only the database 0")
