"""The API's description of itself: OpenAPI 3.1, served at `/-/openapi.json`."""

from typing import Any

from crypt_core import __version__, ids
from crypt_core.encoding import BASE64URL_OF_16_BYTES, BASE64URL_OF_32_BYTES
from crypt_core.http import body_hints, errors
from crypt_core.http.errors import ApiError
from crypt_core.http.message_fields import MAX_MESSAGE_BYTES, MAX_READS
from crypt_core.http.openapi_components import with_components
from crypt_core.parts import EXTRA_TTL, MAX_PART_BYTES
from crypt_core.record import MAX_PASSPHRASE_TRIES
from crypt_core.settings import MIN_TTL, Settings
from crypt_core.webhook import MAX_REFERENCE_LENGTH

Schema = dict[str, Any]

SEALED_ID = f"^{BASE64URL_OF_16_BYTES}$"
HASH = f"^{BASE64URL_OF_32_BYTES}$"
PLAIN_ID = f"^[a-z0-9]{{{ids.MIN_LENGTH},{ids.MAX_LENGTH}}}$"

_EXAMPLE_SEALED_ID = "q83vASNFZ4mrze8BI0VniQ"
_EXAMPLE_HASH = "n4bQgYhMfWWaL-qgxVrQFaO_TxsrC4Is0V1sFbDwCgg"
_EXAMPLE_TIME = "2026-11-24T09:30:00Z"

_UNMEANT = (errors.PrefetchRefused(), errors.EmbedRefused(), errors.RangeRefused(), errors.RobotRefused())
"""Refusals of reads that no person meant."""


_TEXT = {"text/plain": {"schema": {"type": "string"}}}
_BYTES = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}


def openapi(settings: Settings) -> Schema:
    """The document for a service with these settings."""
    document = {
        "openapi": "3.1.0",
        "info": {
            "title": "crypt-api",
            "version": __version__,
            "summary": "Messages that destroy themselves when they are read, or when their time is up.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "paths": {
            "/": {"get": _help(), "post": _create(settings), "put": _create_text(settings)},
            "/{id}": {"get": _read(), "put": _put(settings), "delete": _destroy()},
            "/{id}/status": {"parameters": [_id(SEALED_ID, _EXAMPLE_SEALED_ID)], "get": _receipt()},
            "/{id}/question": {"parameters": [_id(SEALED_ID, _EXAMPLE_SEALED_ID)], "get": _question(settings)},
            "/{id}/answer": {"parameters": [_id(SEALED_ID, _EXAMPLE_SEALED_ID)], "put": _answer()},
            "/{id}/reveal": {"parameters": [_id(PLAIN_ID, "k3x9q")], "post": _reveal()},
            "/{id}/part": {
                "parameters": [_id(SEALED_ID, _EXAMPLE_SEALED_ID)],
                "put": _put_part(settings),
                "get": _get_part(),
                "delete": _delete_part(),
            },
            "/-/health": {"get": _operation("health", "Is the program alive?", _ok({"status": "ok"}))},
            "/-/ready": {
                "get": _operation(
                    "ready", "Does the store answer?", _ok({"status": "ready"}), errors.ServiceUnavailable()
                )
            },
            "/-/limits": {"get": _limits(settings)},
            "/-/openapi.json": {"get": _operation("openapi", "This document", _ok({}, {"type": "object"}))},
        },
        "components": {
            "securitySchemes": {
                "proof": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "`<proof>`, or `<proof>.<passphrase proof>`, each 43 characters of base64url.",
                }
            },
            "schemas": {
                "ApiError": {
                    "type": "object",
                    "required": ["error"],
                    "properties": {
                        "error": {"type": "string"},
                        "code": {"type": "string", "description": "A stable word; the oldest errors have none."},
                        "hint": {"type": "string", "description": "What is probably wrong with a body."},
                        "tries_left": {"type": "integer", "minimum": 0, "maximum": MAX_PASSPHRASE_TRIES},
                    },
                },
            },
        },
    }
    return with_components(document)


