"""`crypt-api serve`: its flags, and what it says about mistakes."""

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from crypt_api.server.application import open_application
from crypt_core.setting_values import SettingsError
from tests.support.errors import error_body
from tests.support.plain import create
from tests.support.platforms import start_server
from tests.support.proxies import listens
from tests.support.services import free_port, wait_until


def run(*arguments: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "crypt_api", *arguments]
    return subprocess.run(  # noqa: S603
        command, capture_output=True, text=True, timeout=60, check=False, env=os.environ | (env or {})
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--port=99999"], "99999"),
        (["--host=nowhere.invalid"], "cannot listen on nowhere.invalid port 0"),
        (["--host=192.0.2.1"], "cannot listen on 192.0.2.1 port 0: "),
        (["--store=mysql://x"], "--store must be sqlite:///PATH, valkey://HOST:PORT/DB or memory:."),
        (["--store=sqlite:///"], "--store must be"),
        (["--store=sqlite:////proc/x.db"], "cannot open /proc/x.db"),
        (["--store=sqlite:////nowhere/x.db"], "cannot open /nowhere/x.db: No such file or directory"),
        (["--rate-limit-per-second=many"], "--rate-limit-per-second must be a whole number, not 'many'"),
        (["--rate-limit-per-second=-1"], "--rate-limit-per-second must be a whole number, not '-1'"),
        (["--max-ttl=59"], "--max-ttl must be from 60 to 31536000, not 59"),
        (["--id-length=4"], "--id-length must be from 5 to 20, not 4"),
        (["--trusted-proxies=10.0.0.1/8"], "--trusted-proxies must be addresses or networks: 10.0.0.1/8 has host bits"),
        (["--max-ttl=soon"], "--max-ttl must be a time such as 90s, 15m, 24h or 30d, not 'soon'"),
        (["--logo=logo.gif"], "--logo must be a file that ends with .svg, .png, .webp"),
        (["--logo=/nowhere/logo.svg"], "--logo: /nowhere/logo.svg cannot be read: No such file or directory"),
        (["--max-storage=0.5"], "--max-storage must be a size such as 500MB, 2GiB or 0, not '0.5'"),
        (["--metrics=9090"], "--metrics must be HOST:PORT"),
        (["--colour"], "--colour"),
    ],
)
def test_a_mistake_is_one_clear_line(arguments: list[str], words: str, tmp_path: Path) -> None:
    store = [] if any(a.startswith("--store") for a in arguments) else [f"--store=sqlite:///{tmp_path}/messages.db"]
    result = run("serve", "--port=0", *store, *arguments)
    assert result.returncode in (1, 2)
    assert result.stdout == ""
    assert words in result.stderr.splitlines()[-1]
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    "variables",
    [
        {"STORE": "sqlite:///{}/dir.db/"},
        {"STORE": "sqlite:///{}/dir.db/."},
        {"MAX_STORAGE": "1"},
        {"MAX_FILE_STORAGE": "1"},
        {"FILES": "http://bucket"},
    ],
)
def test_a_mistake_leaves_no_file_behind(variables: dict[str, str], tmp_path: Path) -> None:
    settings = {"STORE": "sqlite:///{}/messages.db"} | variables
    with pytest.raises(SettingsError):
        open_application({f"CRYPT_API_{name}": value.format(tmp_path) for name, value in settings.items()})
    assert list(tmp_path.iterdir()) == []


def test_files_lie_beside_the_database_however_its_url_is_written(tmp_path: Path) -> None:
    open_application({"CRYPT_API_STORE": f" SQLITE:///{tmp_path}/messages.db\n"}).close()
    assert {path.name for path in tmp_path.iterdir()} == {"messages.db", "messages.db-files", "messages.db-reserve"}


