"""Links, whole and damaged: the cases that the Python client and the web page share, and what only Python sees."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from crypt_api.client.errors import InvalidLink
from crypt_api.client.links import origin_of, parse_link, sealed_link
from crypt_core.encoding import encode_base64url
from tests.support.platforms import ROOT

LINKS = json.loads((ROOT / "vectors/links.json").read_text())


@pytest.mark.parametrize("case", LINKS["good"], ids=lambda case: case["name"])
def test_what_is_left_of_a_link_is_taken(case: dict[str, Any]) -> None:
    link = parse_link(case["link"])
    assert link.origin == case["origin"]
    assert (link.secret and encode_base64url(link.secret.value)) == case.get("secret")
    assert link.plain_id == case.get("id", "")


@pytest.mark.parametrize("case", LINKS["bad"], ids=lambda case: case["why"])
def test_a_link_that_lacks_a_part_is_refused(case: dict[str, Any]) -> None:
    with pytest.raises(InvalidLink) as error:
        sealed_link(case["link"])
    assert "q83v" not in str(error.value)


@given(st.text(alphabet=st.sampled_from("https://[]@:#%23?&.<>()_-Aé x\\\n"), max_size=60))
@example("https://[")
@example("https://[::1/#" + "A" * 22)
@example("http://:99999/#" + "A" * 22)
def test_any_text_is_a_link_or_is_refused(text: str) -> None:
    for parse in (parse_link, origin_of):
        with suppress(InvalidLink):
            parse(text)


@pytest.mark.parametrize(
    ("server", "reason"),
    [
        ("example.org", "such as https://example.org."),
        ("localhost:8787", "starts with https://"),
        ("ftp://example.org", "starts with https://"),
        ("http://example.org:80", "use https://example.org:80"),
        ("https://example.org/path", "nothing behind its host: https://example.org."),
        ("https://a:b@example.org", "user or a password"),
        ("https://a:unmistakable#b@example.org", "user or a password"),
        ("https://a:12#unmistakable@example.org", "user or a password"),
        ("http://unmistakable/b@example.org", "user or a password"),
        ("https://[", "not a web address"),
    ],
)
def test_an_address_that_is_refused_is_told_why(server: str, reason: str) -> None:
    with pytest.raises(InvalidLink, match=reason) as raised:
        origin_of(server)
    assert "unmistakable" not in str(raised.value)
