"""The tools of `crypt-api mcp`. What they return is in the agent's conversation, and so with the operator of the model.

So they return no content, no name of a file in an answer, no link that reads an answer, and no text of the service's:
each could also be an instruction to the agent.
"""

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, TypedDict

from mcp.server.mcpserver.exceptions import ToolError

from crypt_api.cli.delivery import rescued
from crypt_api.cli.named_folders import BadPath, NamedFolder, NewItem
from crypt_api.cli.places import TEXT_NAME
from crypt_api.cli.terminal import tell
from crypt_api.cli.times import rfc3339
from crypt_api.client import Attachment, Client, Message
from crypt_api.client.errors import AnswerLost, ContentTooLarge, CryptApiError, NotFound, Refused, Unavailable
from crypt_api.client.links import parse_link
from crypt_api.client.messages import has_parts

INSTRUCTIONS = """\
Secrets go around this conversation, not through it. To get a secret, ask: give the link to the person who has it, and
save the answer to a file. To hand a file over, send it: give the link to its reader. Never ask for a secret to be
written into the conversation, and do not read a saved answer unless the user wants that."""

CLOSING_PATIENCE = 2.0
"""Seconds that a call under way is waited for when the process ends."""

CLOSING_TIMEOUT, CLOSING_PAUSE = 2.0, 1.0
"""Seconds that the service may be silent, and that it is waited for, when the process ends: hosts soon kill it."""

_SERVICE_TEXTS: dict[type[CryptApiError], str] = {
    Unavailable: "The service cannot be reached, or its storage is down. Try again later.",
    AnswerLost: "The service's answer was lost; the request may have been carried out. Try again.",
    ContentTooLarge: "This is larger than the service takes.",
    Refused: "The service refused this.",
}
"""What is said instead of texts that may be the service's own."""


class Made(TypedDict):
    """What was stored."""

    handle: str
    link: str
    expires_at: str


class Saved(TypedDict):
    """What was saved."""

    bytes: int
    files: int
    is_folder: bool


class Status(TypedDict):
    """What became of a question or a file."""

    state: str
    expires_at: str | None


class Done(TypedDict):
    """That it is gone."""

    state: str


@dataclass
class _Kept:
    """What a handle stands for. It is in this process's memory alone.

    Attributes:
        link: The link that reads the answer, or the file.
        is_question: Whether it was asked, and not sent.
        answer: The answer, from when it was fetched until it is saved.
        is_over: Whether there is nothing left to destroy.
    """

    link: str = field(repr=False)
    is_question: bool
    answer: Message | None = field(default=None, repr=False)
    is_over: bool = False


