"""How a command reports an error: its text and advice on stderr, and its exit code."""

import sys
from collections.abc import Callable
from functools import wraps
from typing import Any

import click

from crypt_api.cli.delivery import Undelivered
from crypt_api.cli.exit_codes import code_and_advice
from crypt_api.cli.terminal import visible
from crypt_api.client.errors import CryptApiError


def reports_errors(command: Callable[..., None]) -> Callable[..., None]:
    """Decorate a command so that it reports the errors that it foresees."""

    @wraps(command)
    def wrapper(*args: Any, **kwargs: Any) -> None:
        try:
            command(*args, **kwargs)
        except (CryptApiError, Undelivered) as error:
            code, advice = code_and_advice(error)
            click.echo(visible(f"Error: {error}") + (f"\n{advice}" if advice else ""), err=True)
            sys.exit(code)

    return wrapper
