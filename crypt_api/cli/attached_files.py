"""What `send` and `answer` do with `--file`: single files, all that is in a folder, and uploads that go on later."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import click

from crypt_api.cli.state_folder import state_folder
from crypt_api.cli.terminal import visible
from crypt_api.client import Attachment
from crypt_api.client.content import MAX_CONTENT_BYTES
from crypt_api.client.errors import Refused, Unavailable
from crypt_api.client.manifest import MAX_FILES
from crypt_api.client.upload_journals import Journal


def attachments(paths: Sequence[Path]) -> list[Attachment]:
    """Give each file, and of each folder all files, with the folder's name before theirs.

    Raises:
        UsageError: There are too many, or something is no regular file. In a folder, neither is a symbolic link: it may
            lead to a file that nobody meant to send.
    """
    found: list[Attachment] = []
    for path in paths:
        for attachment in _in_folder(path) if path.is_dir() else [Attachment(path)]:
            found.append(attachment)
            if len(found) > MAX_FILES:
                raise click.UsageError(f"A message has at most {MAX_FILES} files. Send an archive of them.")
    return found


resume_option = click.option(
    "--resume",
    is_flag=True,
    help="Go on with an upload of the same files that was interrupted. Give the other options again, too.",
)


def check_resume(paths: Sequence[Path], *, resume: bool) -> None:
    """Refuse to go on with the upload of nothing."""
    if resume and not paths:
        raise click.UsageError("--resume goes on with files: name them with --file, as before.")


def prepared_journal(target: str, files: Sequence[Attachment], *, resume: bool) -> Path | None:
    """The path of the journal for an upload of these files; None where there can be no journal, or none is needed.

    `target` is the service, or the question. Journals lie in `$XDG_STATE_HOME/crypt-api/uploads`. Without `resume`, the
    journal of an earlier upload is removed.

    Raises:
        UsageError: The upload is to be resumed, and another program is at it.
    """
    paths = [file.source for file in files if isinstance(file.source, Path)]
    key = "\0".join([target, *(str(path.absolute()) for path in paths)])
    try:
        if sum(path.stat().st_size for path in paths) <= MAX_CONTENT_BYTES:
            return None
        path = state_folder() / "uploads" / f"{sha256(os.fsencode(key)).hexdigest()[:32]}.json"
        if resume and not path.exists():
            click.echo("No interrupted upload of these files is known; it starts anew.", err=True)
        journal = Journal(path)
    except BlockingIOError:
        if resume:
            raise click.UsageError("These files are being sent by another crypt-api.") from None
        return None
    except (OSError, RuntimeError):
        return None  # then it cannot be resumed; the upload itself needs no journal
    if not resume:
        journal.remove()
    journal.close()
    return path


@contextmanager
def upload_failures(journal: Path | None) -> Iterator[None]:
    """Say of an upload that failed whether it can go on later, and of a file that it cannot be read."""
    try:
        yield
    except (Refused, Unavailable):
        if journal is not None and journal.exists():
            click.echo("What was sent is kept. The same command with --resume goes on.", err=True)
        raise
    except OSError as error:
        name = visible(str(error.filename or "A file"), lines=False)
        raise click.UsageError(f"{name} cannot be read: {error.strerror}.") from None


def _in_folder(folder: Path) -> Iterator[Attachment]:
    top, is_empty = folder.resolve(), True
    for path in _below(top):
        is_empty = False
        name = path.relative_to(top.parent).as_posix()
        yield Attachment(path, os.fsencode(name).decode(errors="replace"))
    if is_empty:
        raise click.UsageError(f"There is no file in {folder}.")


def _below(folder: Path) -> Iterator[Path]:
    """The files, one folder after the other: whoever names a folder of a million files need not wait for their list.

    `Path.rglob` leaves out a folder that cannot be read.
    """
    waiting = [folder]
    while waiting:
        path = waiting.pop()
        shown = visible(str(path), lines=False)
        if path.is_file() and not path.is_symlink():
            yield path
        elif path.is_dir() and not path.is_symlink():
            try:
                waiting += sorted(path.iterdir(), reverse=True)
            except OSError as error:
                raise click.UsageError(f"{shown} cannot be read: {error.strerror}.") from None
        else:
            raise click.UsageError(f"{shown} is no regular file.")
