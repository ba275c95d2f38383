"""The description of the API is complete."""

from crypt_core import __version__
from crypt_core.create_tokens import CreateTokens, new_token
from crypt_core.http import error_responses as errors
from crypt_core.http.openapi import openapi
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


def test_the_description_has_the_projects_version() -> None:
    assert openapi(Settings())["info"]["version"] == __version__
