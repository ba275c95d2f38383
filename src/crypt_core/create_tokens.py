"""Who may create messages, where the operator does not let everybody: those who have one of the tokens.

The operator's list has a line for each token: a label, which metrics show, and the token's hash. Only their
owners have the tokens themselves.
"""

import re
import secrets
from dataclasses import dataclass

from crypt_core.encoding import BASE64URL_OF_32_BYTES, digest
from crypt_core.errors import SettingsError

_LINE = re.compile(rf"([\w.@-]{{1,50}})[ \t]+({BASE64URL_OF_32_BYTES})", re.ASCII)

TOKEN_BYTES = 32
"""Random, so that the hash needs no salt and no slowness."""


@dataclass(frozen=True, slots=True)
class CreateTokens:
    """The labels of the tokens, by the tokens' hashes. Without any, everybody may create messages."""

    labels: tuple[tuple[str, str], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.labels)

    @classmethod
    def parse(cls, text: str) -> "CreateTokens":
        """Read the operator's list. Empty lines, and those that start with `#`, say nothing.

        Raises:
            SettingsError: A line is not a label and a hash. It is not quoted: it may be a token.
        """
        labels = {}
        for number, line in enumerate(text.splitlines(), 1):
            if not line.strip() or line.startswith("#"):
                continue
            if (match := _LINE.fullmatch(line.strip())) is None:
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
