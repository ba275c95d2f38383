"""Links to messages: which service a link names, and which message.

A plain message has the link `https://host/ID`, a sealed message `https://host/#SECRET`. A question has two links: the
ask link is `https://host/#ask.SECRET`, and the answer link `https://host/#answer.KEY`.

A link may have been damaged on its way: gateways write `%23` for `#`, and chats add brackets, stops and parameters.
What is there is taken; `vectors/links.json` and `vectors/ask.json` have the cases, and `crypt_api/static/-/links.js`
does the same for the web page.
"""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx

from crypt_api.client.ask_keys import PUBLIC_KEY_BYTES, AnswerKey, AskSecret
from crypt_api.client.envelope import SECRET_BYTES, Secret
from crypt_api.client.errors import InvalidLink, NotFound, WrongLink
from crypt_core import ids
from crypt_core.encoding import BASE64URL_OF_16_BYTES, BASE64URL_OF_32_BYTES, decode_base64url
from crypt_core.http.damaged_links import repaired_plain_id

MAX_ESCAPES = 3
"""A gateway behind a gateway makes `%2523` of `%23`."""

_ORIGIN = re.compile(r"https?://[^\s/?#<>\"']*", re.IGNORECASE)
_SECRET = re.compile(
    r"[^A-Za-z0-9_-]*"
    rf"(?:ask\.(?P<ask>{BASE64URL_OF_16_BYTES})|answer\.(?P<answer>{BASE64URL_OF_32_BYTES})"
    rf"|(?P<secret>{BASE64URL_OF_16_BYTES}))[_-]*(?![A-Za-z0-9_-])"
)
_QUESTION = re.compile(r"[^A-Za-z0-9_-]*(ask|answer)\.[A-Za-z0-9_-]")
_LOCAL = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class Link:
    """A link, taken apart: the service's address, and what its fragment carries, or else a plain message's id."""

    origin: str
    secret: Secret | AskSecret | AnswerKey | None
    plain_id: str

    @property
    def address(self) -> str:
        """Where the message is at the service, always in the same spelling. It has no secret."""
        return str(httpx.URL(f"{self.origin}/{self.plain_id if self.secret is None else self.secret.id}"))


def parse_link(text: str) -> Link:
    """Take a link apart, also one that was damaged on its way.

    Raises:
        InvalidLink: The text has no link to a message, or only a part of one.
    """
    address, has_fragment, fragment = _unescape(text).partition("#")
    origins = list(_ORIGIN.finditer(address))
    if not origins:
        raise InvalidLink("This is not a link: a link starts with https://, or with http://localhost.")
    found = origins[-1]  # a gateway puts the link behind an address of its own
    origin, path = origin_of(found[0]), address[found.end() :]
    rest = fragment if has_fragment else path
    if match := _SECRET.match(rest):
        return Link(origin, _carried(match), "")
    if question := _QUESTION.match(rest):
        count = 22 if question[1] == "ask" else 43
        raise InvalidLink(f"A part of the link is missing: it ends in #{question[1]}. and {count} characters.")
    if has_fragment or not path.strip("/"):
        raise InvalidLink("A part of the link is missing: a link ends in # and 22 characters.")
    return Link(origin, None, repaired_plain_id(path.lstrip("/")) or path.strip("/"))


def sealed_link(text: str) -> tuple[str, Secret | AskSecret | AnswerKey]:
    """Give the service's address, and what the link of a sealed message or of a question carries.

    Raises:
        InvalidLink: The text is no link to a sealed message.
    """
    link = parse_link(text)
    if link.secret is None:
        raise InvalidLink("A plain message has no receipt; only links with a # have one.")
    return link.origin, link.secret


def answer_link(text: str) -> tuple[str, AnswerKey]:
    """Give the service's address and the key of an answer link.

    Raises:
        InvalidLink: The text is no such link; WrongLink if it is the ask link.
    """
    link = parse_link(text)
    if isinstance(link.secret, AskSecret):
        raise WrongLink("This link is the asker's: it reads the answer. To answer, ask for the other link, #answer.…")
    if not isinstance(link.secret, AnswerKey):
        raise InvalidLink("This is the link to a message. A link that answers has #answer. in it.")
    return link.origin, link.secret


def origin_of(server: str) -> str:
    """Give a service's address, such as `https://example.org`, without a slash at its end.

    Raises:
        InvalidLink: This is no such address; or the client would have to speak to it unencrypted over a network; or
            the address has a user or a password, which would then be in every link.
    """
    if "@" in server:  # even behind # or /: both are often in passwords that are not percent-encoded
        raise InvalidLink("The address must not have a user or a password in it.")
    try:
        url = urlsplit(server)
        host, _ = url.hostname, url.port
        httpx.URL(f"{url.scheme}://{url.netloc}").raw_host.decode().encode("idna")
    except (ValueError, httpx.InvalidURL):  # a label of a name has 1 to 63 characters, a port is at most 65,535
        raise InvalidLink("This is not a web address.") from None
    if url.scheme not in ("http", "https") or not url.netloc or not host:
        raise InvalidLink(f"The address of a service starts with https://, such as https://{_host_in(server)}.")
    if url.scheme == "http" and host not in _LOCAL:
        raise InvalidLink(f"http:// is for this machine only; over a network, use https://{url.netloc}.")
    if url.path.strip("/") or url.query or url.fragment:
        raise InvalidLink(f"The address of a service has nothing behind its host: {url.scheme}://{url.netloc}.")
    return f"{url.scheme}://{url.netloc}"


def plain_url(origin: str, message_id: str) -> str:
    """Give the address of a plain message.

    Raises:
        NotFound: No plain message can have this id.
    """
    if not ids.is_plain(message_id):
        raise NotFound("There is no such message: this is not the id of one.")
    return f"{origin}/{message_id}"


def _carried(match: re.Match[str]) -> Secret | AskSecret | AnswerKey:
    """What the fragment carries, in the form that the expression allows."""
    if match["answer"]:
        return AnswerKey(decode_base64url(match["answer"], PUBLIC_KEY_BYTES) or b"")
    if match["ask"]:
        return AskSecret(decode_base64url(match["ask"], SECRET_BYTES) or b"")
    return Secret(decode_base64url(match["secret"], SECRET_BYTES) or b"")


def _host_in(text: str) -> str:
    """The host that a text without a scheme seems to name, for an example."""
    host = text.partition("/")[0]
    return host if re.fullmatch(r"[a-z0-9.-]+(?::\d+)?", host) else "example.org"


def _unescape(text: str) -> str:
    """Undo percent-encoding of ASCII; what is not percent-encoded well stays."""
    for _ in range(MAX_ESCAPES):
        text = re.sub(r"%([0-7][0-9a-fA-F])", lambda match: chr(int(match[1], 16)), text)
    return text