def _help() -> Schema:
    return _operation("help", "A few lines of help", {"200": {"description": "Help", "content": _TEXT}})


def _create(settings: Settings) -> Schema:
    fields = {"message": _message("hello"), "ttl": _ttl(settings), **_notify(settings)}
    operation = _operation(
        "create",
        "Store a message under a short id",
        _ok({"id": "k3x9q"}, _object({"id": {"type": "string", "pattern": PLAIN_ID}})),
        errors.InvalidJson(body_hints.FORM),
        errors.UnsupportedEncoding(),
        errors.InvalidMessage(),
        errors.InvalidField("ttl", f"must be a whole number of seconds from {MIN_TTL} to {settings.max_ttl}"),
        errors.MessageTooLarge(),
        errors.PreconditionFailed(),
        errors.RateLimited(1),
        errors.NoUniqueId(),
        errors.ServiceUnavailable(),
        *_unless_everybody_may_create(settings),
    )
    links = {name: {"operationId": name, "parameters": {"id": "$response.body#/id"}} for name in ("read", "destroy")}
    operation["responses"]["200"]["links"] = links
    schema = _object(fields, required=["message"])
    return operation | {
        "requestBody": _body(schema, {"message": "the key is under the mat", "ttl": _example_ttl(settings)})
    }


def _create_text(settings: Settings) -> Schema:
    operation = _operation(
        "createText",
        "Store the body itself as a message, up to 102,400 bytes of UTF-8, and get the message's address",
        {"200": {"description": "The address, and a newline", "content": _TEXT}},
        errors.UnsupportedEncoding(),
        errors.PartialBody(),
        errors.InvalidText(),
        errors.InvalidTtlHeader(MIN_TTL, settings.max_ttl),
        errors.MessageTooLarge(),
        errors.PreconditionFailed(),
        errors.RateLimited(1),
        errors.NoUniqueId(),
        errors.ServiceUnavailable(),
        *_unless_everybody_may_create(settings),
    )
    schema = {"type": "string", "minLength": 1, "pattern": NOT_BLANK}
    content = {"text/plain": {"schema": schema, "example": "the key is under the mat"}}
    ttl = _ttl_header("Seconds until the message is gone, read or not", settings, settings.max_ttl, required=False)
    return operation | {"parameters": [ttl], "requestBody": {"required": True, "content": content}}


def _put(settings: Settings) -> Schema:
    hash_schema = {"type": "string", "pattern": HASH, "description": "SHA-256 of the proof's 32 bytes, base64url"}
    fields = {
        "message": _message("Ab3_"),
        "proof_hash": hash_schema,
        "passphrase_hash": hash_schema,
        "ttl": _ttl(settings),
        "reads": {"type": "integer", "minimum": 1, "maximum": MAX_READS, "default": 1},
        "answer_hash": hash_schema | {"description": "Then the message is a question: of the proof to answer it"},
        **_notify(settings),
    }
    created = {"id": _EXAMPLE_SEALED_ID, "expires_at": _EXAMPLE_TIME}
    created_schema = _object({"id": {"type": "string", "pattern": SEALED_ID}, "expires_at": _time()})
    operation = _operation(
        "put",
        "Store a sealed message under the id that the client derived",
        _ok(created, created_schema, "Stored before by this very request, and still unread")
        | _ok(created, created_schema, "Stored", status=201),
        errors.InvalidJson(body_hints.FORM),
        errors.UnsupportedEncoding(),
        errors.PartialBody(),
        errors.InvalidMessage(),
        errors.InvalidField("proof_hash", "must be the 43 characters of a SHA-256 in base64url"),
        errors.UnknownField("colour"),
        errors.MessageNotFound(),
        errors.MethodNotAllowed(("GET", "DELETE", "OPTIONS")),
        errors.IdTaken(),
        errors.MessageTooLarge(),
        errors.PreconditionFailed(),
        errors.RateLimited(1),
        errors.ServiceUnavailable(),
        *_unless_everybody_may_create(settings),
    )
    schema = _object(fields, required=["message", "proof_hash"]) | {"additionalProperties": False}
    schema["dependentSchemas"] = {"answer_hash": {"properties": {"reads": False, "passphrase_hash": False}}}
    example = {
        "message": "AbEiM0RVZneImaq7zN3u_w",
        "proof_hash": _EXAMPLE_HASH,
        "ttl": _example_ttl(settings),
        "reads": 1,
    }
    return operation | {"parameters": [_id(SEALED_ID, _EXAMPLE_SEALED_ID)], "requestBody": _body(schema, example)}