def test_a_variable_whose_name_is_wrong_is_named() -> None:
    """Without its list of tokens, the server would let everybody send, and say nothing."""
    env = {"CRYPT_API_CREATE_TOKENS_FILE": "/run/secrets/tokens", "CRYPT_API_MAX_TTL": "8h", "CRYPT_API_TOKEN": "x"}
    said = run("serve", "--port=0", "--store=memory:", "--metrics=9090", env=env).stderr
    assert re.findall(r"WARNING (\w+) is no setting", said) == ["CRYPT_API_CREATE_TOKENS_FILE"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["URL"], "serve takes nothing but flags"),
        (["--store", "memory:", "URL"], "serve takes nothing but flags"),
        (["--store", "URL/1"], "--store must be like valkey://"),
        (["--host=URL"], "--host must be an address or a name of this machine"),
        (["--port=URL"], "'--port': it must be a number"),
        (["--metrics=URL:1"], "--metrics must be HOST:PORT"),
        (["--max-ttl=URL"], "--max-ttl must be a time such as 90s, 15m, 24h or 30d, not an address"),
        (["--trusted-proxies=URL"], "--trusted-proxies must be addresses or networks"),
    ],
)
def test_a_url_in_the_wrong_place_is_not_shown(arguments: list[str], words: str) -> None:
    """It may have a password."""
    result = run("serve", "--port=0", *(text.replace("URL", "valkey://:secret@h#/0") for text in arguments))
    assert result.returncode in (1, 2)
    assert words in result.stderr
    assert "secret" not in result.stdout + result.stderr


def test_a_taken_port_is_one_clear_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = run("serve", f"--port={port}", f"--store=sqlite:///{tmp_path}/messages.db")
    assert (result.returncode, result.stderr) == (
        1,
        f"Error: cannot listen on 127.0.0.1 port {port}: Address already in use\n",
    )
    assert list(tmp_path.iterdir()) == []


def test_a_second_server_on_the_same_file_is_told_so(tmp_path: Path) -> None:
    store = f"--store=sqlite:///{tmp_path}/messages.db"
    with start_server(store) as process:
        assert process.url
        result = run("serve", "--port=0", store)
    assert result.stderr == f"Error: cannot open {tmp_path}/messages.db: it is in use by another process\n"


def test_flags_come_from_the_environment_too(tmp_path: Path) -> None:
    env = {
        "CRYPT_API_STORE": f"sqlite:///{tmp_path}/elsewhere.db",
        "CRYPT_API_ID_LENGTH": "12",
        "CRYPT_API_MAX_TTL": "1h",
        "CRYPT_API_LOGO": f"{tmp_path}/logo.svg",
    }
    (tmp_path / "logo.svg").write_text("<svg/>")
    with start_server(env=env) as process:
        logo = httpx.get(f"{process.url}/-/logo")
        assert (logo.text, logo.headers["Content-Type"]) == ("<svg/>", "image/svg+xml")
        assert re.fullmatch("[a-z0-9]{12}", create(process.url))
        answer = httpx.post(process.url, json={"message": "x", "ttl": 3601})
        assert answer.content == error_body("Field 'ttl' must be a whole number of seconds from 60 to 3600")
    assert (tmp_path / "elsewhere.db").exists()


def test_a_server_for_other_machines_without_https_is_warned_about() -> None:
    warning = "put a proxy with https before it"
    for flags, is_warned in (
        (["--host=0.0.0.0"], True),
        (["--host=0.0.0.0", "--trusted-proxies=127.0.0.1"], False),
        ([], False),
    ):
        with start_server("--store=memory:", *flags) as process:
            assert process.url
            assert (warning in process.output) == is_warned


def test_a_mistake_in_a_variable_names_the_variable() -> None:
    result = run("serve", "--port=0", "--store=memory:", env={"CRYPT_API_MAX_TTL": "1s"})
    assert result.stderr == "Error: CRYPT_API_MAX_TTL must be from 60 to 31536000, not 1\n"


def test_help_names_every_flag() -> None:
    result = run("serve", "--help")
    for flag in (
        "host",
        "port",
        "store",
        "rate-limit-per-second",
        "max-ttl",
        "id-length",
        "trusted-proxies",
        "idle-timeout",
    ):
        assert f"--{flag} " in result.stdout
    assert run("--version").stdout.strip() == "0.1.0"


def test_a_server_whose_standard_streams_are_closed_serves_and_stops() -> None:
    port = free_port()
    flags = ["--access-log", f"--port={port}", "--store=memory:"]
    closed = ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh"]
    with subprocess.Popen([*closed, sys.executable, "-m", "crypt_api", "serve", *flags]) as process:  # noqa: S603
        try:
            wait_until(lambda: listens(port, process), "it does not listen")
            for _ in range(3):
                assert httpx.get(f"http://127.0.0.1:{port}/-/health").status_code == 200
        finally:
            process.terminate()
        assert process.wait(30) == 0
