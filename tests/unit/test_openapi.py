"""The description of the API is complete."""

import json
import re
import sys

from crypt_core import __version__
from crypt_core.create_tokens import CreateTokens, new_token
from crypt_core.http import errors
from crypt_core.http.openapi import NOT_BLANK, openapi
from crypt_core.settings import Settings

TOKENS = Settings(create_tokens=CreateTokens.parse(new_token("label")[1]))


def test_the_description_names_every_error() -> None:
    examples = {
        name
        for path in openapi(TOKENS)["paths"].values()
        for operation in path.values()
        if isinstance(operation, dict)
        for response in operation["responses"].values()
        for name in response.get("content", {}).get("application/json", {}).get("examples", {})
    }
    kinds = {
        kind.__name__
        for name, kind in vars(errors).items()
        if name[0] != "_" and isinstance(kind, type) and issubclass(kind, errors.ApiError)
    }
    # A path without a route, and a connection without a request, have no operation.
    assert kinds - {"ApiError", "RouteNotFound", "TooManyConnections"} == examples


def test_the_description_has_the_services_own_bounds_and_says_nothing_twice() -> None:
    document = openapi(Settings(max_ttl=600))
    text = json.dumps(document)
    assert not re.search(r"\b(86400|3600)\b", text)
    assert "from 60 to 600" in text
    texts = [example["value"]["error"] for example in document["components"]["examples"].values()]
    assert len(texts) == len(set(texts))
    for each in texts:
        assert text.count(json.dumps(each)) == 1, each


def test_the_description_has_the_projects_version() -> None:
    assert openapi(Settings())["info"]["version"] == __version__


def test_a_message_is_blank_for_the_description_where_it_is_for_the_service() -> None:
    blank = re.compile(NOT_BLANK)
    for number in range(sys.maxunicode + 1):
        assert (blank.search(chr(number)) is None) == (not chr(number).strip()), hex(number)
