"""Receiving files on the page: fetched over lines that break and after reloads, shown, and saved."""

import os
import struct
import zlib
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, Route, expect

from tests.support.chromium import Tabs
from tests.support.files_on_page import (
    PARTS,
    Files,
    change_script,
    digest,
    expected,
    hold,
    save,
    send,
    send_small_parts,
    stored_parts,
)
from tests.support.page import expect_heading, reveal, wait_until


def test_several_small_files_need_no_parts(file_tabs: Tabs, tmp_path: Path) -> None:
    one, other = tmp_path / "a.txt", tmp_path / "b.txt"
    one.write_bytes(b"first")
    other.write_bytes(b"second")
    reader = file_tabs.open(send(file_tabs.open(), one, other))
    reveal(reader)
    downloads: list[Any] = []
    reader.on("download", lambda download: downloads.append(download))  # noqa: PLW0108
    reader.click("#save")
    expect(reader.locator("#content-files li")).to_contain_text(["a.txt 5 byte Saved", "b.txt 6 byte Saved"])
    wait_until(reader, lambda: len(downloads) == 2)
    assert [download.path().read_bytes() for download in downloads] == [b"first", b"second"]
    with reader.expect_download() as download:
        reader.click("#content-files li:nth-child(2) button")
    assert download.value.path().read_bytes() == b"second"
    assert [request.url for request in file_tabs.requests if request.url.endswith("/part")] == []


def test_a_download_goes_on_over_a_line_that_breaks(file_tabs: Tabs, files: Files) -> None:
    reader = file_tabs.open(send_small_parts(file_tabs, files.middle))
    reveal(reader)
    failures = [True, False, True, True]  # of the first part, too, which nothing asks for again
    reader.route(PARTS, lambda route: route.abort() if failures and failures.pop() else route.fallback())
    assert save(reader) == expected(files.middle)


def test_a_download_goes_on_after_a_reload(file_tabs: Tabs, files: Files) -> None:
    """Also when the lease is over: the service keeps nothing that could be read again."""
    reader = file_tabs.open(send_small_parts(file_tabs, files.small, files.middle))
    reveal(reader)
    with reader.expect_download() as download:
        reader.click("#content-files li:nth-child(1) button")
    assert digest(download.value.path().read_bytes()) == digest(files.small.read_bytes())
    held = hold(reader, "GET", 1)
    reader.click("#save")
    wait_until(reader, lambda: bool(held))
    assert reader.evaluate("Object.keys(sessionStorage)") == ["files"]  # and no lease
    reader.reload()
    expect_heading(reader, "Your message")
    expect(reader.locator("#content-files li")).to_contain_text(["Saved", "MB"])
    with reader.expect_download() as download:
        reader.unroute(PARTS)
        for route in held[2:]:
            route.fallback()
    assert digest(download.value.path().read_bytes()) == digest(files.middle.read_bytes())
    expect(reader.locator("#message-lede")).to_contain_text("All files are saved")
    assert reader.evaluate("sessionStorage.length") == 0


def test_where_the_tab_keeps_nothing_the_page_promises_no_second_try(file_tabs: Tabs, files: Files) -> None:
    reader = file_tabs.new()
    reader.add_init_script("Storage.prototype.setItem = () => { throw new Error('full'); }")
    reader.goto(send_small_parts(file_tabs, files.middle))
    reveal(reader)
    expect(reader.locator("#message-lede")).to_contain_text("this is the only copy")
    assert save(reader) == expected(files.middle)


def test_with_several_readers_the_parts_stay(file_tabs: Tabs, files: Files) -> None:
    before = stored_parts(file_tabs.platform)
    link = send(file_tabs.open(), files.middle, reads="2")
    for _ in range(2):
        reader = file_tabs.open(link)
        reveal(reader)
        assert save(reader) == expected(files.middle)
        assert reader.evaluate("sessionStorage.length") == 0
    assert len(stored_parts(file_tabs.platform) - before) == 1