class AgentTools:
    """The tools, and what their handles stand for. One call at a time is carried out."""

    def __init__(
        self,
        server: str,
        token: str | None,
        ttl: int | None,
        save_to: NamedFolder | None,
        send_from: NamedFolder | None,
    ) -> None:
        """Raises InvalidLink if `server` is no address."""
        self._server = server
        self._client = Client(server, token=token)
        self._ttl = ttl
        self._save_to = save_to
        self._send_from = send_from
        self._kept: dict[str, _Kept] = {}
        self._turn = Lock()
        self._is_closed = False

    def offered(self) -> list[Callable[..., Any]]:
        """The tools whose folders the user has named."""
        tools: list[Callable[..., Any]] = [self.status, self.destroy]
        if self._send_from is not None:
            tools = [self.send_file, *tools]
        if self._save_to is not None:
            tools = [self.ask, self.save_answer, *tools]
        return tools

    def ask(self, question: str) -> Made:
        """Ask a person for a secret.

        Give the link to the person who has it: they read the question there, and answer once. The handle is for status,
        save_answer and destroy, as long as this server runs.
        """
        with self._reported():
            asked = self._client.ask(question, ttl=self._ttl)
            return self._keep(_Kept(asked.ask_link, is_question=True), asked.answer_link, rfc3339(asked.expires_at))

    def save_answer(self, handle: str, path: str) -> Saved:
        """Save the answer to a question as a new file, in the folder that the user has named.

        The path is relative to that folder; folders in the path must exist, and nothing is overwritten. An answer of
        several files, or of files with a note, becomes a folder. You get its size, not the answer. Saving destroys the
        answer at the service.
        """
        with self._reported():
            kept = self._found(handle)
            if not kept.is_question or self._save_to is None:
                raise ToolError("This handle is that of a file that was sent. Only a question has an answer.")
            with self._save_to.reserved(path) as item, self._read(kept) as answer:
                saved = _write(answer, item)
                kept.answer, kept.is_over = None, True
            return saved

    def send_file(self, path: str) -> Made:
        """Store a file of the folder that the user has named, encrypted, for one reader.

        The path is relative to that folder. Give the link to the reader alone: the first one who opens it gets the
        file, and nobody else does.
        """
        with self._reported():
            if self._send_from is None:
                raise ToolError("The user has named no folder to send from.")
            with self._send_from.opened(path) as file:
                sent = self._client.send(files=[Attachment(file, path.rpartition("/")[2])], ttl=self._ttl)
            return self._keep(_Kept(sent.link, is_question=False), sent.link, rfc3339(sent.expires_at))

    def status(self, handle: str) -> Status:
        """Tell what became of a question or a file.

        It is asked (nobody has answered), unread (an answer can be saved, or a file was not read yet), unsaved (the
        answer was fetched, but could not be written: save it again), read, destroyed or expired. This changes nothing.
        """
        with self._reported():
            kept = self._found(handle)
            if kept.answer is not None:
                return Status(state="unsaved", expires_at=None)
            try:
                receipt = self._client.receipt(kept.link)
            except NotFound:
                return Status(state="expired", expires_at=None)
            return Status(state=receipt.state, expires_at=rfc3339(receipt.expires_at))

    def destroy(self, handle: str) -> Done:
        """Destroy a question and its answer, or a file that was sent, if nobody has read it."""
        with self._reported():
            kept = self._found(handle)
            if kept.answer is None:
                self._client.destroy(kept.link)
            else:
                kept.answer.delete_parts()
            kept.answer, kept.is_over = None, True
            return Done(state="destroyed")

    def close(self) -> None:
        """Destroy the questions whose answers nobody could read any more, so that nobody answers them.

        A call that is under way is waited for. Answers that could not be written are saved under other names, and
        stderr says which.
        """
        self._is_closed = True
        if self._turn.acquire(timeout=CLOSING_PATIENCE):
            self._turn.release()
        for kept in list(self._kept.values()):  # a call that was not waited for may add another one,
            answer = kept.answer  # or end now
            if answer is not None and self._save_to is not None:
                kept.is_over = True
                where = _saved_elsewhere(answer, kept.link, self._save_to)
                tell(f"An answer could not be saved where the agent wanted it. {where}")
        self._client.close()
        with Client(self._server, timeout=CLOSING_TIMEOUT, sleep=_sleep_briefly) as client:
            while left := [kept for kept in list(self._kept.values()) if kept.is_question and not kept.is_over]:
                try:
                    with suppress(NotFound):
                        client.destroy(left[0].link)
                except CryptApiError:
                    return  # the others would wait as long
                left[0].is_over = True

    @contextmanager
    def _read(self, kept: _Kept) -> Iterator[Message]:
        """Read the answer, and acknowledge it when the block has saved it."""
        if kept.answer is None:
            with self._client.reading(kept.link) as answer:
                kept.answer = answer
                yield answer
        else:  # it could not be written before
            answer = kept.answer
            yield answer
            with suppress(CryptApiError):  # they expire
                answer.delete_parts()

    def _keep(self, kept: _Kept, link: str, expires_at: str) -> Made:
        handle = secrets.token_urlsafe(16)
        self._kept[handle] = kept
        return Made(handle=handle, link=link, expires_at=expires_at)

    def _found(self, handle: str) -> _Kept:
        if handle not in self._kept:
            raise ToolError("There is no such handle. Handles end when this server is started again: ask again.")
        return self._kept[handle]

    @contextmanager
    def _reported(self) -> Iterator[None]:
        """Carry out one call, and say what failed without quoting anything that came from elsewhere."""
        try:
            with self._turn:
                if self._is_closed:
                    raise ToolError("This server is ending.")
                yield
        except CryptApiError as error:
            raise ToolError(_SERVICE_TEXTS.get(type(error), str(error))) from None
        except BadPath as error:
            raise ToolError(str(error)) from None
        except OSError as error:
            raise ToolError(f"A file cannot be read or written: {error.strerror}. Try again.") from None


def _sleep_briefly(seconds: float) -> None:
    time.sleep(min(seconds, CLOSING_PAUSE))


def _saved_elsewhere(answer: Message, link: str, folder: NamedFolder) -> str:
    """Save the answer under another name; give a sentence that says which.

    It stays in the same folder: the agent may be able to read others. Of large files, what they can be fetched with is
    saved, as `crypt-api read` does.
    """
    name = f"answer-{secrets.token_hex(4)}"
    try:
        if has_parts(answer):
            return rescued(answer, parse_link(link).address)
        with folder.reserved(name) as item:
            _write(answer, item)
    except (BadPath, OSError):
        return "It is lost."
    return f"It is saved as {name}, in the same folder."


def _write(message: Message, item: NewItem) -> Saved:
    """Save a text, or a single file, as it is; anything else as a folder."""
    is_folder = len(message.files) > 1 or bool(message.files and message.text)
    item.is_folder = is_folder
    size = 0
    for file in message.files:
        with item.file(file.safe_path) as stream:
            file.copy_to(stream)
            size += stream.tell()
    if message.text or not message.files:
        with item.file(TEXT_NAME) as stream:
            stream.write(message.text.encode())
            size += stream.tell()
    item.complete()
    return Saved(bytes=size, files=len(message.files), is_folder=is_folder)
