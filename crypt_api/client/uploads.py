"""Sending files whose bytes do not fit into a message: in parts, before the message that lists them."""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any

import httpx

from crypt_api.client.attachments import Attachment, Files
from crypt_api.client.content import MAX_CONTENT_BYTES, encode
from crypt_api.client.errors import (
    AnswerLost,
    ContentTooLarge,
    CryptApiError,
    FilesOff,
    Refused,
    Unavailable,
    UploadBudgetExhausted,
    UploadExpired,
)
from crypt_api.client.manifest import MAX_PARTS, Manifest
from crypt_api.client.parts import MAX_PART_BYTES, PartKeys
from crypt_api.client.receipts import parse_time
from crypt_api.client.requests import Pieces, create_token, make_request
from crypt_api.client.responses import parse
from crypt_api.client.retries import BRIEF, FIRST_TRY, PATIENT_IN_TURN, ask, wait_for_turn
from crypt_api.client.sealing import OVERHEAD_BYTES, STEP
from crypt_api.client.steps import Compute, Conversation
from crypt_api.client.upload_journals import Journal, Plan, Progress
from crypt_core.encoding import encode_base64url, whole_number
from crypt_core.http.errors import InvalidField

SMALL_PART_BYTES = 512 * 1_024 - 1
"""Bytes of files in a part for lines on which a large part does not arrive."""

MARGIN = 3_600
"""Seconds by which each part has to outlive the message: a reader who comes late needs time to fetch them."""

ReportProgress = Callable[[int, int | None], None]
"""Called with the bytes that are done, and with all bytes, or None while their number is not known."""

_LARGE_PART_FAILED = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, 502, 504)
"""How the service or a proxy says that such a part takes too long, or is too large."""


@dataclass(frozen=True)
class FileLimits:
    """What a service says of files, at `/-/limits`.

    Attributes:
        max_bytes: Bytes of all files of a message.
        part_bytes: Bytes of a part on the wire.
        extra_ttl: Seconds by which a part may outlive the longest message.
        min_ttl: The fewest seconds that a message may live.
        max_ttl: The most seconds that a message may live.
        default_ttl: Seconds that a message lives if its sender asks for nothing else.
        max_reads: How many readers a message may have.
    """

    max_bytes: int
    part_bytes: int
    extra_ttl: int
    min_ttl: int
    max_ttl: int
    default_ttl: int
    max_reads: int


@contextmanager
def opened_upload(
    origin: str,
    files: Iterable[Attachment | Path | str],
    token: str | None,
    progress: ReportProgress | None,
    journal_path: Path | None,
) -> Iterator["Upload"]:
    """Open the files and the journal. The journal is removed at the end, unless the upload can go on later.

    Raises:
        OSError: A file cannot be read, or the journal cannot be written or is in use.
        TooManyFiles: There are more than a message can have.
    """
    with closing(Files(files)) as opened, ExitStack() as stack:
        journal = None if journal_path is None else stack.enter_context(closing(Journal(journal_path)))
        upload = Upload(origin, opened, token, progress, journal)
        try:
            yield upload
        except BaseException as error:
            if journal is not None and not upload.can_go_on_after(error):
                journal.remove()
            raise
        if journal is not None:
            journal.remove()


class _PartsTooLarge(Exception):
    """Parts of this size do not arrive."""


