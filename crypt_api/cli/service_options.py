"""The options that say which service stores something, and what it wants for that: server, token and lifetime."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Any

import click

from crypt_api.cli.lifetimes import Lifetime, bounds
from crypt_api.cli.secret_files import SecretFile, given_secret
from crypt_api.client.errors import Refused
from crypt_api.client.links import origin_of
from crypt_core.http.errors import InvalidField

TOKEN_VARIABLE = "CRYPT_API_TOKEN"  # noqa: S105 - its name


def service_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give the command its `server`, and its `token` from `--token-file` or the environment."""

    @click.option(
        "--server",
        envvar="CRYPT_API_SERVER",
        default="http://127.0.0.1:8787",
        show_default=True,
        show_envvar=True,
        help="The service to send to.",
    )
    @click.option(
        "--token-file",
        type=SecretFile(),
        help=f"Read the token from the first line of this file, where the service wants one. Or set {TOKEN_VARIABLE}.",
    )
    @wraps(command)
    def with_token(token_file: Path | None, **options: Any) -> None:
        command(token=given_secret(token_file, TOKEN_VARIABLE), **options)

    return with_token


def ttl_option(what: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give the command its `ttl` in seconds. `what` expires."""
    text = f"When the {what} expires: 90s, 15m, 1h, 7d, as far as the service allows."
    return click.option("-t", "--ttl", type=Lifetime(), metavar="TIME", help=text)


def notify_option(what: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give the command its `notify`: by what word the operator's receiver is told what becomes of the `what`."""
    text = f"Have the service's webhook tell what becomes of the {what}, by this reference of yours."
    return click.option("--notify", metavar="REFERENCE", help=text)


@contextmanager
def tells_bounds(server: str, ttl: int | None) -> Iterator[None]:
    """If the service refuses the lifetime, say which ones it takes."""
    try:
        yield
    except Refused as error:
        is_about_ttl = error.code == InvalidField.code and "'ttl'" in str(error)
        if is_about_ttl and ttl is not None and (allowed := bounds(origin_of(server))):
            raise Refused(f"A message lives {allowed} here.", error.code) from None
        raise
