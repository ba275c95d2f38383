"""Asking for a secret, by the command and by the Python client: who gets what, and what is lost on the way."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner

from crypt_api import AsyncClient, Attachment, Client, errors
from crypt_api.cli import ask, main
from crypt_api.cli.delivery import Undelivered
from crypt_api.cli.places import Stdout
from crypt_api.client.links import sealed_link
from crypt_api.client.parts import MAX_PART_BYTES
from crypt_core.create_tokens import new_token
from tests.support import platforms, spellings
from tests.support.platforms import Platform
from tests.support.shell import Shell, finished
from tests.support.transports import Faulty, Listening, ManyAddressesAsync

QUESTION = "unmistakable question: žluťoučký 🔑?"


@pytest.fixture
def shell(unlimited_platform: Platform, tmp_path: Path) -> Shell:
    return Shell(tmp_path, unlimited_platform.url)


def size_for(platform: Platform) -> int:
    """Of a file for an answer: in parts, where the platform takes them."""
    return MAX_PART_BYTES + 10 if platform.name == "server" else 10


def test_a_program_answers_somebody_who_waits_at_the_command(shell: Shell, unlimited_platform: Platform) -> None:
    data = os.urandom(size_for(unlimited_platform))
    command = [sys.executable, "-m", "crypt_api", "ask", QUESTION, "--wait", "--json", "--server", shell.server]
    with (
        subprocess.Popen(command, cwd=shell.folder, stdout=subprocess.PIPE) as asker,  # noqa: S603
        Client(shell.server) as client,
    ):
        assert asker.stdout is not None
        links = json.loads(asker.stdout.readline())
        assert client.question(links["answer_link"]).text == QUESTION
        client.answer(links["answer_link"], "as promised", files=[Attachment(data, "key.bin")])
        answer = json.loads(asker.stdout.read())
    assert asker.returncode == 0
    assert answer["text"] == "as promised"
    assert (shell.folder / answer["files"][0]["path"]).read_bytes() == data
    assert json.loads(shell("status", links["ask_link"], "--json").stdout)["state"] == "read"


def test_the_command_answers_a_program(shell: Shell, unlimited_platform: Platform) -> None:
    data = os.urandom(size_for(unlimited_platform))
    (shell.folder / "key.bin").write_bytes(data)
    with Client(shell.server) as client:
        asked = client.ask(QUESTION)
        answered = shell("answer", asked.answer_link, "--file", "key.bin", "as promised")
        assert answered.stdout == b"answered\n"
        assert answered.stderr.decode().startswith(f"The question: {QUESTION}\nThe asker can read it once, until 20")
        message = client.read(asked.ask_link)
        assert (message.text, [file.name for file in message.files]) == ("as promised", ["key.bin"])
        assert message.files[0].read() == data


def test_the_links_go_where_they_cannot_be_mixed_up(unlimited_server: Platform, tmp_path: Path) -> None:
    """What a pipe sends on must not be the link that reads the answer."""

    def run(*arguments: str, stdin: str = "", code: int = 0) -> tuple[str, str]:
        result = CliRunner().invoke(main, arguments, input=stdin, env={"CRYPT_API_SERVER": unlimited_server.url})
        assert result.exit_code == code, result.stderr
        return result.stdout, result.stderr

    def file(link: str) -> str:
        (tmp_path / "link").write_text(link + "\n")
        return str(tmp_path / "link")

    out, said = run("ask", "-", "--ttl", "1h", stdin=QUESTION)
    link, ask_link = out.strip(), next(line for line in said.splitlines() if "#ask." in line)
    assert (link.count("#answer."), "#answer." in said) == (1, False)
    for command in ("read", "burn"):
        assert "Use the other link, which the asker keeps" in run(command, link, code=2)[1]
    assert "ask for the other link" in run("answer", ask_link, "x", code=2)[1]
    assert "This is the link to a message" in run("answer", run("send", "x")[0], "x", code=2)[1]
    assert "is not answered yet" in run("read", ask_link, code=6)[1]
    assert run("status", link, "--exit-code", code=6)[0] == "not answered yet\n"
    assert "cannot both come from stdin" in run("answer", "-", stdin=link, code=2)[1]
    assert "not both" in run("answer", link, "x", "--link-file", file(link), code=2)[1]
    assert run("answer", "--link-file", file(f"<{link}>."), "hunter2")[0] == "answered\n"
    assert "somebody else has the link" in run("answer", link, "-", stdin="another", code=6)[1]
    assert run("status", link)[0] == "answered, not read yet\n"
    assert json.loads(run("status", link, "--json")[0])["state"] == "unread"
    assert run("read", "--link-file", file(ask_link))[0] == "hunter2"
    assert run("read", "-", stdin=ask_link, code=4)[1].endswith("If it was not you, somebody else has your link.\n")
    gone = json.loads(run("ask", "", "--json")[0])
    assert run("burn", gone["ask_link"])[0] == "destroyed\n"
    assert run("answer", gone["answer_link"], "x", code=3)[1].endswith("\nAsk the asker for a new link.\n")
    for command in ("read", "burn"):
        [said] = run(command, gone["ask_link"], code=3)[1].splitlines()
        assert said.startswith("Error: The question was destroyed at 20")
    assert "A message lives 1m to 24h here." in run("ask", "", "--ttl", "7d", code=6)[1]


def test_nobody_is_asked_if_the_answer_could_not_be_read(shell: Shell) -> None:
    """Nor is a password made that nobody gets to know."""
    with Path("/dev/full").open("wb") as full:
        assert shell("ask", "?", stderr=full, code=9).stdout == b""
        assert b"#" in shell("send", "--generate", "--show", stderr=full, code=9).stdout
    for command in ("ask ?", "send --generate --show"):
        closed = shell.program("sh", "-c", f'"$0" -m crypt_api {command} 2>&-', sys.executable)
        assert "#" not in finished(closed, code=2)


def test_at_a_terminal_the_link_is_asked_for_and_the_question_shown(shell: Shell) -> None:
    with Client(shell.server) as client:
        asked = client.ask("the password\x1b[2J?")
        terminal = shell.terminal("answer")
        terminal.expect("Link: ")
        terminal.sendline(asked.answer_link)
        terminal.expect(r"The question: the password\\x1b\[2J\?\r\nType the answer")
        terminal.sendline("hunter2")
        terminal.sendeof()
        assert "answered" in finished(terminal)
        assert client.read(asked.ask_link).text == "hunter2"


async def test_the_states_of_a_question(platform: Platform) -> None:
    async with AsyncClient(platform.url, transport=ManyAddressesAsync(platform)) as client:
        asked = await client.ask(QUESTION, ttl=3_600)
        assert {(await client.receipt(link)).state for link in (asked.answer_link, asked.ask_link)} == {"asked"}
        with pytest.raises(errors.NotAnswered):
            await client.read(asked.ask_link)
        with pytest.raises(errors.UnexpectedPassphrase):
            await client.read(asked.ask_link, passphrase="x")
        assert (await client.question(asked.answer_link)).text == QUESTION
        answers = [client.answer(asked.answer_link, str(number)) for number in range(4)]
        outcomes = await asyncio.gather(*answers, return_exceptions=True)
        assert sum(isinstance(outcome, errors.AlreadyAnswered) for outcome in outcomes) == 3
        first = next(n for n, outcome in enumerate(outcomes) if not isinstance(outcome, BaseException))
        with pytest.raises(errors.AlreadyAnswered):
            await client.question(asked.answer_link)
        async with client.reading(asked.ask_link) as message:
            assert message.text == str(first)
        with pytest.raises(errors.AlreadyRead):
            await client.read(asked.ask_link)
        gone = await client.ask()
        await client.destroy(gone.ask_link)
        for attempt in (
            client.question(gone.answer_link),
            client.answer(gone.answer_link, "x"),
            client.read(gone.ask_link),
        ):
            with pytest.raises(errors.Destroyed):
                await attempt
        assert (await client.receipt(gone.answer_link)).state == "destroyed"


def test_the_wrong_link_sends_nothing(unlimited_server: Platform) -> None:
    transport = Faulty(unlimited_server, [])
    with Client(unlimited_server.url, transport=transport) as client:
        asked = client.ask()
        attempts: tuple[tuple[Callable[..., object], str], ...] = (
            (client.read, asked.answer_link),
            (client.destroy, asked.answer_link),
            (client.question, asked.ask_link),
            (client.answer, asked.ask_link),
        )
        for call, link in attempts:
            with pytest.raises(errors.WrongLink, match="other link"):
                call(link)
        assert transport.requests == ["PUT"]


def test_an_answer_whose_response_was_lost_is_repeated(platform: Platform) -> None:
    transport = Faulty(platform, [None, "lost", "lost"])
    with Client(platform.url, transport=transport, sleep=lambda _: None) as client:
        asked = client.ask()
        client.answer(asked.answer_link, "hunter2")
        assert transport.requests == ["PUT"] * 4
        assert client.read(asked.ask_link).text == "hunter2"


def test_waiting_survives_a_service_that_is_away_and_an_answer_that_is_lost(
    unlimited_server: Platform, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    """All attempts to see the state fail once; then the answer is read, and every response to that is lost."""
    away = httpx.ConnectError("away")
    transport = Faulty(unlimited_server, [None, None, *[away] * 4, away, None, *["lost"] * 8])
    pauses: list[float] = []
    with Client(unlimited_server.url, transport=transport, sleep=lambda _: None) as client:
        asked = client.ask(QUESTION)

        def sleep(seconds: float) -> None:
            pauses.append(seconds)
            if len(pauses) == 2:
                with Client(unlimited_server.url) as other:
                    other.answer(asked.answer_link, "hunter2")

        ask._read_answer(client, asked, Stdout(), as_json=False, sleep=sleep)  # noqa: SLF001 - its clock
    out, err = capsysbinary.readouterr()
    assert out == b"hunter2"
    assert err.count(b"Waiting goes on.") == 1
    assert pauses == [2.0, 2.5, 2.5]


def test_files_that_do_not_fit_into_stdout_are_waited_for(
    unlimited_server: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The line breaks while they are fetched: the question was read then, and another read would find nothing."""
    monkeypatch.chdir(tmp_path)
    files = [Attachment(os.urandom(MAX_PART_BYTES), name) for name in ("a", "b")]
    transport = Faulty(unlimited_server, [None, None, None, None, None, *[httpx.ConnectError("away")] * 7])
    with Client(unlimited_server.url, transport=transport, sleep=lambda _: None) as client:
        asked = client.ask(QUESTION)
        with Client(unlimited_server.url) as other:
            other.answer(asked.answer_link, files=files)
        with pytest.raises(Undelivered, match="saved in this folder"):
            ask._read_answer(client, asked, Stdout(), as_json=False, sleep=lambda _: None)  # noqa: SLF001
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {file.name: file.source for file in files}


