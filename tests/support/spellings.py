"""What to search for where a secret must not be."""

from base64 import b64encode, urlsafe_b64encode

from crypt_api.client.envelope import Secret


def of_message(secret: Secret, passphrase: str, *contents: str) -> list[bytes]:
    """Whatever opens the message, its passphrase and its contents, in every way that somebody may have written them."""
    keys = [secret.value, secret.keys(passphrase).key, secret.keys(None).key]
    values = keys + [text.encode() for text in (passphrase, *contents)]
    return [
        form
        for value in values
        for form in (value, value.hex().encode(), b64encode(value).rstrip(b"="), urlsafe_b64encode(value).rstrip(b"="))
    ]
