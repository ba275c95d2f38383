"""Spellings of secrets, to search for where no secret must be."""

from base64 import b64encode, urlsafe_b64encode

from crypt_api.client.envelope import Secret


def of_message(secret: Secret, passphrase: str, *contents: str) -> list[bytes]:
    """Give the keys of the message, its passphrase and its contents, in each encoding in which they may have leaked."""
    keys = [secret.value, secret.keys(passphrase).key, secret.keys(None).key]
    values = keys + [text.encode() for text in (passphrase, *contents)]
    return [
        form
        for value in values
        for form in (value, value.hex().encode(), b64encode(value).rstrip(b"="), urlsafe_b64encode(value).rstrip(b"="))
    ]
