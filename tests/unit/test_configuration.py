"""Promises that configuration files keep."""

import json
import re
import tomllib
from types import SimpleNamespace

import click
import pytest

from crypt_api.cli.serve import serve
from crypt_core.settings import Settings
from crypt_worker.variables import Variables
from tests.support.platforms import ROOT


def test_the_platform_keeps_no_log_of_urls() -> None:
    logs = tomllib.loads((ROOT / "wrangler.toml").read_text())["observability"]["logs"]
    assert logs["invocation_logs"] is False


@pytest.mark.parametrize("folder", ["workerd", "browser"])
def test_the_lock_file_names_no_host(folder: str) -> None:
    lock = json.loads((ROOT / "tools" / folder / "package-lock.json").read_text())
    assert not [name for name, package in lock["packages"].items() if "resolved" in package]


def test_every_flag_is_in_the_example_environment() -> None:
    example = (ROOT / ".env.example").read_text()
    for option in serve.params:
        assert isinstance(option, click.Option)
        assert f"CRYPT_API_{str(option.name).upper()}=" in example


def test_every_setting_is_a_variable_of_the_worker() -> None:
    configuration = (ROOT / "wrangler.toml").read_text()
    for name in Settings.NAMES:
        assert f'\n{name} = "' in configuration


@pytest.mark.parametrize(
    "path", [".github/workflows/deploy.yml", "README.md", "docs/cloudflare.md", "docs/operations.md", "wrangler.toml"]
)
def test_every_command_that_changes_a_worker_names_its_environment(path: str) -> None:
    """Without `--env`, wrangler warns that several are in wrangler.toml."""
    commands = re.findall(r"wrangler (?:deploy|secret \w+ \w+|versions \w+)\b[^`\n]*", (ROOT / path).read_text())
    assert all(re.search(r'--env(=""| \w+)$', command) for command in commands), commands


def test_the_preview_has_the_variables_and_bindings_of_the_worker() -> None:
    plain = tomllib.loads((ROOT / "wrangler.toml").read_text())
    other = plain["env"]["preview"]
    assert other["vars"] == plain["vars"]
    assert other["durable_objects"] == plain["durable_objects"]
    for namespaces in (plain["kv_namespaces"], other["kv_namespaces"]):
        # Without an id, the first deployment makes the namespace; it writes the id here, and nobody has to fill it in.
        assert [each["binding"] for each in namespaces] == ["MESSAGES"]
        assert not any(set(each.get("id", "1")) == {"0"} for each in namespaces)
    assert [each | {"namespace_id": ""} for each in other["ratelimits"]] == [
        each | {"namespace_id": ""} for each in plain["ratelimits"]
    ]


def test_every_choice_of_the_worker_is_a_variable_with_its_default() -> None:
    variables = tomllib.loads((ROOT / "wrangler.toml").read_text())["vars"]
    assert {*variables} == {*Settings.NAMES, *Variables.CHOICES}
    assert Variables.from_env(SimpleNamespace(**variables)) == Variables.from_env(SimpleNamespace())


def test_the_environment_for_a_deployment_has_what_a_deployment_runs() -> None:
    """`uv run pywrangler` in a new clone brings its few packages, and not those of the tests."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert project["tool"]["uv"]["default-groups"] == ["deploy"]
    assert project["dependency-groups"]["deploy"] == ["workers-py>=1.17,<2", {"include-group": "worker"}]
