"""Editing a line that is typed: what the terminal shows, and which bytes arrive."""

import pytest

from crypt_api.cli.typed import Line

ERASED = "\b \b"


class Keyboard:
    """Types the chunks one after the other, and remembers what was shown."""

    def __init__(self, chunks: list[bytes]) -> None:
        self.keys = {"VERASE": "#", "VWERASE": "\x17", "VKILL": "\x15", "VEOF": "\x04"}
        self.shown = b""
        self._chunks = chunks

    def read(self) -> bytes:
        return self._chunks.pop(0)

    def show(self, data: bytes) -> None:
        self.shown += data


@pytest.mark.parametrize(
    ("typed", "shown", "lines"),
    [
        ("abc\x7f#d\b\n\x04", f"abc{ERASED * 2}d{ERASED}\n", ["a\n"]),
        ("\x7fé\x7fe\n\x04", f"é{ERASED}e\n", ["e\n"]),
        ("\N{HORSE FACE}\x7fx\n\x04", f"\N{HORSE FACE}{ERASED * 2}x\n", ["x\n"]),
        ("e\N{COMBINING ACUTE ACCENT}\x7f\n\x04", "e\N{COMBINING ACUTE ACCENT}\n", ["e\n"]),
        ("one two \x17three\n\x04", f"one two {ERASED * 4}three\n", ["one three\n"]),
        ("a\tb\x15c\n\x04", f"a\tb{ERASED * 9}c\n", ["c\n"]),
        ("kept\nab\x15\x7f\n\x04", f"kept\nab{ERASED * 2}\n", ["kept\n", "\n"]),
        ("no end\x04\x04", "no end", ["no end"]),
        ("\x1b[A\x01\0\x9b\n\x04", "^[[A^A^@\n", ["\x1b[A\x01\0\x9b\n"]),
        ("\x04", "", []),
    ],
)
@pytest.mark.parametrize("step", [1, 100])
def test_editing(typed: str, shown: str, lines: list[str], step: int) -> None:
    data = typed.encode()
    keyboard = Keyboard([data[start : start + step] for start in range(0, len(data), step)])
    line = Line(keyboard, is_shown=True)
    assert list(iter(line.next, None)) == [text.encode() for text in lines]
    assert keyboard.shown.decode() == shown


def test_bytes_that_are_no_text_arrive_as_they_are() -> None:
    keyboard = Keyboard([b"\xff\xfe\n"])
    assert Line(keyboard, is_shown=False).next() == b"\xff\xfe\n"
    assert keyboard.shown == b""
