"""What a request proves: the proofs or the token in `Authorization`, and the reader's `Idempotency-Key`.

Only digests leave this module: no store, log or exception ever has a proof or a key.
"""

from typing import NamedTuple

from crypt_core import ids
from crypt_core.create_tokens import CreateTokens
from crypt_core.encoding import PROOF_BYTES, decode_base64url, digest
from crypt_core.http.errors import AuthorizationRequired, InvalidIdempotencyKey, MessageNotFound, TokenRequired
from crypt_core.http.origins import is_own_origin
from crypt_core.http.types import Request
from crypt_core.parts import part_id

MAX_IDEMPOTENCY_KEY_LENGTH = 255

_OWN_SITE = ("same-origin", "none")
"""A browser says `none` if no page asked for the request."""


class Proofs(NamedTuple):
    """The digests of the link's proof, and of the passphrase's proof if the request has one."""

    proof_hash: str
    passphrase_hash: str | None


def proofs(request: Request) -> Proofs:
    """Parse `Authorization: Bearer <proof>[.<passphrase proof>]`.

    Raises:
        AuthorizationRequired: The request has no such header.
        MessageNotFound: The header holds nothing that can be a link's proof. A wrong proof is an unknown id.
    """
    token = _bearer_token(request)
    if not token:
        raise AuthorizationRequired
    text, dot, passphrase_text = token.partition(".")
    proof = decode_base64url(text, PROOF_BYTES)
    if proof is None:
        raise MessageNotFound
    # A text that cannot be a passphrase's proof is a wrong one: an empty hash matches none.
    passphrase_proof = decode_base64url(passphrase_text, PROOF_BYTES)
    passphrase_hash = digest(passphrase_proof) if passphrase_proof is not None else ""
    return Proofs(digest(proof), passphrase_hash if dot else None)


def proven_part_id(request: Request) -> str:
    """The id of the part whose proof is in `Authorization: Bearer <part proof>`; empty if none can be.

    Raises:
        AuthorizationRequired: The request has no such header.
    """
    token = _bearer_token(request)
    if not token:
        raise AuthorizationRequired
    proof = decode_base64url(token, PROOF_BYTES)
    return "" if proof is None else part_id(proof)


class AnswerProof(NamedTuple):
    """The id of a question, and the digest of the proof to answer it."""

    message_id: str
    proof_hash: str


def answer_proof(request: Request) -> AnswerProof | None:
    """Parse `Authorization: Bearer <id>.<answer proof>`, with which the parts of an answer are uploaded; else None."""
    message_id, _, text = _bearer_token(request).partition(".")
    proof = decode_base64url(text, PROOF_BYTES)
    return AnswerProof(message_id, digest(proof)) if proof is not None and ids.is_sealed(message_id) else None


def creator(request: Request, tokens: CreateTokens | None) -> str:
    """Who has signed on, or the label of the token in `Authorization`; empty if everybody may create messages.

    Raises:
        TokenRequired: Nobody has signed on, and the request has none of the tokens.
    """
    if tokens is None:
        return ""
    if request.user and not _is_of_another_site(request):
        return request.user
    label = tokens.label_of(_bearer_token(request))
    if label is None:
        raise TokenRequired
    return label


def _is_of_another_site(request: Request) -> bool:
    """Whether another site's page made a browser send it: who has signed on with that browser did not ask for it.

    Older browsers, and all of them over plain HTTP, do not say so in `Sec-Fetch-Site`, but name the page's origin.
    """
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site not in _OWN_SITE
    origin = request.headers.get("origin")
    return origin is not None and not is_own_origin(request, origin)


def _bearer_token(request: Request) -> str:
    scheme, _, token = request.headers.get("authorization", "").strip().partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def idempotency_hash(request: Request) -> str | None:
    """The digest of the request's `Idempotency-Key`; None without one.

    Raises:
        InvalidIdempotencyKey: The header is empty, too long, or has other than visible ASCII characters.
    """
    key = request.headers.get("idempotency-key")
    if key is None:
        return None
    if not (0 < len(key) <= MAX_IDEMPOTENCY_KEY_LENGTH and key.isascii() and key.isprintable() and " " not in key):
        raise InvalidIdempotencyKey
    return digest(key.encode())
