"""What a person types or pastes at a terminal, of any length.

A terminal that edits lines itself cuts them: Linux at 4,095 bytes, macOS at 1,024, and says nothing. So it is asked for
single characters, and the line is edited here, with the terminal's own keys for erase, word erase, kill and end of
file. Ctrl-C and Ctrl-Z stay the terminal's.
"""

import codecs
import os
import select
import signal
import sys
import unicodedata
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Protocol

import click

from crypt_api.cli.terminal import is_terminal

if sys.platform != "win32":
    import termios

_INPUT_MODES, _LOCAL_MODES, _KEYS = 0, 3, 6
"""Places in the list of `termios.tcgetattr`."""

_CHUNK = 65_536
_TAB = 8


def can_ask() -> bool:
    """Whether a person is there to be asked."""
    return is_terminal(sys.stdin) or is_terminal(sys.stderr)


def typed_message(prompt: str, limit: int) -> bytes:
    """Read what is typed after the prompt, to its end. Of more than `limit` bytes, `limit` + 1 or a few more are given.

    Raises:
        Abort: The person pressed Ctrl-C.
    """
    if sys.platform == "win32":  # its console has other calls
        click.echo(prompt, err=True)
        return sys.stdin.buffer.read(limit + 1)
    typed = bytearray()
    with _keyboard("the message; give it on stdin") as keyboard:
        keyboard.show(f"{prompt}\n".encode())
        line = Line(keyboard, is_shown=keyboard.echoes)
        while (text := line.next()) is not None:
            if len(typed) <= limit:  # what is too much is read all the same: the shell would get it
                typed += text
    return bytes(typed)


def ask_secret(prompt: str, otherwise: str) -> str:
    """Ask for a line that is not shown. `otherwise` says how to give it where there is no terminal.

    Raises:
        Abort: The person pressed Ctrl-C or Ctrl-D.
        UsageError: There is no terminal.
    """
    if sys.platform == "win32":  # its console has other calls
        return str(click.prompt(prompt, hide_input=True, err=True))
    with _keyboard(f"the {prompt.lower()}; {otherwise}") as keyboard:
        keyboard.show(f"{prompt}: ".encode())
        line = Line(keyboard, is_shown=False).next()
        keyboard.show(b"\n")
    if not line:
        raise click.Abort
    # As everywhere, what is not UTF-8 is refused where it is used.
    return line.removesuffix(b"\n").decode("utf-8", "surrogateescape")


