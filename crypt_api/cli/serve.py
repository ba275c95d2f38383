"""`crypt-api serve`."""

import logging
import os
import re
import sys
from ipaddress import ip_address

import click
from click.core import ParameterSource

from crypt_api.cli.number_options import Seconds, WholeNumber
from crypt_api.server.application import DEFAULT_STORE, ENVIRONMENT_PREFIX, open_application
from crypt_api.server.edge.limits import DEFAULT_IDLE_TIMEOUT, DEFAULT_MAX_CONNECTIONS, Limits
from crypt_api.server.edge.listening import ensure_descriptors, fill_standard_descriptors, listen
from crypt_api.server.run import hold_hangups, run
from crypt_core import ids
from crypt_core.setting_values import SettingsError
from crypt_core.settings import MIN_TTL, Settings
from crypt_core.store import StorageUnavailable

DEFAULTS = Settings()
_LOG = logging.getLogger(__name__)
_OTHER_VARIABLES = ("server", "token", "passphrase")
"""Those of the other commands."""

_NO_HTTPS = (
    "other machines reach this server without https, where browsers refuse to encrypt: put a proxy with https before "
    "it, and name it in --trusted-proxies (deploy/README.md)"
)
_HOST = re.compile(r"[\w.:%-]*")
"""Names and addresses. Anything else may be a URL with a password, and is not quoted."""


