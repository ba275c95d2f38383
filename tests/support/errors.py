"""The errors of the API, as clients see them: one table for all tests.

The table is written out, and not taken from `crypt_core.http.errors`: clients depend on every byte of it.
"""

import json

PART_ONE = {
    "Invalid JSON body",
    "Field 'message' is required and cannot be empty",
    "Message exceeds maximum size of 100KB",
    "Could not generate a unique ID",
    "Message not found",
    "Not found",
    "Method not allowed",
    "Rate limit exceeded",
    "Storage unavailable",
    "Internal server error",
}
"""The texts of the first version's errors. Their body is the text alone, for ever."""

CODES = {
    "The body must be text in UTF-8, and not blank": "invalid_text",
    "Content-Range is not supported: send the body as a whole": "partial_body",
    "Precondition failed: nothing here has an entity tag": "precondition_failed",
    "Authorization required": "authorization_required",
    "Passphrase required": "passphrase_required",
    "Creating a message needs a token of this service": "token_required",
    "Wrong passphrase": "wrong_passphrase",
    "Message has no passphrase": "unexpected_passphrase",
    "ID is already in use": "id_taken",
    "The question is not answered yet": "not_answered",
    "The question is already answered": "already_answered",
    "Header 'Idempotency-Key' must be 1 to 255 visible ASCII characters": "invalid_idempotency_key",
    "Prefetching is refused": "prefetch_refused",
    "Embedding is refused": "embed_refused",
    "Range requests are refused: a message is read as a whole": "range_refused",
    "Link previews are refused": "robot_refused",
    "Cross-site request refused": "cross_site_refused",
    "Content-Encoding is not supported: send the body as it is": "unsupported_encoding",
    "The form's token is not in the cookie": "form_token_refused",
    "Too many connections": "too_many_connections",
    "Files are switched off here": "files_off",
    "Part not found": "part_not_found",
    "The part was fetched too often": "too_many_fetches",
    "Content-Length required": "length_required",
    "Part exceeds maximum size of 4 MiB and 29 bytes": "part_too_large",
    "Upload budget exhausted": "upload_budget",
}
"""The texts of part two's errors, and the code that each has beside its text."""

CODES_BY_BEGINNING = {"Field '": "invalid_field", "Header 'TTL'": "invalid_field", "Unknown field '": "unknown_field"}
"""The codes of errors whose text names a field, by the text's beginning."""


def code_of(text: str) -> str | None:
    """The code of the error with this text; None for an error of part one."""
    if text in PART_ONE:
        return None
    if text in CODES:
        return CODES[text]
    [code] = [code for beginning, code in CODES_BY_BEGINNING.items() if text.startswith(beginning)]
    return code


def error_body(text: str, **more: object) -> bytes:
    """The whole body of the response to a refused request; `more` are the fields that only this error has."""
    code = code_of(text)
    return json.dumps({"error": text} | ({} if code is None else {"code": code}) | more).encode()
