"""Promises that configuration files keep."""

import json
import tomllib

import click
import pytest

from crypt_api.cli.serve import serve
from crypt_core.settings import Settings
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
