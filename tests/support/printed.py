"""What is on paper: the pages of a PDF, read as a person and a camera do."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise

import pypdfium2  # type: ignore[import-untyped]
import zxingcpp

_WHITE = 255


@dataclass(frozen=True)
class Paper:
    """A PDF."""

    pdf: bytes

    def text(self) -> str:
        """The text of all pages, with its lines as they are broken."""
        with self._document() as document:
            return "\n".join(page.get_textpage().get_text_range().replace("\r\n", "\n") for page in document)

    def visible_lines(self) -> int:
        """How many runs of rows with something dark in them there are, as lines of a text are."""
        runs = 0
        for image in self._images():
            _, width = image.shape or (0, 1)
            pixels = image.tobytes()
            rows = [min(pixels[start : start + width]) < _WHITE / 2 for start in range(0, len(pixels), width)]
            runs += sum(row and not above for above, row in pairwise([False, *rows]))
        return runs

    def qr_codes(self) -> list[str]:
        return [barcode.text for image in self._images() for barcode in zxingcpp.read_barcodes(image)]

    def _images(self) -> Iterator["memoryview[int]"]:
        """The pages in shades of grey, at 144 dots an inch."""
        with self._document() as document:
            for page in document:
                bitmap = page.render(scale=2, grayscale=True)
                yield memoryview(bytes(bitmap.buffer)).cast("B", [bitmap.height, bitmap.stride])

    @contextmanager
    def _document(self) -> Iterator[pypdfium2.PdfDocument]:
        document = pypdfium2.PdfDocument(self.pdf)
        yield document
        document.close()
