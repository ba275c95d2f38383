"""The routes of the parts of files: bytes in, bytes out, without a decision."""

from crypt_core import ids
from crypt_core.commands import GetReceipt
from crypt_core.http import errors
from crypt_core.http.authorization import answer_proof, creator, proven_part_id
from crypt_core.http.message_fields import ttl_header
from crypt_core.http.types import Request, Response, json_response, timestamp
from crypt_core.limits.upload_limits import UploadLimits
from crypt_core.outcomes import Receipt
from crypt_core.parts import EXTRA_TTL, MAX_PART_BYTES, PartStore
from crypt_core.settings import Settings
from crypt_core.store import Store


class PartHandlers:
    """The handlers of `/{id}/part`. Each raises an `ApiError` for a request that it refuses."""

    def __init__(self, settings: Settings, parts: PartStore | None, limits: UploadLimits) -> None:
        """Without `parts`, files are off."""
        self._settings = settings
        self._parts = parts
        self._limits = limits

    async def put(self, request: Request, store: Store, part_id: str) -> Response:
        """Keep the bytes of the body under the id in the path, which the client derived."""
        parts = self._opened()
        await self._check_uploader(request, store)
        if not ids.is_sealed(part_id):
            raise errors.PartNotFound
        length, ttl = _length(request), ttl_header(request.headers, self._settings.max_ttl + EXTRA_TTL)
        if (exhausted := self._limits.take(request.client, length)) is not None:
            raise errors.UploadBudgetExhausted(exhausted.wait)
        is_new = False
        try:
            is_new, expires_at = await parts.put(part_id, ttl, length, request.body)
        finally:
            if not is_new:  # nothing was kept for these bytes
                self._limits.give_back(request.client, length)
        return json_response(201 if is_new else 200, {"expires_at": timestamp(expires_at)})

    async def get(self, request: Request, _: Store, part_id: str) -> Response:
        """Hand out the part. This destroys nothing."""
        if proven_part_id(request) != part_id:
            raise errors.PartNotFound
        parts = self._opened()
        if self._limits.is_fetched_too_often(part_id):
            raise errors.TooManyFetches
        part = await parts.get(part_id)
        if part is None:
            raise errors.PartNotFound
        self._limits.count_fetch(part_id)
        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(part.length)}
        return Response(200, headers=headers, stream=part.body)

    async def delete(self, request: Request, _: Store, part_id: str) -> Response:
        """Remove the part: its reader has it, or its sender has changed their mind."""
        if proven_part_id(request) != part_id or not await self._opened().delete(part_id):
            raise errors.PartNotFound
        return Response(204)

    async def _check_uploader(self, request: Request, store: Store) -> None:
        """Accept whoever may create messages, or the parts of an answer.

        Raises:
            TokenRequired: The request has neither a token nor the proof to answer a question that waits.
        """
        try:
            creator(request, self._settings.create_tokens)
        except errors.TokenRequired:
            if (proof := answer_proof(request)) is None:
                raise
            outcome = await store.apply(proof.message_id, GetReceipt(proof.proof_hash))
            if not isinstance(outcome, Receipt) or outcome.state != "asked":
                raise

    def _opened(self) -> PartStore:
        if self._parts is None:
            raise errors.FilesOff
        return self._parts


def _length(request: Request) -> int:
    """The header `Content-Length`: what it says is reserved before the first byte of the body is taken."""
    text = request.headers.get("content-length", "")
    if not (text.isascii() and text.isdigit()):
        raise errors.LengthRequired
    if len(text.lstrip("0")) > len(str(MAX_PART_BYTES)) or int(text) > MAX_PART_BYTES:
        raise errors.PartTooLarge
    return int(text)