def _unless_everybody_may_create(settings: Settings) -> tuple[ApiError, ...]:
    return (errors.TokenRequired(),) if settings.create_tokens is not None else ()


def _read() -> Schema:
    page = {"text/html": {"schema": {"type": "string"}}}
    responses = _ok({"message": "the key is under the mat"}, _object({"message": {"type": "string"}}))
    responses["200"]["description"] = (
        "The message, as text to a client that rates text/plain above JSON; it is destroyed. "
        "A browser's navigation gets a page with a button"
    )
    responses["200"]["content"] |= _TEXT | page
    return _operation(
        "read",
        "Read a message, and destroy it",
        responses,
        errors.InvalidIdempotencyKey(),
        errors.AuthorizationRequired(),
        errors.PassphraseRequired(9),
        errors.WrongPassphrase(9),
        errors.UnexpectedPassphrase(),
        *_UNMEANT,
        errors.MessageNotFound(),
        errors.NotAnswered(),
        errors.PreconditionFailed(),
        errors.RateLimited(1),
        errors.ServiceUnavailable(),
    ) | {"parameters": [_id(), _idempotency_key()], "security": [{}, {"proof": []}]}


def _destroy() -> Schema:
    return _operation(
        "destroy",
        "Destroy a message; with an idempotency key, end the lease of its reader",
        {"204": {"description": "Destroyed"}},
        errors.InvalidIdempotencyKey(),
        errors.AuthorizationRequired(),
        errors.MessageNotFound(),
        errors.PreconditionFailed(),
        errors.RateLimited(1),
        errors.ServiceUnavailable(),
    ) | {"parameters": [_id(), _idempotency_key()], "security": [{}, {"proof": []}]}


def _receipt() -> Schema:
    example = {"state": "read", "passphrase": False, "reads_left": 0, "at": _EXAMPLE_TIME, "expires_at": _EXAMPLE_TIME}
    schema = _object(
        {
            "state": {"enum": ["asked", "unread", "read", "destroyed"]},
            "passphrase": {"type": "boolean"},
            "reads_left": {"type": "integer", "minimum": 0, "maximum": MAX_READS},
            "at": {"anyOf": [_time(), {"type": "null"}]},
            "expires_at": _time(),
        }
    )
    return _operation(
        "status",
        "What has become of a sealed message",
        _ok(example, schema),
        errors.AuthorizationRequired(),
        errors.MessageNotFound(),
        errors.PreconditionFailed(),
        errors.RateLimited(1),
        errors.ServiceUnavailable(),
    ) | {"security": [{"proof": []}]}


def _question(settings: Settings) -> Schema:
    example = {"message": "AbEiM0RVZneImaq7zN3u_w", "ttl": _example_ttl(settings), "expires_at": _EXAMPLE_TIME}
    ttl = {
        "type": "integer",
        "minimum": MIN_TTL,
        "maximum": settings.max_ttl,
        "description": "Of an answer, in seconds",
    }
    return _operation(
        "question",
        "Fetch a question, with the proof to answer it; this changes nothing",
        _ok(example, _object({"message": {"type": "string"}, "ttl": ttl, "expires_at": _time()})),
        errors.AuthorizationRequired(),
        errors.MessageNotFound(),
        errors.AlreadyAnswered(),
        errors.PreconditionFailed(),
        errors.RateLimited(1),
        errors.ServiceUnavailable(),
    ) | {"security": [{"proof": []}]}


