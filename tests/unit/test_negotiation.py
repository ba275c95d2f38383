"""Whether a client gets a page or data."""

import pytest

from crypt_core.http.negotiation import MAX_LENGTH, is_navigation, prefers_html, prefers_text
from tests.support.browser_headers import BROWSER_ACCEPT


@pytest.mark.parametrize(
    ("accept", "html"),
    [
        (BROWSER_ACCEPT, True),
        ("text/html", True),
        ("TEXT/HTML", True),
        ("text/html;level=1", True),
        ("text/html ; q=0.9 , application/json ; q=0.8", True),
        ("text/html;q=0.9, application/json;level=2;q=0.8", True),
        ("application/json;q=0.5, text/html", True),
        ("text/html, application/xhtml+xml, */*", True),  # Internet Explorer
        ("text/html, application/xhtml+xml, image/jxr, */*", True),
        ("text/html, text/*;q=0.5, image/*", True),  # takes no JSON
        ("text/html, */*;q=0", True),
        ("text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2", False),  # Java, up to 16
        ("text/html, image/gif, image/jpeg, */*; q=0.2", False),  # Java, from 17 on
        ("text/xml, text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2", False),  # SOAP in Java
        ("text/html, *; q=.2", False),
        ("text/html, */*; q=0.01", False),  # jQuery
        ("text/html;q=0.5, */*;q=0.4", False),
        ("text/html, application/xhtml+xml;q=0, */*;q=0.1", False),
        ("text/html, application/xhtml+xml, application/json", False),
        ("text/html;q=0.5, application/*;q=0.4", True),
        ("text/html, */*", False),  # as glad of JSON
        ("text/html;q=0.5, */*", False),
        ("text/html;q=0.5, application/*;q=0.6, */*;q=0.1", False),  # the more exact range counts
        ("text/html;q=0.5, application/json;q=0.6, application/*;q=0.1", False),
        ("text/html;q=0.5, application/json;q=0.4, application/*", True),
        ("text/html, application/json", False),
        ("application/json, text/html;q=0.9", False),
        ("text/html;q=0", False),
        ("text/html;q=0, */*;q=0", False),
        ("text/html;q=x", False),
        ("text/html;q=1.0.0", False),
        ("text/html;q=²", False),
        ("text/html;q=", False),
        ("text/htmlx", False),
        ("application/json", False),
        ("*/*", False),
        ("", False),
    ],
)
def test_accept_is_weighed(accept: str, html: bool) -> None:  # noqa: FBT001
    assert prefers_html({"accept": accept}) is html


@pytest.mark.parametrize(
    ("accept", "text"),
    [
        ("text/plain", True),
        ("TEXT/PLAIN;charset=utf-8", True),
        ("text/*", True),
        ("text/plain, application/json;q=0.9", True),
        ("text/plain, */*;q=0.8", True),
        ("application/json;q=0, text/plain;q=0.1, */*", True),
        ("text/plain, application/json", False),
        ("application/json, text/plain, */*", False),  # axios
        ("text/plain, */*", False),  # as glad of JSON
        ("text/plain;q=0.5, application/*", False),
        ("text/plain;q=0, */*", False),
        ("text/xml, text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2", False),  # SOAP in Java
        ("text/event-stream", False),
        ("text/plain;q=x", False),
        ("text/plain" + "," * MAX_LENGTH, False),
        ("*/*", False),
        ("", False),
    ],
)
def test_text_is_for_who_prefers_it_to_json(accept: str, text: bool) -> None:  # noqa: FBT001
    assert prefers_text({"accept": accept}) is text


LYNX = {
    "user-agent": "Lynx/2.9.0dev.12 libwww-FM/2.14",
    "accept": "text/html, text/plain, text/sgml, text/css, */*;q=0.01",
}
W3M = {"user-agent": "w3m/0.5.3+git20230121", "accept": "text/html, text/*;q=0.5, image/*"}


@pytest.mark.parametrize("headers", [LYNX, W3M], ids=["Lynx", "w3m"])
def test_browsers_in_a_terminal_are_browsers(headers: dict[str, str]) -> None:
    """As they were measured, in Debian 12."""
    assert prefers_html(headers)
    assert is_navigation(headers)
    assert not prefers_html(headers | {"accept": "application/json"})


def test_without_accept_it_is_data() -> None:
    assert not prefers_html({})
    assert not is_navigation({})


def test_a_header_that_no_browser_sends_is_not_weighed() -> None:
    longest = "text/html" + "," * (MAX_LENGTH - len("text/html"))
    assert prefers_html({"accept": longest})
    assert not prefers_html({"accept": longest + ","})


@pytest.mark.parametrize(
    ("headers", "navigation"),
    [
        ({"sec-fetch-mode": "navigate"}, True),
        ({"sec-fetch-mode": "navigate", "accept": "*/*"}, True),
        ({"sec-fetch-mode": "cors", "accept": BROWSER_ACCEPT}, False),
        ({"sec-fetch-mode": "", "accept": BROWSER_ACCEPT}, True),
        ({"accept": BROWSER_ACCEPT}, True),
        ({"accept": "*/*"}, False),
    ],
)
def test_a_browser_says_that_it_navigates(headers: dict[str, str], navigation: bool) -> None:  # noqa: FBT001
    assert is_navigation(headers) is navigation


def test_who_has_a_proof_is_a_program() -> None:
    browser = {"sec-fetch-mode": "navigate"}
    assert is_navigation(browser | {"authorization": "Basic x"})  # a proxy's
    assert not is_navigation(browser | {"authorization": "Bearer x"})
