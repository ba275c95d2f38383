"""Hostile input for every parser: `script/fuzz [TARGET...] [--cases N]`.

Atheris (libFuzzer) looks for input that takes a new way through the code. A target fails with an exception that its
parser does not promise, with a result that its own check refutes, or with a case that takes more than a second.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path

import atheris
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

with atheris.instrument_imports(include=["crypt_core", "crypt_api"]):
    from crypt_api.client.ask_keys import ANSWER_VERSION, SUITE, AskSecret
    from crypt_api.client.content import VERSION, VERSION_WITH_NOTE, VERSIONS
    from crypt_api.client.envelope import Secret
    from crypt_api.client.errors import CryptApiError
    from crypt_api.client.links import origin_of, parse_link
    from crypt_api.client.sealing import NONCE_BYTES, STEP
    from crypt_api.server.edge.framing import ChunkedDecoder
    from crypt_api.server.edge.head import HeadReader, Refusal
    from crypt_core import ids
    from crypt_core.encoding import decode_base64url, encode_base64url
    from crypt_core.http.authorization import idempotency_hash, proofs
    from crypt_core.http.body import parse_json
    from crypt_core.http.errors import ApiError
    from crypt_core.http.message_fields import plain_message, sealed_message
    from crypt_core.http.negotiation import prefers_html
    from crypt_core.http.robots import refuse_unmeant
    from crypt_core.http.types import Request
    from crypt_core.record import decode, encode
    from crypt_core.settings import Settings

SETTINGS = Settings()
SECRET = Secret(bytes(16))
KEYS = SECRET.keys(None)
ASKER = AskSecret(bytes(16))


def head(data: bytes) -> None:
    """One head, in one piece and byte by byte, is the same head or the same refusal."""
    assert _head(data, len(data) or 1) == _head(data, 1)


def chunked(data: bytes) -> None:
    """One body, in one piece and byte by byte, is the same body or a refusal."""
    assert _chunked(data, len(data) or 1) == _chunked(data, 1)


def json_body(data: bytes) -> None:
    """What is accepted is what Python's own parser reads."""
    try:
        value = parse_json(data)
    except ApiError:
        return
    assert repr(value) == repr(json.loads(data))
    for parse in (plain_message, sealed_message):
        with suppress(ApiError):
            parse(value, SETTINGS)


def headers(data: bytes) -> None:
    """Each header that decides something."""
    text = data.decode("latin-1")
    names = ("authorization", "idempotency-key", "accept", "user-agent", "purpose", "sec-fetch-dest")
    request = Request("https", "GET", "/", dict.fromkeys(names, text), "", _nothing())
    prefers_html(request.headers)
    for parse in (proofs, idempotency_hash):
        with suppress(ApiError):
            parse(request)
    with suppress(ApiError):
        refuse_unmeant(request.headers)


def message_id(data: bytes) -> None:
    text = data.decode(errors="surrogateescape")
    assert not (ids.is_plain(text) and ids.is_sealed(text))


def record(data: bytes) -> None:
    """What can be read is written so that it is read again."""
    try:
        found = decode(data.decode())
    except ValueError:
        return
    try:
        written = encode(found)
    except (ValueError, TypeError, AttributeError):
        return  # a field of a wrong type; the stores find it by its use
    assert decode(written) == found or found != found  # noqa: PLR0124 - NaN