def _answer() -> Schema:
    kept = ({"expires_at": _EXAMPLE_TIME}, _object({"expires_at": _time()}))
    schema = _object({"message": _message("Bb3_")}) | {"additionalProperties": False}
    return _operation(
        "answer",
        "Answer a question: the first answer counts",
        _ok(*kept, "Kept before by this very request") | _ok(*kept, "Kept", status=201),
        errors.InvalidJson(body_hints.FORM),
        errors.UnsupportedEncoding(),
        errors.PartialBody(),
        errors.InvalidMessage(),
        errors.UnknownField("colour"),
        errors.AuthorizationRequired(),
        errors.MessageNotFound(),
        errors.AlreadyAnswered(),
        errors.MessageTooLarge(),
        errors.PreconditionFailed(),
        errors.RateLimited(1),
        errors.ServiceUnavailable(),
    ) | {"security": [{"proof": []}], "requestBody": _body(schema, {"message": "BbEiM0RVZneImaq7zN3u_w"})}


def _reveal() -> Schema:
    form = {"schema": _object({"token": {"type": "string"}}), "example": {"token": "from the page"}}
    responses = _ok({"message": "the key is under the mat"}, _object({"message": {"type": "string"}}))
    responses["200"]["content"]["text/html"] = {"schema": {"type": "string"}}
    return _operation(
        "reveal",
        "Read a message by the button of its page",
        responses,
        errors.InvalidIdempotencyKey(),
        errors.CrossSiteRefused(),
        errors.FormTokenRefused(),
        *_UNMEANT,
        errors.MessageNotFound(),
        errors.PreconditionFailed(),
        errors.RateLimited(1),
        errors.ServiceUnavailable(),
    ) | {
        "parameters": [_idempotency_key()],
        "requestBody": {"required": True, "content": {"application/x-www-form-urlencoded": form}},
    }


def _put_part(settings: Settings) -> Schema:
    most = settings.max_ttl + EXTRA_TTL
    kept = ({"expires_at": _EXAMPLE_TIME}, _object({"expires_at": _time()}))
    ttl = _ttl_header("Seconds until the part is gone (RFC 8030, section 5.2)", settings, most, required=True)
    return _operation(
        "putPart",
        "Store a part of files under the id that the client derived; Content-Length is required",
        _ok(*kept, "There before, and unchanged") | _ok(*kept, "Stored", status=201),
        errors.PartialBody(),
        errors.InvalidTtlHeader(MIN_TTL, most),
        errors.FilesOff(),
        errors.PartNotFound(),
        errors.LengthRequired(),
        errors.PartTooLarge(),
        errors.PreconditionFailed(),
        errors.RateLimited(1),
        errors.UploadBudgetExhausted(60),
        errors.ServiceUnavailable(),
        *_unless_everybody_may_create(settings),
    ) | {"parameters": [ttl], "requestBody": {"content": _BYTES}, **_for_an_answer(settings)}


def _for_an_answer(settings: Settings) -> Schema:
    """What somebody without a token has to know, who answers with files."""
    text = "A part of an answer needs no token: `Bearer <id>.<answer proof>`, while the question waits for its answer."
    return {"description": text} if settings.create_tokens is not None else {}


def _get_part() -> Schema:
    return _operation(
        "getPart",
        "Fetch a part; this destroys nothing",
        {"200": {"description": "The part", "content": _BYTES}},
        errors.AuthorizationRequired(),
        errors.FilesOff(),
        errors.TooManyFetches(),
        errors.PartNotFound(),
        errors.PreconditionFailed(),
        errors.RateLimited(1),
        errors.ServiceUnavailable(),
    ) | {"security": [{"proof": []}]}


def _delete_part() -> Schema:
    return _operation(
        "deletePart",
        "Delete a part",
        {"204": {"description": "Deleted"}},
        errors.AuthorizationRequired(),
        errors.FilesOff(),
        errors.PartNotFound(),
        errors.PreconditionFailed(),
        errors.RateLimited(1),
        errors.ServiceUnavailable(),
    ) | {"security": [{"proof": []}]}


