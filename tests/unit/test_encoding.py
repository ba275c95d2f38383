"""Base64url: each value has one spelling, and the regular expressions for it agree with the decoder."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypt_core.encoding import (
    BASE64URL_OF_16_BYTES,
    BASE64URL_OF_32_BYTES,
    decode_base64url,
    encode_base64url,
)

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


@pytest.mark.parametrize(("size", "pattern"), [(16, BASE64URL_OF_16_BYTES), (32, BASE64URL_OF_32_BYTES)])
@given(data=st.data())
def test_the_patterns_fit_what_the_decoder_reads_and_nothing_else(size: int, pattern: str, data: st.DataObject) -> None:
    value = data.draw(st.binary(min_size=size, max_size=size))
    text = encode_base64url(value)
    assert re.fullmatch(pattern, text)
    assert decode_base64url(text, size) == value
    for last in (*ALPHABET, "=", "+", "é", ""):
        other = text[:-1] + last
        assert (re.fullmatch(pattern, other) is not None) == (decode_base64url(other, size) is not None)