def test_a_damaged_part_is_never_saved(file_tabs: Tabs, files: Files) -> None:
    reader = file_tabs.open(send_small_parts(file_tabs, files.middle))
    reveal(reader)
    downloads: list[Any] = []
    reader.on("download", lambda download: downloads.append(download))  # noqa: PLW0108

    def damage(route: Route) -> None:
        response = route.fetch()
        route.fulfill(response=response, body=response.body()[:-1] + b"x")

    reader.route(PARTS, damage)
    reader.click("#save")
    expect(reader.locator("#download-problem")).to_contain_text("Part of the file is missing or damaged.")
    reader.unroute(PARTS)
    reader.route(PARTS, lambda route: route.fulfill(status=404, body=""))  # by a gateway, which knows nothing of parts
    reader.click("#save")
    expect(reader.locator("#download-problem")).to_have_text("The service refused: 404")
    reader.unroute(PARTS)
    reader.route(PARTS, lambda route: route.fulfill(status=404, json={"code": "part_not_found", "error": "gone"}))
    reader.click("#save")
    expect(reader.locator("#download-problem")).to_contain_text("Part of the file is missing or damaged.")
    assert downloads == []
    reader.unroute(PARTS)
    assert save(reader) == expected(files.middle)


def test_images_in_parts_are_shown(file_tabs: Tabs, files: Files, tmp_path: Path) -> None:
    image = tmp_path / "map.png"
    image.write_bytes(noise(300))
    reader = file_tabs.open(send_small_parts(file_tabs, image, files.middle))
    reveal(reader)
    shown = reader.locator("#content-image img")
    expect(shown).to_have_count(1)
    expect(shown).to_have_attribute("alt", "The image map.png")
    assert shown.evaluate("async (image) => (await image.decode(), image.naturalWidth)") == 300
    expect(reader.locator("#content-files")).not_to_contain_text("Saved")
    assert save(reader) == expected(image, files.middle)


