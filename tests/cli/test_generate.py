"""`crypt-api send --generate`: a password that nobody has thought of."""

import json
import math
from pathlib import Path

from crypt_api.cli.generated import ALPHABET, LENGTH, generate
from tests.support.platforms import Platform
from tests.support.shell import Shell


def test_a_password_is_made_and_sent_and_only_shown_if_that_is_asked_for(
    unlimited_server: Platform, tmp_path: Path
) -> None:
    shell = Shell(tmp_path, unlimited_server.url)
    quiet = shell("send", "--generate")
    password = shell("read", quiet.stdout.decode().strip()).stdout.decode()
    assert len(password) == LENGTH
    assert password.encode() not in quiet.stdout + quiet.stderr

    shown = shell("send", "--generate=40", "--show")
    assert shown.stderr.decode() == shell("read", shown.stdout.decode().strip()).stdout.decode() + "\n"
    assert len(shown.stderr) == 41

    plain = shell("send", "--generate", "--show", "--plain", "--json")
    assert shell("read", json.loads(plain.stdout)["link"]).stdout + b"\n" == plain.stderr

    (tmp_path / "file").write_text("x")
    for arguments in (["x"], ["-"], ["--file", "file"]):
        assert b"give no TEXT and no --file" in shell("send", "--generate=24", *arguments, code=2).stderr
    assert b"--show shows what --generate has made" in shell("send", "x", "--show", code=2).stderr
    shell("send", "--generate=11", code=2)


def test_a_password_has_119_bits_and_nothing_that_looks_like_another() -> None:
    assert 118.5 < LENGTH * math.log2(len(ALPHABET)) < 119.5
    assert not set("0oO1lI|") & set(ALPHABET)
    drawn = "".join(generate(LENGTH) for _ in range(200))
    assert set(drawn) == set(ALPHABET)
    assert len({generate(LENGTH) for _ in range(200)}) == 200