def test_who_waits_learns_that_nobody_has_answered(
    unlimited_server: Platform, capsys: pytest.CaptureFixture[str]
) -> None:
    expired = httpx.Response(404, json={"error": "Message not found"})
    transport = Faulty(unlimited_server, [None, expired])
    with Client(unlimited_server.url, transport=transport) as client, pytest.raises(SystemExit, match="3"):
        ask._read_answer(client, client.ask(), Stdout(), as_json=False)  # noqa: SLF001
    assert capsys.readouterr().err == "Error: Nobody has answered in time.\n"


def test_answers_need_no_token_and_neither_do_their_files(tmp_path: Path) -> None:
    token, line = new_token("otter")
    (tmp_path / "tokens").write_text(line)
    data = os.urandom(2 * MAX_PART_BYTES)
    file = Attachment(data, "key.bin")
    flags = (f"--create-tokens={tmp_path}/tokens", "--rate-limit-per-second=0")
    with platforms.server(tmp_path, *flags) as platform, Client(platform.url, token=token) as asker:
        with Client(platform.url) as answerer:
            with pytest.raises(errors.TokenRequired):
                answerer.ask(QUESTION)
            asked = asker.ask(QUESTION)
            answerer.answer(asked.answer_link, files=[file])
            with asker.reading(asked.ask_link) as message:
                assert message.files[0].read() == data
            asked = asker.ask(QUESTION)

            def interfere(done: int, _: int | None) -> None:
                """Another answer comes between two parts."""
                if done == MAX_PART_BYTES and asker.receipt(asked.answer_link).state == "asked":
                    asker.answer(asked.answer_link, "first")

            with pytest.raises(errors.AlreadyAnswered):
                answerer.answer(asked.answer_link, files=[file], progress=interfere)
            assert asker.read(asked.ask_link).text == "first"
        assert not [path for path in tmp_path.glob("messages.db-files/*/*") if path.stat().st_size > MAX_PART_BYTES]


def test_no_request_tells_a_question_an_answer_or_a_link(platform: Platform) -> None:
    listening = Listening(platform)
    with Client(platform.url, transport=listening) as client:
        asked = client.ask(QUESTION)
        client.answer(
            asked.answer_link, "unmistakable answer", files=[Attachment(b"unmistakable text", "unmistakable name")]
        )
        client.read(asked.ask_link)
    everything = b"\n".join(listening.said)
    for link in (asked.answer_link, asked.ask_link):
        secret = sealed_link(link)[1]
        contents = (QUESTION, "unmistakable answer", "unmistakable text", "unmistakable name")
        for writing in spellings.of_message(secret, "", *contents):
            assert not writing or writing not in everything
        assert everything.count(secret.id.encode()) == len(listening.said) == 4
