"""How a command reports an error or an interruption: its text and advice on stderr, and its exit code."""

import sys
from collections.abc import Callable
from functools import wraps
from typing import Any

import click

from crypt_api.cli.delivery import Undelivered
from crypt_api.cli.exit_codes import INTERRUPTED, code_and_advice
from crypt_api.cli.terminal import tell, visible
from crypt_api.cli.times import shown
from crypt_api.cli.used_link import User, user
from crypt_api.client.errors import AlreadyRead, CryptApiError, Destroyed, LostRead


def reports_errors(interrupted: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Decorate a command so that it reports the errors that it foresees.

    `interrupted` says what Ctrl-C may have left behind while the service was asked.
    """

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        @wraps(command)
        def wrapper(*args: Any, **kwargs: Any) -> None:
            try:
                command(*args, **kwargs)
            except (CryptApiError, Undelivered) as error:
                code, advice = code_and_advice(error, user())
                text = visible(_text(error), lines=False)  # it may be the service's own
                _end(f"Error: {text}" + (f"\n{advice}" if advice else ""), code)
            except click.Abort:  # at a question; what the service was asked before, it has refused
                _end("Interrupted. Nothing was sent or read.", INTERRUPTED)
            except KeyboardInterrupt:
                _end(f"Interrupted. {interrupted}", INTERRUPTED)

        return wrapper

    return decorate


def _end(text: str, code: int) -> None:
    tell(text)
    sys.exit(code)


def _text(error: Exception) -> str:
    """The text of an error, with times in the same form as everywhere on the command line."""
    is_message = user() is User.READER
    match error:
        case AlreadyRead(at=at):
            how = "perhaps by this command" if isinstance(error, LostRead) else "before"
            return f"The {'message' if is_message else 'answer'} was read {how}, at {shown(at, sys.stderr)}."
        case Destroyed(at=at):
            return f"The {'message' if is_message else 'question'} was destroyed at {shown(at, sys.stderr)}."
    return str(error)