class Upload:
    """An upload of files: what has been sent of it, so that it can go on later, or be withdrawn.

    Attributes:
        may_be_in_use: Whether the service may have the message of the files, and somebody its link: then they stay.
    """

    def __init__(
        self,
        origin: str,
        files: Files,
        token: str | None,
        progress: ReportProgress | None = None,
        journal: Journal | None = None,
    ) -> None:
        """`journal` remembers the upload of files that can be read again; other files are not remembered."""
        self._origin = origin
        self.files = files
        self._token = create_token(token)
        self._report = progress or (lambda _done, _total: None)
        self._versions = files.versions
        self._journal = journal if self._versions is not None else None
        self._plan: Plan | None = None
        self._progress = Progress()
        self.may_be_in_use = False

    def send_parts(self, limits: FileLimits, note: str, ttl: int, reads: int) -> Conversation[Manifest]:
        """Send all parts; give the manifest that makes files of them.

        Raises:
            ContentTooLarge, Refused: The service does not take such a message. Nothing was sent.
            FileChanged, OSError: A file has changed, or cannot be read.
            UploadExpired: The first parts would expire too early.
        """
        self._check(limits, ttl, reads)
        sole = reads == 1
        part_bytes = min(MAX_PART_BYTES, (limits.part_bytes - OVERHEAD_BYTES) // STEP * STEP - 1)
        plan = self._resumed(part_bytes, ttl) or self._begin(part_bytes)
        encode(self._manifest(plan, note, sole=sole))  # a list that is too long is refused before anything is sent
        while True:
            try:
                if not (yield from self._is_first_part_there(plan, ttl + limits.extra_ttl)):
                    yield from self.withdraw()
                    plan = self._begin(plan.part_bytes)
                yield from self._send(plan, ttl + limits.extra_ttl, limits.max_bytes)
                break
            except _PartsTooLarge:
                yield from self.withdraw()
                plan = self._begin(min(SMALL_PART_BYTES, part_bytes))
        if self._seconds_left() < ttl + MARGIN:
            raise UploadExpired("Sending the files took too long: their first parts would be gone too early.")
        return self._manifest(plan, note, sole=sole)

    def withdraw(self) -> Conversation[None]:
        """Delete the parts that were sent, as far as the service can be reached. What stays expires by itself."""
        plan, count = self._plan, self._progress.sent + 1  # the last one may have arrived without an answer
        self._plan, self._progress = None, Progress()
        if plan is None or self.may_be_in_use:
            return
        try:
            for number in range(count):
                last = yield from ask(part_request("DELETE", self._origin, PartKeys(plan.key), number), BRIEF)
                yield from wait_for_turn(last)
        except CryptApiError:
            return

    def can_go_on_after(self, error: BaseException) -> bool:
        """Whether the journal and what was sent are kept, for a later run."""
        is_passing = isinstance(error, (Unavailable, UploadBudgetExhausted))
        return self._journal is not None and self._plan is not None and is_passing

    def _check(self, limits: FileLimits, ttl: int, reads: int) -> None:
        """Refuse at once what the service would refuse after all parts were sent."""
        if not limits.min_ttl <= ttl <= limits.max_ttl:
            raise Refused(f"A message lives {limits.min_ttl} to {limits.max_ttl} seconds here.", InvalidField.code)
        if not 1 <= reads <= limits.max_reads:
            raise Refused(f"A message has 1 to {limits.max_reads} readers here.", InvalidField.code)
        known = self.files.known_bytes
        if known > limits.max_bytes:
            raise ContentTooLarge(
                f"The files have {known:,} bytes together, and this service takes {limits.max_bytes:,}."
            )

    def _resumed(self, part_bytes: int, ttl: int) -> Plan | None:
        """Go on with the upload in the journal, if it has sent the same files, and its parts live long enough."""
        if self._journal is None or (found := self._journal.load()) is None:
            return None
        plan, progress = found
        is_same = (plan.server, plan.files) == (self._origin, self._versions) and plan.part_bytes <= part_bytes
        is_possible = progress.sent <= -(-self.files.known_bytes // plan.part_bytes)
        self._progress = progress
        if not is_same or not is_possible or self._seconds_left() < ttl + MARGIN:
            self._progress = Progress()
            return None
        self._plan = plan
        return plan

    def _begin(self, part_bytes: int) -> Plan:
        """Begin with a key of its own: one key and one number seal one content."""
        self._plan = Plan(self._origin, self._versions or [], part_bytes, PartKeys.generate().key)
        self._progress = Progress()
        plan = self._plan
        self._remember(lambda journal: journal.begin(plan))
        return plan

    def _remember(self, write: Callable[[Journal], None]) -> None:
        """Write to the journal. If that fails, for want of room say, the upload goes on, and cannot go on later."""
        if self._journal is None:
            return
        try:
            write(self._journal)
        except OSError:
            self._journal.remove()
            self._journal = None

    def _is_first_part_there(self, plan: Plan, ttl: int) -> Conversation[bool]:
        """Whether the service still has the first part, if it has acknowledged one.

        A withdrawal that was killed has deleted it, and so may the service's operator: then a message without its files
        would be sent. A part that is there is answered without another copy.
        """
        if not self._progress.sent:
            return True
        yield Compute(lambda: self.files.seek(0))
        data: bytes = yield Compute(partial(self.files.read, plan.part_bytes))
        is_new, _ = yield from self._put(plan, 0, data, ttl)
        return not is_new

    def _send(self, plan: Plan, ttl: int, max_bytes: int) -> Conversation[None]:
        """Send each part that has not arrived yet, one after the other."""
        done = self._progress.sent * plan.part_bytes
        yield Compute(lambda: self.files.seek(done))
        while True:
            data: bytes = yield Compute(partial(self.files.read, plan.part_bytes))
            if not data:
                return
            if done + len(data) > max_bytes:
                raise ContentTooLarge(f"The files have more than {max_bytes:,} bytes together.")
            if self._progress.sent == MAX_PARTS:
                raise ContentTooLarge(f"The files have more than {MAX_PARTS:,} parts.")
            is_new, expires_at = yield from self._put(plan, self._progress.sent, data, ttl)
            progress = self._progress
            if is_new:
                progress.clock_error = expires_at - ttl - time.time()
            progress.expires_at = min(expires_at, progress.expires_at or expires_at)
            progress.sent += 1
            self._remember(lambda journal: journal.note(self._progress))
            done += len(data)
            del data
            self._report(done, self.files.total)

    def _put(self, plan: Plan, number: int, data: bytes, ttl: int) -> Conversation[tuple[bool, float]]:
        """Send a part; give whether it was not there yet, and the Unix time at which it expires."""
        keys, is_large = PartKeys(plan.key), plan.part_bytes > SMALL_PART_BYTES
        part: bytes = yield Compute(partial(keys.seal, number, data))
        length, total, done = len(data), self.files.total, number * plan.part_bytes
        del data
        body = Pieces(part, lambda sent: self._report(done + min(sent, length), total))
        headers = {"TTL": str(ttl), "Content-Length": str(len(part)), **self._token}
        request = make_request("PUT", f"{self._origin}/{keys.id(number)}/part", headers=headers, body=body)
        try:
            last = yield from ask(request, FIRST_TRY if is_large else PATIENT_IN_TURN)
        except AnswerLost:
            if is_large:
                raise _PartsTooLarge from None
            raise
        if is_large and last.response.status_code in _LARGE_PART_FAILED:
            raise _PartsTooLarge
        is_json = "json" in last.response.headers.get("content-type", "")
        if last.response.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE and not is_json:
            raise Refused(
                "A proxy before the service lets no parts of files through: its operator has to allow 4.1 MB."
            )
        expires_at = parse(last, lambda fields: parse_time(fields["expires_at"])).timestamp()
        yield from wait_for_turn(last)
        return last.response.status_code == HTTPStatus.CREATED, expires_at

    def _seconds_left(self) -> float:
        """Until the first part expires."""
        if self._progress.expires_at is None:
            return float("inf")
        return self._progress.expires_at - (time.time() + self._progress.clock_error)

    def _manifest(self, plan: Plan, note: str, *, sole: bool) -> Manifest:
        return Manifest(self.files.entries, note, PartKeys(plan.key), plan.part_bytes, sole)


def part_request(method: str, origin: str, keys: PartKeys, number: int, **extensions: Any) -> httpx.Request:
    """A request that fetches or deletes a part."""
    headers = {"Authorization": f"Bearer {encode_base64url(keys.proof(number))}"}
    url = f"{origin}/{keys.id(number)}/part"
    return make_request(method, url, headers=headers, extensions=extensions)


def ask_limits(origin: str) -> Conversation[FileLimits]:
    """Ask the service what it takes.

    Raises:
        FilesOff: It takes no files.
    """
    last = yield from ask(make_request("GET", f"{origin}/-/limits"))
    limits = None if last.response.status_code == HTTPStatus.NOT_FOUND else parse(last, _file_limits)
    if limits is None:
        raise FilesOff(f"This service takes no files beyond {MAX_CONTENT_BYTES:,} bytes together.", "files_off")
    return limits


def _file_limits(fields: dict[str, Any]) -> FileLimits | None:
    """Raises KeyError, TypeError or ValueError for what is not a service's limits."""
    files = fields["files"]
    if files is None:
        return None
    names = ("min_ttl", "max_ttl", "default_ttl", "max_reads")
    numbers = [whole_number(files[name]) for name in ("max_bytes", "part_bytes", "extra_ttl")]
    limits = FileLimits(*(number or 0 for number in (*numbers, *(whole_number(fields[name]) for name in names))))
    if limits.part_bytes < OVERHEAD_BYTES + STEP:
        raise ValueError
    return limits
