"""QR codes on stderr."""

import io

import click

from crypt_api.cli.terminal import tell


def draw_qr_code(link: str) -> None:
    """Draw a QR code in white on black, whatever the terminal's colours are: not every camera reads the inverse."""
    import segno  # noqa: PLC0415 - few ask for it, and it takes a while

    drawing = io.StringIO()
    segno.make(link, error="m").terminal(out=drawing, compact=True)
    for line in drawing.getvalue().splitlines():
        tell(click.style(line, fg="bright_white", bg="black"))