def _limits(settings: Settings) -> Schema:
    number = {"type": "integer", "minimum": 0}
    files = {"max_bytes": settings.max_file, "part_bytes": MAX_PART_BYTES, "extra_ttl": EXTRA_TTL}
    example = {
        "message_bytes": MAX_MESSAGE_BYTES,
        "min_ttl": MIN_TTL,
        "max_ttl": settings.max_ttl,
        "default_ttl": settings.default_ttl,
        "max_reads": MAX_READS,
        "token": settings.create_tokens is not None,
        "files": files,
        "notify": settings.webhook is not None,
    }
    boolean = {"type": "boolean"}
    fields: Schema = dict.fromkeys(example, number) | {"token": boolean, "notify": boolean}
    fields["files"] = {"anyOf": [_object(dict.fromkeys(files, number)), {"type": "null"}]}
    return _operation("limits", "What a client has to know before it sends", _ok(example, _object(fields)))


def _operation(name: str, summary: str, responses: Schema, *refusals: ApiError) -> Schema:
    return {"operationId": name, "summary": summary, "responses": {**responses, **_errors(refusals)}}


def _errors(refusals: tuple[ApiError, ...]) -> Schema:
    """One response for each status, with an example for each error that has it: the texts are there."""
    responses: Schema = {}
    for error in refusals:
        content = {"schema": {"$ref": "#/components/schemas/ApiError"}, "examples": {}}
        empty = {"description": "", "content": {"application/json": content}}
        response = responses.setdefault(str(error.status), empty)
        response["description"] = " or ".join(filter(None, [response["description"], type(error).__name__]))
        response["content"]["application/json"]["examples"][type(error).__name__] = {"value": dict(error.body)}
    return responses


def _ok(example: Schema, schema: Schema | None = None, description: str = "Done", *, status: int = 200) -> Schema:
    content = {"schema": schema or {"type": "object"}, "example": example}
    return {str(status): {"description": description, "content": {"application/json": content}}}


def _object(properties: Schema, required: list[str] | None = None) -> Schema:
    return {"type": "object", "properties": properties, "required": required or list(properties)}


def _body(schema: Schema, example: Schema) -> Schema:
    return {"required": True, "content": {"application/json": {"schema": schema, "example": example}}}


def _message(example: str) -> Schema:
    return {"type": "string", "minLength": 1, "pattern": NOT_BLANK, "examples": [example]}


NOT_BLANK = r"[^\u0009-\u000d\u001c-\u0020\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]"
"""A character that `str.strip` leaves. `\\S` of JSON Schema (ECMA-262) counts other characters as space."""


def _ttl(settings: Settings) -> Schema:
    bounds = {"minimum": MIN_TTL, "maximum": settings.max_ttl, "default": settings.default_ttl}
    return {"type": "integer", "description": "Seconds until it is gone, read or not"} | bounds


def _notify(settings: Settings) -> Schema:
    """The field `notify`, where the service has a webhook."""
    if settings.webhook is None:
        return {}
    text = "The sender's own word for the message: the operator's webhook is told when it is read, or gone"
    return {"notify": {"type": "string", "pattern": f"^[!-~]{{1,{MAX_REFERENCE_LENGTH}}}$", "description": text}}


def _ttl_header(description: str, settings: Settings, most: int, *, required: bool) -> Schema:
    schema = {"type": "integer", "minimum": MIN_TTL, "maximum": most}
    fields = {"required": required, "description": description, "schema": schema, "example": _example_ttl(settings)}
    return {"name": "TTL", "in": "header"} | fields


def _example_ttl(settings: Settings) -> int:
    return min(3_600, settings.max_ttl)


def _time() -> Schema:
    return {"type": "string", "format": "date-time"}


def _id(pattern: str = f"({PLAIN_ID})|({SEALED_ID})", example: str = "k3x9q") -> Schema:
    schema = {"type": "string", "pattern": pattern}
    return {"name": "id", "in": "path", "required": True, "schema": schema, "example": example}


def _idempotency_key() -> Schema:
    return {
        "name": "Idempotency-Key",
        "in": "header",
        "required": False,
        "description": "Random; with it the same request may be sent again for 60 seconds",
        "schema": {"type": "string", "pattern": "^[!-~]{1,255}$"},
    }
