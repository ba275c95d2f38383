"""What people do on the web page, in Firefox."""

from tests.support.firefox import Firefox


def send(firefox: Firefox, text: str, *, passphrase: str = "") -> str:
    """Fill in the form and send it; return the link."""
    firefox.wait_until_visible("#create")
    firefox.type("#text", text)
    if passphrase:
        firefox.click("#more summary")
        firefox.wait_until_visible("#new-passphrase:enabled")
        firefox.type("#new-passphrase", passphrase)
    firefox.click("#create")
    firefox.wait_until_visible("#sent")
    return firefox.value("#link")


def open_message(firefox: Firefox) -> str:
    """Open the message, unless a reload has just brought it back; return its text."""
    firefox.wait_until_visible("#reveal:not([hidden] *), #message:not([hidden])")
    if not firefox.is_visible("#message"):
        firefox.click("#reveal")
    firefox.wait_until_visible("#message")
    return firefox.text("#content")
