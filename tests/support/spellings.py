"""Spellings of secrets, to search for where no secret must be."""

from base64 import b64encode, urlsafe_b64encode

from crypt_api.client.ask_keys import AnswerKey, AskSecret
from crypt_api.client.envelope import Secret


def of_message(secret: Secret | AskSecret | AnswerKey, passphrase: str, *contents: str) -> list[bytes]:
    """Give the keys of the message, its passphrase and its contents, in each encoding in which they may have leaked."""
    match secret:
        case Secret():
            keys = [secret.value, secret.keys(passphrase).key, secret.keys(None).key]
        case AskSecret():
            keys = [secret.value, secret.private_key.private_bytes_raw(), secret.answer_key.value]
        case _:
            keys = [secret.value, secret.question_key]
    values = keys + [text.encode() for text in (passphrase, *contents)]
    return [
        form
        for value in values
        for form in (value, value.hex().encode(), b64encode(value).rstrip(b"="), urlsafe_b64encode(value).rstrip(b"="))
    ]
