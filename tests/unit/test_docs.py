"""Docs that can fail: what they name must be there, and what is there must be named."""

import re

from crypt_core.http import errors
from tests.support.platforms import ROOT

README = (ROOT / "README.md").read_text()


def test_every_error_is_documented() -> None:
    kinds = [
        kind
        for name, kind in vars(errors).items()
        if name[0] != "_" and isinstance(kind, type) and issubclass(kind, errors.ApiError)
    ]
    assert len(kinds) > 15
    pages = README + (ROOT / "docs/protocol.md").read_text()
    varied = {errors.InvalidField: "Field 'ttl' must be", errors.UnknownField: "Unknown field '"}
    for kind in kinds:
        assert re.search(rf"\| {kind.status} \|.*{re.escape(varied.get(kind, kind.text))}", pages), kind
