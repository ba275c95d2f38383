"""The page's sources: no third party, no way to run text as a program."""

import re

from tests.support.platforms import ROOT

FOLDERS = ("crypt_api/static", "src/crypt_core/templates")


def test_the_page_names_no_third_party() -> None:
    for path in [path for folder in FOLDERS for path in (ROOT / folder).rglob("*.*")]:
        text = (
            path.read_text(errors="replace")  # pictures, too
            .replace("http://www.w3.org/2000/svg", "")
            .replace("with https://.", "")
            .replace("con https://.", "")
        )
        assert not re.findall(r"https?://|innerHTML|eval\(|src=\"//", text), path
