"""A real Firefox for tests, driven through Marionette: WebDriver's commands in a protocol that Firefox itself speaks.

Playwright drives no Firefox that a distribution has, PyPI and npm have no geckodriver, and Mozilla's own Python client
of Marionette cannot be imported on Python 3.13.
"""

import base64
import itertools
import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.platforms import START_TIMEOUT

NOT_TRIED = "Firefox was not tried: none is installed, and script/bootstrap can bring one only to Debian, as root."
WAIT_TIMEOUT = 60.0  # seconds; only ever used up by something that does not happen at all
ENTER = "\ue007"
SHIFTED_TAB = "\ue008\ue004"
_ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # WebDriver's name for a reference to an element
_COLOURS = "layout.css.prefers-color-scheme.content-override"

_PREFERENCES: dict[str, bool | int | str] = {
    "marionette.port": 0,
    "signon.autofillForms": True,  # Marionette would switch it off, unless a profile says otherwise
    "signon.rememberSignons": True,
    "browser.download.folderList": 2,
    "intl.accept_languages": "en-GB",
    "print.always_print_silent": True,
}


def find_firefox() -> str | None:
    """The Firefox that `FIREFOX` names, or that is installed. `script/bootstrap` looks for the same ones."""
    named = os.environ.get("FIREFOX")
    return shutil.which(named) if named else shutil.which("firefox") or shutil.which("firefox-esr")


def required_firefox() -> str:
    """The Firefox to use; without one the test is skipped, and in CI it fails."""
    path = find_firefox()
    if path is None and os.environ.get("CI") == "true":
        pytest.fail(NOT_TRIED)
    if path is None:
        pytest.skip(NOT_TRIED)
    return path