def envelope(data: bytes) -> None:
    """An envelope of random bytes, and one that a sender with the right key has filled with them."""
    nonce, inside = bytes(NONCE_BYTES), data.ljust(-(-len(data) // STEP) * STEP, b"\0")
    texts = [data.decode("latin-1")]
    for version in (VERSION, VERSION_WITH_NOTE):
        bound_to = version + (decode_base64url(SECRET.id, 16) or b"")
        texts.append(encode_base64url(version + nonce + AESGCM(KEYS.key).encrypt(nonce, inside, bound_to)))
    for text in texts:
        with suppress(CryptApiError):
            SECRET.unseal(text, KEYS)


def answer(data: bytes) -> None:
    """An answer of random bytes, and one that somebody with the right link has filled with them."""
    inside, key = data.ljust(-(-len(data) // STEP) * STEP, b"\0"), ASKER.answer_key
    sealed = [SUITE.encrypt(it + inside, ASKER.private_key.public_key(), key.info) for it in VERSIONS]
    texts = [data.decode("latin-1"), *(encode_base64url(ANSWER_VERSION + it) for it in sealed)]
    for text in texts:
        with suppress(CryptApiError):
            ASKER.unseal(text)
        with suppress(CryptApiError):
            key.unseal_question(text)


def link(data: bytes) -> None:
    text = data.decode(errors="replace")
    for parse in (origin_of, parse_link):
        with suppress(CryptApiError):
            parse(text)


TARGETS: dict[str, Callable[[bytes], None]] = {
    target.__name__: target
    for target in (head, chunked, json_body, headers, message_id, record, envelope, answer, link)
}


SEEDS: dict[str, tuple[bytes, ...]] = {
    "head": (
        b"POST /?a HTTP/1.1\r\nHost: [::1]:80\r\nContent-Length: 10\r\nExpect: 100-continue\r\n\r\n",
        b"GET http://x/ HTTP/1.0\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n",
    ),
    "chunked": (b"5;a=b\r\nhello\r\n0\r\nA: b\r\n\r\n",),
    "json_body": (b'{"message": "\\ud83d\\ude00", "ttl": 60.0, "reads": 2, "proof_hash": "' + b"A" * 43 + b'"}',),
    "headers": (b"Bearer " + b"A" * 43 + b"." + b"A" * 43, b"text/html;q=0.5, */*;q=0.1", b"a bot +http://x"),
    "message_id": (b"abc12", b"A" * 22),
    "record": (b'{"content": "x", "expires_at": 1.5, "access": ["a", null], "leases": [["a", 2.5]], "reads_left": 0}',),
    "envelope": (b'{"name":"a.txt","type":"text/plain"}\n hello',),
    "answer": (b'{"type":"files","note_bytes":0,"list_bytes":2}{}',),
    "link": (
        b"https://example.org/#" + b"A" * 22,
        b"https://example.org/#ask." + b"A" * 22,
        b"https://example.org/#answer." + b"A" * 43,
        b"<https://example.org/%2523" + b"A" * 22 + b"?a>",
        b"http://localhost:8787/abc12",
    ),
}
"""Valid input of each target, to start from."""


def _head(data: bytes, size: int) -> object:
    reader, buffer = HeadReader(), bytearray()
    for start in range(0, len(data), size):
        buffer += data[start : start + size]
        try:
            found = reader.take(buffer)
        except Refusal as refusal:
            return refusal.status
        if found is not None:
            return found
    return None


def _chunked(data: bytes, size: int) -> object:
    decoder, buffer, body = ChunkedDecoder(), bytearray(), b""
    for start in range(0, len(data), size):
        buffer += data[start : start + size]
        try:
            body += decoder.take(buffer)
            while decoder.is_behind:
                body += decoder.take(buffer)
        except Refusal:
            return "refused"
        if decoder.is_complete:
            return body
    return body, len(buffer)


async def _nothing() -> AsyncIterator[bytes]:
    for piece in list[bytes]():
        yield piece


def main() -> None:
    parser = argparse.ArgumentParser(prog="script/fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join(TARGETS))
    parser.add_argument("--cases", type=int, default=100_000, help="for each target")
    options = parser.parse_args()
    chosen = options.targets or [*TARGETS]
    if len(chosen) > 1:  # libFuzzer ends its process
        for target in chosen:
            command = [sys.executable, "-m", "tests.reliability.fuzz", target, f"--cases={options.cases}"]
            if subprocess.run(command, check=False).returncode:  # noqa: S603
                sys.exit(f"{target} has failed: see above, and the file that it names")
        return
    [target] = chosen
    with tempfile.TemporaryDirectory() as corpus:
        for number, seed in enumerate(SEEDS[target]):
            (Path(corpus) / str(number)).write_bytes(seed)
        flags = [f"-runs={options.cases}", "-timeout=1", "-max_len=4096", "-verbosity=0", "-print_final_stats=1"]
        atheris.Setup([sys.argv[0], *flags, corpus], TARGETS[target])
        print(f"{target}: {options.cases:,} cases", flush=True)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
