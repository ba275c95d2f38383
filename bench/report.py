"""The table, the plot, and the recorded ratios."""

import json
import statistics
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from bench.load import Result

RECORDED = Path(__file__).parent / "recorded.json"

TOLERANCE = 0.25
"""How much worse than the recorded ratio a new one may be: machines and runs differ."""

COLUMNS = (
    *("service", "load", "connections", "requests a second", "of the bare constant"),
    *("CPU µs a request", "p50 ms", "p99 ms", "slowest ms"),
)


class Cell(NamedTuple):
    """All rounds of one service under one load.

    Attributes:
        ratios: The service's rate to the bare constant's rate with as many connections, in the same round.
    """

    service: str
    scenario: str
    connections: int
    results: list[Result]
    ratios: list[float]

    @property
    def name(self) -> str:
        return f"{self.service}; {self.scenario}; {self.connections}"

    @property
    def ratio(self) -> float:
        return statistics.median(self.ratios)


def table(cells: Iterable[Cell]) -> str:
    """The medians of all rounds as Markdown, the ratios with their spread."""
    lines = ["| " + " | ".join(COLUMNS) + " |", "|---|---" + "|---:" * (len(COLUMNS) - 2) + "|"]
    for cell in cells:
        median = Result(*(statistics.median(values) for values in zip(*cell.results, strict=True)))
        spread = f"{cell.ratio:.2f} ({min(cell.ratios):.2f} to {max(cell.ratios):.2f})"
        lines.append(
            f"| {cell.service} | {cell.scenario} | {cell.connections} | {median.rate:,.0f} | {spread} "
            f"| {median.cpu:.0f} | {median.p50:.1f} | {median.p99:.1f} | {median.slowest:.0f} |"
        )
    return "\n".join(lines)


def record(cells: Iterable[Cell]) -> None:
    """Keep the ratios, for `worse` to compare with."""
    RECORDED.write_text(json.dumps({cell.name: round(cell.ratio, 3) for cell in cells}, indent=2) + "\n")


def worse(cells: Iterable[Cell]) -> list[str]:
    """What has become slower than it was recorded, in words."""
    recorded: dict[str, Any] = json.loads(RECORDED.read_text())
    return [
        f"{cell.name}: {cell.ratio:.3f} of the bare constant, recorded {recorded[cell.name]:.3f}"
        for cell in cells
        if cell.ratio < recorded.get(cell.name, 0) * (1 - TOLERANCE)
    ]


def plot(cells: Sequence[Cell], scenarios: Sequence[str], connections: int, folder: Path) -> None:
    """Draw the ratios of `scenarios` as bars, into `performance.svg` and `performance.png`."""
    import matplotlib as mpl  # noqa: PLC0415 - only who draws needs it

    mpl.use("svg")
    from matplotlib import pyplot as plt  # noqa: PLC0415

    chosen = [cell for cell in cells if cell.connections == connections and cell.scenario in scenarios]
    services = list(dict.fromkeys(cell.service for cell in chosen))
    figure, axes = plt.subplots(figsize=(9, 0.62 * len(services) + 1.6))
    height = 0.8 / len(scenarios)
    for number, scenario in enumerate(scenarios):
        bars = {cell.service: cell.ratio for cell in chosen if cell.scenario == scenario}
        places = [services.index(service) + (number - (len(scenarios) - 1) / 2) * height for service in bars]
        drawn = axes.barh(places, list(bars.values()), height * 0.92, label=scenario, color=f"C{number}")
        axes.bar_label(drawn, fmt="%.2f", padding=3)
    axes.set_yticks(range(len(services)), services)
    axes.invert_yaxis()
    axes.set_xlabel(f"requests a second, as a part of a bare constant answer's ({connections} connections)")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="lower right")
    figure.tight_layout()
    for kind in ("svg", "png"):
        figure.savefig(folder / f"performance.{kind}", dpi=150, metadata={"Date": None} if kind == "svg" else None)