class Firefox:
    """A Firefox with one window. Its scripts are function bodies, with `arguments`."""

    def __init__(self, connection: socket.socket, folder: Path) -> None:
        self._stream = connection.makefile("rwb")
        self._ids = itertools.count()
        self._downloads = folder / "downloads"
        self.patience = WAIT_TIMEOUT
        """Seconds until something that never happens fails a test."""
        self._receive()  # who it is
        self.call("WebDriver:NewSession", capabilities={"alwaysMatch": {"unhandledPromptBehavior": "ignore"}})
        self._first_tab = self.call("WebDriver:GetWindowHandle")

    def call(self, command: str, **parameters: Any) -> Any:
        """Have a command carried out; a dictionary, or the command's single value."""
        message = json.dumps([0, next(self._ids), command, parameters]).encode()
        self._stream.write(b"%d:%b" % (len(message), message))
        self._stream.flush()
        _, _, error, result = self._receive()
        assert error is None, f"{command}: {error['error']}: {error['message']}"
        return result["value"] if isinstance(result, dict) and result.keys() == {"value"} else result

    def _receive(self) -> Any:
        length = b""
        while (byte := self._stream.read(1)) != b":":
            assert byte, "Firefox has ended"
            length += byte
        return json.loads(self._stream.read(int(length)))

    def new_tab(self, url: str) -> str:
        """Open an address in a new tab, and go on there; give the tab."""
        tab = self.call("WebDriver:NewWindow", type="tab")["handle"]
        self.switch_to(tab)
        self.open(url)
        return str(tab)

    def switch_to(self, tab: str) -> None:
        self.call("WebDriver:SwitchToWindow", handle=tab, focus=True)

    def forget(self) -> None:
        """Close all tabs that were opened, without a question, and forget the saved logins and preferences."""
        for tab in self.call("WebDriver:GetWindowHandles"):
            if tab != self._first_tab:
                self.switch_to(tab)
                self.call("WebDriver:CloseWindow")
        self.switch_to(self._first_tab)
        self.chrome("return Services.logins.removeAllLoginsAsync()")
        self.chrome("Services.prefs.clearUserPref(arguments[0])", _COLOURS)

    def save_login(self, origin: str, user: str, password: str) -> None:
        """Save a login, as somebody does who says yes when Firefox asks."""
        self.chrome(
            """
            const login = Cc["@mozilla.org/login-manager/loginInfo;1"].createInstance(Ci.nsILoginInfo);
            const [origin, user, password] = arguments;
            login.init(origin, origin, null, user, password, "", "");
            return Services.logins.addLoginAsync(login).then(() => null);
            """,
            origin,
            user,
            password,
        )

    def prefer_dark(self) -> None:
        """Prefer light letters on dark ground, until `forget`."""
        self.chrome("Services.prefs.setIntPref(arguments[0], 0)", _COLOURS)

    def clipboard(self) -> str:
        return str(
            self.chrome(
                """
                const data = Cc["@mozilla.org/widget/transferable;1"].createInstance(Ci.nsITransferable);
                data.init(null);
                data.addDataFlavor("text/plain");
                Services.clipboard.getData(data, Services.clipboard.kGlobalClipboard);
                const text = {};
                data.getTransferData("text/plain", text);
                return text.value.QueryInterface(Ci.nsISupportsString).data;
                """
            )
        )

    def open(self, url: str) -> None:
        self.call("WebDriver:Navigate", url=url)

    def reload(self) -> None:
        self.call("WebDriver:Refresh")

    def script(self, body: str, *arguments: Any) -> Any:
        return self.call("WebDriver:ExecuteScript", script=body, args=list(arguments))

    def chrome(self, body: str, *arguments: Any) -> Any:
        """Run a script with the rights of Firefox itself; a promise that it returns is awaited."""
        self.call("Marionette:SetContext", value="chrome")
        try:
            return self.script(body, *arguments)
        finally:
            self.call("Marionette:SetContext", value="content")

    def wait_for(self, expression: str, *arguments: Any) -> Any:
        """Wait until an expression of the page is true; give its value."""
        deadline = time.monotonic() + self.patience
        while not (value := self.script(f"return {expression}", *arguments)):
            assert time.monotonic() < deadline, f"never true: {expression}; {self.text('body')}"
            time.sleep(0.02)
        return value

    def wait_until_visible(self, selector: str) -> None:
        self.wait_for("document.querySelector(arguments[0])?.checkVisibility()", selector)

    def click(self, selector: str) -> None:
        self.call("WebDriver:ElementClick", id=self._element(selector))

    def type(self, selector: str, text: str) -> None:
        """Type into an element; into an input for files, the path of a file."""
        self.call("WebDriver:ElementSendKeys", id=self._element(selector), text=text)

    def press(self, keys: str, *, held: str = "") -> None:
        """Press keys where the focus is, while `held` is held."""
        strokes = [{"type": "keyDown", "value": held}] if held else []
        strokes += [{"type": kind, "value": key} for key in keys for kind in ("keyDown", "keyUp")]
        self.call("WebDriver:PerformActions", actions=[{"type": "key", "id": "keyboard", "actions": strokes}])
        self.call("WebDriver:ReleaseActions")

    def value(self, selector: str) -> str:
        return str(self.script("return document.querySelector(arguments[0]).value", selector))

    def text(self, selector: str) -> str:
        return str(self.script("return document.querySelector(arguments[0]).textContent", selector))

    def is_visible(self, selector: str) -> bool:
        return bool(self.script("return document.querySelector(arguments[0]).checkVisibility()", selector))

    def question(self) -> str:
        """What the page asks in a window of its own."""
        return str(self.call("WebDriver:GetAlertText"))

    def answer(self, *, yes: bool) -> None:
        self.call("WebDriver:AcceptAlert" if yes else "WebDriver:DismissAlert")

    def downloaded(self, name: str) -> bytes:
        """A file that was saved; waits until all of it is."""
        file = self._downloads / name
        deadline = time.monotonic() + self.patience
        while not (file.exists() and not list(self._downloads.glob("*.part")) and (content := file.read_bytes())):
            assert time.monotonic() < deadline, f"{name} never came: {list(self._downloads.iterdir())}"
            time.sleep(0.02)
        return content

    def print(self) -> bytes:
        """The page as it is printed: a PDF of A4 pages."""
        return base64.b64decode(self.call("WebDriver:Print", page={"width": 21.0, "height": 29.7}))

    def _element(self, selector: str) -> str:
        return str(self.call("WebDriver:FindElement", using="css selector", value=selector)[_ELEMENT])


@contextmanager
def start_firefox(path: str, folder: Path) -> Iterator[Firefox]:
    """Start Firefox with an empty profile in an empty folder."""
    profile = folder / "profile"
    profile.mkdir()
    (folder / "downloads").mkdir()
    preferences = _PREFERENCES | {"browser.download.dir": str(folder / "downloads")}
    lines = (f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in preferences.items())
    (profile / "user.js").write_text("".join(lines))
    # The chrome context, where saved logins are, needs the last flag.
    flags = ["--headless", "--no-remote", "--marionette", "--remote-allow-system-access", "--profile", str(profile)]
    environment = os.environ | {"HOME": str(folder), "LANG": "en_GB.UTF-8"}
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen([path, *flags], env=environment, stdout=log, stderr=log) as process,  # noqa: S603
    ):
        try:
            with socket.create_connection(("127.0.0.1", _port(profile, process)), START_TIMEOUT) as connection:
                yield Firefox(connection, folder)
        finally:
            process.terminate()


def _port(profile: Path, process: subprocess.Popen[bytes]) -> int:
    """Where Marionette listens; waits until it does."""
    place = profile / "MarionetteActivePort"
    deadline = time.monotonic() + START_TIMEOUT
    while not (place.exists() and (text := place.read_text())):
        assert process.poll() is None, (profile.parent / "log").read_text(errors="replace")
        assert time.monotonic() < deadline, "Firefox never listened"
        time.sleep(0.02)
    return int(text)