@click.command(
    context_settings={
        "auto_envvar_prefix": ENVIRONMENT_PREFIX.rstrip("_"),
        "show_default": True,
        "allow_extra_args": True,  # `serve` refuses them itself
    }
)
@click.option(
    "--host", metavar="ADDRESS", default="127.0.0.1", help="Address to listen on; :: takes all, those of IPv4, too."
)
@click.option(
    "--port", metavar="N", type=WholeNumber(0, 65_535), default=8787, help="Port to listen on; 0 takes a free one."
)
@click.option(
    "--store",
    metavar="URL",
    default=DEFAULT_STORE,
    help="Where messages are kept: sqlite:///PATH; valkey://HOST:PORT/DB?replicas=N for many servers; or memory: to "
    "try the service out.",
)
@click.option(
    "--max-storage",
    metavar="SIZE",
    default="1GiB",
    help="Room that the database's files may take, such as 500MB or 2GiB; 0 is no cap. Beyond it new messages get 503.",
)
@click.option(
    "--max-file",
    metavar="SIZE",
    default="100MB",
    help="The largest size of the files of one message together; 0 switches files off.",
)
@click.option(
    "--files",
    metavar="URL",
    default="",
    help="Keep files in an object store, which several servers can share: s3://BUCKET/PREFIX?endpoint=URL&region=NAME, "
    "gs://BUCKET/PREFIX or az://ACCOUNT/CONTAINER/PREFIX. Credentials come from the environment. Without it, files lie "
    "beside the SQLite file, and with valkey:// they are off.",
)
@click.option(
    "--max-file-storage",
    metavar="SIZE",
    default="2GiB",
    help="Room that files may take beside the SQLite file, apart from --max-storage; beyond it new files get 503. "
    "0 switches files off, also those in an object store.",
)
@click.option(
    "--upload-per-hour",
    metavar="SIZE",
    default="512MiB",
    help="Bytes of files that one client may upload in an hour; 0 is no limit.",
)
@click.option(
    "--rate-limit-per-second",
    metavar="N",
    default=str(DEFAULTS.rate_limit_per_second),
    help="Requests that one client may make in a second; 0 switches this limit and --misses-per-hour off.",
)
@click.option(
    "--misses-per-hour",
    metavar="N",
    default=str(DEFAULTS.misses_per_hour),
    help="Plain ids without a message that one client may ask for in an hour; 0 is no limit.",
)
@click.option(
    "--max-ttl",
    metavar="TIME",
    default="24h",
    help=f"The longest time until a message expires, such as 8h or 30d; {MIN_TTL}s at least.",
)
@click.option(
    "--default-ttl",
    metavar="TIME",
    default="24h",
    help="The time until a message expires if its sender asks for none.",
)
@click.option(
    "--id-length",
    metavar="N",
    default=str(DEFAULTS.id_length),
    help=f"Characters of an id, {ids.MIN_LENGTH} to {ids.MAX_LENGTH}; auto: as many as the number of messages demands.",
)
@click.option(
    "--trusted-proxies",
    metavar="CIDR,...",
    default="",
    help="Proxies whose X-Forwarded-For is believed: addresses and networks, separated by commas.",
)
@click.option(
    "--create-tokens",
    metavar="FILE",
    help="Only those who have a token of this file may create messages; crypt-api token makes tokens. SIGHUP reads the "
    "file again.",
)
@click.option(
    "--create-header",
    metavar="NAME",
    help="The header in which a sign-on names its user, such as X-Auth-Request-Email; only who has signed on, or has a "
    "token, may create messages. It is believed from --trusted-proxies alone.",
)
@click.option(
    "--webhook",
    metavar="URL",
    default="",
    help="Where to tell what became of messages whose senders want that: that they were read, or are gone.",
)
@click.option(
    "--webhook-secret-file",
    metavar="FILE",
    default="",
    help="The secret of its signatures (Standard Webhooks): whsec_ and the base64 of 24 to 64 random bytes.",
)
@click.option("--service-name", metavar="NAME", default=DEFAULTS.brand.service_name, help="The name on the pages.")
@click.option("--operator", metavar="NAME", default="", help="Who runs the service: readers are told.")
@click.option("--reader-note", metavar="TEXT", default="", help="A line of text for readers.")
@click.option("--imprint-url", metavar="URL", default="", help="The imprint, linked on each page.")
@click.option("--privacy-url", metavar="URL", default="", help="The privacy policy, linked on each page.")
@click.option("--source-url", metavar="URL", default="", help="The source code of the service, linked on each page.")
@click.option("--accent-colour", metavar="#RRGGBB", default="", help="The colour of buttons and links.")
@click.option("--logo", metavar="FILE", default="", help="A logo for the pages: an SVG, PNG or WebP file.")
@click.option(
    "--idle-timeout",
    metavar="SECONDS",
    type=Seconds(0, min_open=True),
    default=DEFAULT_IDLE_TIMEOUT,
    help="How long a client may take for a request's head, be silent in its body, or not take the response.",
)
@click.option(
    "--max-connections",
    metavar="N",
    type=WholeNumber(1, 1_000_000),
    default=DEFAULT_MAX_CONNECTIONS,
    help="Connections at a time. A new one beyond them replaces the one that has been idle longest.",
)
@click.option(
    "--metrics",
    metavar="HOST:PORT",
    default="",
    help="Serve /-/metrics for Prometheus on an address of its own, such as 127.0.0.1:9090; without it, nowhere.",
)
@click.option(
    "--access-log/--no-access-log",
    default=False,
    help="Log a line for each request: method, route, status and duration; no id and no address.",
)
@click.pass_context
def serve(  # noqa: PLR0913 - its options
    context: click.Context,
    /,
    host: str,
    port: int,
    *,
    idle_timeout: float,
    max_connections: int,
    metrics: str,
    access_log: bool,
    **settings: str | None,
) -> None:
    """Run the service on this machine. On SIGTERM it answers the requests that it has, and stops.

    Each flag can also be an environment variable: --max-ttl is CRYPT_API_MAX_TTL.
    """
    if context.args:  # not quoted, as click would: one may be a store's URL with a password
        raise click.UsageError("serve takes nothing but flags, such as --store=URL", context)
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    for name in ("crypt_api.server.stores", "crypt_api.server.parts", "crypt_api.server.application"):
        logging.getLogger(name).setLevel(logging.INFO)
    if access_log:
        logging.getLogger("crypt_api.access").setLevel(logging.INFO)
    for name in sorted(_unknown_variables(context)):
        _LOG.warning("%s is no setting of this server, and does nothing: is its name right?", name)
    flags = {ENVIRONMENT_PREFIX + name.upper(): value for name, value in settings.items() if value is not None}
    if settings["create_tokens"] is not None:
        hold_hangups()
    try:
        fill_standard_descriptors()
        ensure_descriptors(max_connections)
        listener = listen(_host(host), port)
        if not settings["trusted_proxies"] and not ip_address(listener.getsockname()[0].partition("%")[0]).is_loopback:
            _LOG.warning(_NO_HTTPS)
        metrics_listener = listen(*_address(metrics)) if metrics else None
        application = open_application({**os.environ, **flags})
        run(application, listener, Limits(idle_timeout, max_connections), metrics_listener)
    except (SettingsError, StorageUnavailable) as error:
        raise click.ClickException(_as_given(str(error), context)) from None


def _unknown_variables(context: click.Context) -> set[str]:
    """Variables that look like settings and are none. A list of tokens, say, that is misspelt would protect nothing."""
    known = {*context.params, *_OTHER_VARIABLES}
    prefix = ENVIRONMENT_PREFIX
    return {name for name in os.environ if name.startswith(prefix) and name.removeprefix(prefix).lower() not in known}


def _as_given(text: str, context: click.Context) -> str:
    """Name the setting at the text's beginning as the operator did: as a flag or as a variable."""
    setting = re.match(r"[A-Z_]*", text)
    name = setting[0] if setting else ""
    if name.lower() not in context.params:
        return text
    variable = ENVIRONMENT_PREFIX + name
    is_flag = context.get_parameter_source(name.lower()) is ParameterSource.COMMANDLINE
    given = variable if variable in os.environ and not is_flag else f"--{name.lower().replace('_', '-')}"
    return given + text.removeprefix(name)


def _host(text: str) -> str:
    if not _HOST.fullmatch(text):
        raise SettingsError("HOST must be an address or a name of this machine, such as 127.0.0.1 or ::")
    return text


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not host or not _HOST.fullmatch(host) or not (port.isascii() and port.isdigit()):
        raise SettingsError("METRICS must be HOST:PORT")
    return host, int(port)
