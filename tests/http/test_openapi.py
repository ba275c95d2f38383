"""`/-/openapi.json`: the description fits the service."""

import re
import subprocess
import sys
from importlib import import_module
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from crypt_core.http.openapi import openapi
from crypt_core.settings import Settings
from tests.support.platforms import Platform, start_server
from tests.support.sealed import Sealed


def test_the_description_is_valid_and_the_same_on_both_platforms(client: httpx.Client) -> None:
    document = client.get("/-/openapi.json").json()
    OpenAPIV31SpecValidator(document).validate()
    assert document == openapi(Settings())


@pytest.mark.parametrize("examples", [8, pytest.param(500, marks=pytest.mark.long)])
def test_schemathesis_finds_nothing(unlimited_platform: Platform, tmp_path: Path, examples: int) -> None:
    """Schemathesis makes valid and invalid requests from the description, and compares each response with it."""
    command = [
        str(Path(sys.executable).with_name("schemathesis")),
        "run",
        f"{unlimited_platform.url}/-/openapi.json",
        "--checks=all",
        f"--max-examples={examples}",
        "--seed=1",
        "--generation-database=none",
        "--suppress-health-check=all",
        "--no-color",
        "--request-timeout=30",
        "--workers=1",
    ]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=1_800, check=False)  # noqa: S603
    assert result.returncode == 0, result.stdout[-8_000:]
    [cases] = re.findall(r"(\d+) generated", result.stdout) or ["0"]
    assert int(cases) > 8 * examples


def test_a_client_made_from_the_description_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """openapi-python-client makes a package with a module for each operation, and a class for each schema."""
    with start_server("--store=memory:", "--rate-limit-per-second=0") as server:
        url = f"{server.url}/-/openapi.json"
        program = str(Path(sys.executable).with_name("openapi-python-client"))
        command = [program, "generate", "--url", url, "--meta=none", "--output-path=made", "--fail-on-warning"]
        # No formatter; and it knows bodies of bytes, but none of text.
        (tmp_path / "settings").write_text(
            "post_hooks: []\ncontent_type_overrides: {text/plain: application/octet-stream}\n"
        )
        result = subprocess.run(  # noqa: S603
            [*command, "--config=settings"], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
        )
        assert result.returncode == 0, result.stdout + result.stderr
        monkeypatch.syspath_prepend(tmp_path)
        made, models = import_module("made"), import_module("made.models")

        def call(client: Any, name: str, *path: str, **parameters: Any) -> Any:
            return import_module(f"made.api.default.{name}").sync(*path, client=client, **parameters)

        sealed = Sealed()
        proof = sealed.headers["Authorization"].removeprefix("Bearer ")
        with made.Client(server.url) as anybody, made.AuthenticatedClient(server.url, token=proof) as reader:
            message_id = call(anybody, "create", body=models.CreateRequest(message="secret", ttl=60)).id
            assert call(anybody, "read", message_id) == models.ReadResponse(message="secret")
            assert call(anybody, "read", message_id) == models.ApiError(error="Message not found")
            text = import_module("made.types").File(payload=BytesIO(b"a text"))
            assert call(anybody, "create_text", body=text).startswith(server.url.encode())
            assert call(anybody, "limits").files.max_bytes == 100_000_000
            assert call(anybody, "put", sealed.id, body=models.PutRequest(**sealed.body)).id == sealed.id
            assert call(anybody, "read", sealed.id).code == "authorization_required"
            assert call(reader, "status", sealed.id).state == "unread"
            assert call(reader, "read", sealed.id).message == "envelope"
