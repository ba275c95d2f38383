"""Who may create messages, where the operator does not let everybody: those who have one of the tokens.

The operator's list has a line for each token: a label, which metrics show, and the token's hash. Only their
owners have the tokens themselves.
"""

import re
import secrets
from dataclasses import dataclass

from crypt_core.encoding import BASE64URL_OF_32_BYTES, digest
from crypt_core.setting_values import SettingsError

_LINE = re.compile(rf"([\w.@-]{{1,50}})[ \t]+({BASE64URL_OF_32_BYTES})", re.ASCII)

BOM = "\ufeff"
"""Editors of Windows write it before the first line."""

TOKEN_BYTES = 32
"""Random, so that the hash needs no salt and no slowness."""


@dataclass(frozen=True, slots=True)
class CreateTokens:
    """The operator's list: pairs of a token's hash and its label. With an empty list, nobody may create messages."""

    labels: tuple[tuple[str, str], ...] = ()

    @classmethod
    def parse(cls, text: str) -> "CreateTokens":
        """Read the operator's list. Empty lines, and those that start with `#`, are ignored.

        Raises:
            SettingsError: A line is not a label and a hash. It is not quoted: it may be a token.
        """
        labels = {}
        for number, line in enumerate(map(str.strip, text.removeprefix(BOM).splitlines()), 1):
            if not line or line.startswith("#"):
                continue
            if (match := _LINE.fullmatch(line)) is None:
                raise SettingsError(f"CREATE_TOKENS: line {number} is not a label and a token's hash")
            labels[match[2]] = match[1]
        return cls(tuple(labels.items()))

    def label_of(self, token: str) -> str | None:
        """Give the label of a token; None if it is not in the list."""
        return dict(self.labels).get(digest(token.encode()))


def new_token(label: str) -> tuple[str, str]:
    """Draw a token for the label; give the token, and the line for the operator's list.

    Raises:
        SettingsError: The label has other characters than letters, digits and `.@_-`, or more than 50.
    """
    token = secrets.token_urlsafe(TOKEN_BYTES)
    line = f"{label} {digest(token.encode())}"
    if _LINE.fullmatch(line) is None:
        raise SettingsError("a label has 1 to 50 letters, digits, or one of .@_-")
    return token, line