def noise(size: int) -> bytes:
    """A PNG of so many pixels each way. Nothing makes it smaller."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + os.urandom(3 * size) for _ in range(size))
    header = struct.pack(">IIBBBBB", size, size, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


PICKERS = """
  // As Chromium's own, over a folder of the page's: at a click only, and with the names that it refuses.
  const NAMES = /^[.\\s]|[.\\s]$|[.](lnk|local|scf|url)$|["*/:<>?\\\\|]/i;
  const root = navigator.storage.getDirectory();
  const picked = async (handle) => {
    if (window.refusal) throw new DOMException("x", window.refusal);
    if (!navigator.userActivation.isActive) throw new DOMException("Must be handling a user gesture", "SecurityError");
    return handle();
  };
  window.showSaveFilePicker = ({ suggestedName }) =>
    picked(async () => (await root).getFileHandle(suggestedName, { create: true }));
  window.showDirectoryPicker = ({ mode }) => picked(async () => ({
    async getFileHandle(name, options) {
      if (NAMES.test(name)) throw new TypeError("Name is not allowed.");
      if (options?.create && mode !== "readwrite") throw new DOMException("x", "NotAllowedError");
      return (await root).getFileHandle(name, options);
    },
    removeEntry: async (name) => (await root).removeEntry(name),
  }));
  window.saved = async () => {
    const found = {};
    for await (const [name, handle] of (await root).entries()) {
      if (handle.kind === "directory") continue;
      const bytes = await (await handle.getFile()).arrayBuffer();
      const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
      found[name] = [...hash].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    }
    return found;
  };
"""


def with_pickers(tabs: Tabs) -> Page:
    """A tab of a browser that can write to files, where even files of 1 MB are large."""
    reader = tabs.new()
    reader.add_init_script(PICKERS)
    change_script(reader, "saving.js", {"STREAMED_BYTES = 64e6": "STREAMED_BYTES = 1e6"})
    return reader


def test_a_very_large_file_is_written_piece_by_piece_to_where_its_reader_picks(file_tabs: Tabs, files: Files) -> None:
    reader = with_pickers(file_tabs)
    reader.goto(send_small_parts(file_tabs, files.middle))
    reveal(reader)
    reader.evaluate("window.refusal = 'AbortError'")  # the reader closes the question
    reader.click("#save")
    expect(reader.locator("#save")).to_have_text("Save file")
    expect(reader.locator("#content-files")).not_to_contain_text("Saved")
    reader.evaluate("window.refusal = ''")
    reader.click("#save")
    expect(reader.locator("#message-lede")).to_contain_text("All files are saved")
    assert reader.evaluate("saved()") == dict(expected(files.middle))


def test_save_all_overwrites_nothing_in_the_picked_folder(file_tabs: Tabs, files: Files, tmp_path: Path) -> None:
    """Also when a part is missing at first; and what the folder cannot have goes to the browser's downloads."""
    shortcut, other = tmp_path / "home.url", tmp_path / "page"
    shortcut.write_bytes(os.urandom(1_000))
    other.write_bytes(os.urandom(1_000))
    reader = with_pickers(file_tabs)
    reader.goto(send_small_parts(file_tabs, shortcut, files.middle, other))
    reveal(reader)
    old = reader.evaluate(
        """async (name) => {
      const folder = await navigator.storage.getDirectory();
      await folder.getFileHandle(name, { create: true });
      await folder.getDirectoryHandle("page", { create: true });
      return saved();
    }""",
        files.middle.name,
    )
    downloads: list[Any] = []
    reader.on("download", lambda download: downloads.append(download))  # noqa: PLW0108
    reader.route(PARTS, lambda route: route.fulfill(status=404, json={"code": "part_not_found", "error": "gone"}))
    reader.click("#save")
    expect(reader.locator("#download-problem")).to_contain_text("Part of the file is missing or damaged.")
    expect(reader.locator("#save")).to_be_enabled()
    assert reader.evaluate("saved()") == old  # no empty file is left
    reader.unroute(PARTS)
    reader.click("#save")
    expect(reader.locator("#message-lede")).to_contain_text("All files are saved")
    wait_until(reader, lambda: len(downloads) == 1)
    assert digest(downloads[0].path().read_bytes()) == digest(shortcut.read_bytes())
    [(name, content)] = expected(files.middle)
    new = {name.replace(".", " (2)."): content, "page (2)": digest(other.read_bytes())}
    assert reader.evaluate("saved()") == old | new


def test_where_the_browser_asks_for_no_place_files_are_downloaded(file_tabs: Tabs, files: Files) -> None:
    """A company's policy can switch the question off. The click must not end in nothing."""
    reader = with_pickers(file_tabs)
    reader.goto(send_small_parts(file_tabs, files.middle, files.small))
    reveal(reader)
    reader.evaluate("window.refusal = 'SecurityError'")
    assert save(reader) == expected(files.middle, files.small)


def test_a_browser_that_cannot_write_to_files_is_told_of_very_large_ones(file_tabs: Tabs, files: Files) -> None:
    link = send_small_parts(file_tabs, files.middle)
    hint = "A file larger than 1 MB may be too much for this browser."
    reader = file_tabs.new()
    reader.add_init_script("""
      if (sessionStorage.getItem("can")) window.showSaveFilePicker ??= () => undefined;
      else delete window.showSaveFilePicker;
    """)
    change_script(reader, "saving.js", {"MAX_KEPT_BYTES = 256e6": "MAX_KEPT_BYTES = 1e6"})
    reader.goto(link)
    reveal(reader)
    expect(reader.locator("#download-problem")).to_contain_text(hint)
    reader.evaluate("sessionStorage.setItem('can', 1)")
    reader.reload()
    expect_heading(reader, "Your message")
    expect(reader.locator("#download-problem")).to_be_empty()
    assert save(reader) == expected(files.middle)
