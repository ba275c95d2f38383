"""What axe-core finds wrong for people who use a keyboard, a screen reader or large letters."""

from typing import Any

from playwright.sync_api import Page

from tests.support.platforms import ROOT

AXE = ROOT / "tools/browser/node_modules/axe-core/axe.min.js"


def axe_findings(page: Page) -> list[Any]:
    """Give each violation of the view that the page shows: its rule, the element, and the reason."""
    page.evaluate(AXE.read_text())
    result = page.evaluate("axe.run({ resultTypes: ['violations', 'incomplete'] })")
    assert len(result["passes"]) > 10  # it has looked at something
    return [
        (violation["id"], node["html"], node["failureSummary"])
        for violation in result["violations"]
        for node in violation["nodes"]
    ]
