"""The link that a command uses, and so who its user is: errors give other advice to an asker than to a reader."""

from contextlib import suppress
from enum import Enum, auto

import click

from crypt_api.client.ask_keys import AnswerKey, AskSecret
from crypt_api.client.errors import InvalidLink
from crypt_api.client.links import parse_link

_KEY = "crypt_api.link"


class User(Enum):
    """Who has the link: the sender or reader of a message, or one of the two sides of a question."""

    READER = auto()
    ASKER = auto()
    ANSWERER = auto()


def use_link(link: str) -> str:
    """Remember the link for the rest of the command."""
    click.get_current_context().meta[_KEY] = link
    return link


def user() -> User:
    """Tell who has the command's link: a reader if the command has no link, or a text that is no link."""
    with suppress(InvalidLink):
        match parse_link(click.get_current_context().meta.get(_KEY, "")).secret:
            case AskSecret():
                return User.ASKER
            case AnswerKey():
                return User.ANSWERER
    return User.READER
