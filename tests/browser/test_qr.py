"""The page's QR codes equal those of another encoder, and a decoder reads them from the page as it is shown."""

import base64
import re
from itertools import pairwise

import pytest
import zxingcpp
from playwright.sync_api import Browser, Error, Page, expect
from qrcodegen import QrCode, QrSegment  # type: ignore[import-untyped]

from tests.support.chromium import Tabs
from tests.support.page import write
from tests.support.platforms import ROOT

ROOM = (14, 26, 42, 62, 84, 106, 122, 152, 180, 213)
"""Bytes in versions 1 to 10, level M."""

MOST = ROOM[-1]


def some_text(length: int) -> str:
    return "".join(chr(33 + (7 * place + 13 * length) % 90) for place in range(length))


FEWEST_AND_MOST = [length for fewest, most in pairwise((-1, *ROOM)) for length in (fewest + 1, most)]
TEXTS = [
    *map(some_text, FEWEST_AND_MOST),
    "https://example.org/#q83vASNFZ4mrze8BI0VniQ",
    "žluťoučký 🐎",
    "\0\x7f",
    "a" * MOST,
    "\xff" * 60,
]

# Runs in the page, as no Python package here decodes images: a screenshot's size and its green channel, as a data URL.
PIXELS = """async (png) => {
  const image = await createImageBitmap(await (await fetch("data:image/png;base64," + png)).blob());
  const context = new OffscreenCanvas(image.width, image.height).getContext("2d");
  context.drawImage(image, 0, 0);
  const { data } = context.getImageData(0, 0, image.width, image.height);
  const green = Uint8Array.from({ length: data.length / 4 }, (_, at) => data[4 * at + 1]);
  const reader = new FileReader();
  await new Promise((resolve) => { reader.onload = resolve; reader.readAsDataURL(new Blob([green])); });
  return [image.height, image.width, reader.result];
}"""


@pytest.fixture(scope="module")
def page(browser: Browser) -> Page:
    page = browser.new_page()
    module = (ROOT / "crypt_api/static/-/qr.js").read_text()
    page.route("http://localhost/", lambda route: route.fulfill(body="<!doctype html>", content_type="text/html"))
    page.route("http://localhost/qr.js", lambda route: route.fulfill(body=module, content_type="text/javascript"))
    page.goto("http://localhost/")
    return page


ENCODE = """async (texts) => {
  const { encode } = await import("/qr.js");
  return texts.map((text) => encode(text).map((row) => row.map(Number)));
}"""


def modules(text: str, mask: int) -> list[list[int]]:
    segment = QrSegment.make_bytes(text.encode())
    symbol = QrCode.encode_segments([segment], QrCode.Ecc.MEDIUM, 1, 10, mask, boostecl=False)
    size = range(symbol.get_size())
    return [[int(symbol.get_module(x, y)) for x in size] for y in size]


def test_every_symbol_equals_that_of_another_encoder(page: Page) -> None:
    """The other encoder uses our mask, as encoders differ in what they count as a false finder pattern."""
    sizes, masks = set(), set()
    for text, symbol in zip(TEXTS, page.evaluate(ENCODE, TEXTS), strict=True):
        mask = 4 * symbol[8][2] + 2 * symbol[8][3] + symbol[8][4] ^ 0b101  # in the format information
        assert modules(text, mask) == symbol, text
        sizes.add(len(symbol))
        masks.add(mask)
    assert sizes == set(range(21, 58, 4))  # versions 1 to 10
    assert masks == set(range(8))


def penalty(symbol: list[list[int]]) -> int:
    """By table 11 of ISO/IEC 18004; outside of the symbol, all is light."""
    lines = ["".join(map(str, line)) for line in [*symbol, *zip(*symbol, strict=True)]]
    runs = sum(len(run[0]) - 2 for line in lines for run in re.finditer("0{5,}|1{5,}", line))
    finders = sum(
        "0000" in (padded[at - 4 : at], padded[at + 7 : at + 11])
        for padded in (f"0000{line}0000" for line in lines)
        for at in range(4, len(symbol) - 2)
        if padded[at : at + 7] == "1011101"
    )
    pairs = [pair for above, below in pairwise(symbol) for pair in pairwise(zip(above, below, strict=True))]
    blocks = sum(len({*left, *right}) == 1 for left, right in pairs)
    dark = sum(map(sum, symbol))
    return runs + 3 * blocks + 40 * finders + 10 * int(abs(100 * dark / len(symbol) ** 2 - 50) / 5)


def test_the_mask_is_the_first_with_the_fewest_penalty_points(page: Page) -> None:
    texts = TEXTS[::3]
    for text, symbol in zip(texts, page.evaluate(ENCODE, texts), strict=True):
        assert symbol == min((modules(text, mask) for mask in range(8)), key=penalty), text


def test_a_text_that_is_too_long_is_refused(page: Page) -> None:
    with pytest.raises(Error, match="RangeError: too long"):
        page.evaluate(ENCODE, ["a" * (MOST + 1)])


def decoded(page: Page, png: str) -> list[str]:
    height, width, data = page.evaluate(PIXELS, png)
    image = memoryview(base64.b64decode(data.partition(",")[2])).cast("B", [height, width])
    return [barcode.text for barcode in zxingcpp.read_barcodes(image)]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1_180])
def test_a_camera_reads_the_link_from_the_page(tabs: Tabs, page: Page, scheme: str, width: int) -> None:
    sender = tabs.open(color_scheme=scheme, viewport={"width": width, "height": 900})
    link = write(sender, passphrase="a second field, above the code")
    if width < 400:  # a phone need not photograph itself, so its screen folds the code
        expect(sender.locator("#qr")).to_be_hidden()
        sender.click("#qr-fold summary")
    assert decoded(page, base64.b64encode(sender.screenshot(full_page=True)).decode()) == [link]