class Keyboard:
    """A terminal that gives each character at once, and shows nothing by itself."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._usual = termios.tcgetattr(descriptor)
        keys = self._usual[_KEYS]
        names = ("VERASE", "VWERASE", "VKILL", "VEOF")
        self.keys = {name: keys[getattr(termios, name)].decode("latin-1") for name in names if hasattr(termios, name)}
        self.echoes = bool(self._usual[_LOCAL_MODES] & termios.ECHO)

    def take(self) -> None:
        modes = [*self._usual[:_KEYS], list(self._usual[_KEYS])]
        # A program that crashed may have left the terminal without the modes that Enter and Ctrl-C need.
        modes[_INPUT_MODES] = (modes[_INPUT_MODES] | termios.ICRNL) & ~(termios.IGNCR | termios.INLCR)
        modes[_LOCAL_MODES] = (modes[_LOCAL_MODES] | termios.ISIG) & ~(termios.ICANON | termios.ECHO)
        modes[_KEYS][termios.VMIN], modes[_KEYS][termios.VTIME] = 1, 0
        termios.tcsetattr(self._descriptor, termios.TCSADRAIN, modes)

    def give_back(self) -> None:
        with suppress(termios.error):  # the terminal is gone
            termios.tcsetattr(self._descriptor, termios.TCSADRAIN, self._usual)

    def read(self) -> bytes:
        """Give what was typed.

        Raises:
            OSError: The terminal is gone.
        """
        while True:
            select.select([self._descriptor], [], [])
            with suppress(BlockingIOError):
                if data := os.read(self._descriptor, _CHUNK):
                    return data
                raise OSError

    def show(self, data: bytes) -> None:
        """Write to the terminal. What it does not take at once is left out, as the terminal itself would do."""
        with suppress(OSError):
            os.write(self._descriptor, data)


@contextmanager
def _keyboard(what: str) -> Iterator[Keyboard]:
    """Open the terminal, and give its settings back whatever happens.

    Raises:
        UsageError: There is none.
    """
    descriptor = _open_terminal()
    if descriptor is None:
        raise click.UsageError(f"There is no terminal to ask for {what}.")
    keyboard = Keyboard(descriptor)

    def let_signal_in(number: int, _frame: object) -> None:
        """End or stop the process as the signal would do, with the terminal as it was."""
        keyboard.give_back()
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
        signal.signal(number, let_signal_in)  # after Ctrl-Z and `fg`
        keyboard.take()

    signals = [signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGTSTP]
    # A signal that was ignored, as `nohup` does, stays so.
    caught = [number for number in signals if signal.getsignal(number) is not signal.SIG_IGN]
    handlers = {number: signal.signal(number, let_signal_in) for number in caught}
    try:
        keyboard.take()
        yield keyboard
    except (KeyboardInterrupt, OSError):  # Ctrl-C, or the terminal is gone
        raise click.Abort from None
    finally:
        keyboard.give_back()
        for number, handler in handlers.items():
            signal.signal(number, handler)
        os.close(descriptor)


def _open_terminal() -> int | None:
    """Open the terminal; stdin may be something else. Give its descriptor, or None."""
    paths = ["/dev/tty"]
    with suppress(OSError, AttributeError):
        paths.append(os.ttyname(sys.stdin.fileno()))
    for path in paths:
        with suppress(OSError):
            return os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    return None


class Typewriter(Protocol):
    """What a `Line` needs of a `Keyboard`."""

    @property
    def keys(self) -> Mapping[str, str]: ...

    def read(self) -> bytes: ...

    def show(self, data: bytes) -> None: ...


class Line:
    """The line that is being typed."""

    def __init__(self, keyboard: Typewriter, *, is_shown: bool) -> None:
        self._keyboard = keyboard
        self._is_shown = is_shown
        self._decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        self._keys = {key: name for name, key in keyboard.keys.items() if key != "\0"}  # 0 is no key
        self._keys |= dict.fromkeys("\b\x7f", "VERASE")
        self._waiting: list[str] = []
        self._characters: list[str] = []
        self._echo = bytearray()

    def next(self) -> bytes | None:
        """Give the next line with its end; or what Ctrl-D ended, if it was not at the start of a line; or None."""
        while True:
            while self._waiting:
                if (line := self._type(self._waiting.pop())) is not None:
                    self._flush()
                    return line or None
            self._flush()
            self._waiting = list(reversed(self._decoder.decode(self._keyboard.read())))

    def _type(self, character: str) -> bytes | None:
        """Take a character. If it ends the line, give the line; an empty one is the end of all."""
        match self._keys.get(character):
            case "VEOF":
                return self._end()
            case "VERASE":
                self._erase_to(len(self._characters) - 1)
            case "VKILL":
                self._erase_to(0)
            case "VWERASE":
                self._erase_to("".join(self._characters).rstrip().rfind(" ") + 1)
            case _:
                self._characters.append(character)
                self._show(character if character in "\n\t" or not _is_control(character) else _caret(character))
                if character == "\n":
                    return self._end()
        return None

    def _end(self) -> bytes:
        line = _encoded("".join(self._characters))
        self._characters = []
        return line

    def _erase_to(self, length: int) -> None:
        before = _columns(self._characters)
        del self._characters[max(length, 0) :]
        self._show("\b \b" * (before - _columns(self._characters)))

    def _show(self, text: str) -> None:
        if self._is_shown:
            self._echo += _encoded(text)

    def _flush(self) -> None:
        if self._echo:
            self._keyboard.show(bytes(self._echo))
            self._echo.clear()


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _is_control(character: str) -> bool:
    return unicodedata.category(character) == "Cc"


def _caret(character: str) -> str:
    """Write a control character as terminals do: ^C."""
    return f"^{chr(ord(character) ^ 64)}" if character.isascii() else ""


def _columns(characters: list[str]) -> int:
    """The columns that the characters take on the terminal."""
    column = 0
    for character in characters:
        if character == "\t":
            column += _TAB - column % _TAB
        elif _is_control(character):
            column += len(_caret(character))
        elif unicodedata.category(character) not in ("Mn", "Me", "Cf"):
            column += 2 if unicodedata.east_asian_width(character) in "WF" else 1
    return column
