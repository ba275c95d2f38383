"""What was measured, as it is recorded, as the docs show it, and beside an earlier record.

`python -m bench.report` writes the tables of `docs/performance.md` and `docs/comparison.md` from `recorded.json`.
"""

import json
import re
import statistics
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from bench.load import Result

ROOT = Path(__file__).parent.parent
RECORDED = Path(__file__).parent / "recorded.json"
PERFORMANCE = ROOT / "docs/performance.md"
COMPARISON = ROOT / "docs/comparison.md"

TOLERANCE = 0.25
"""How much worse than the recorded ratio a new one may be: machines and runs differ."""

BASE = "bare constant"
OURS = "crypt-api, SQLite"
COMPARED = (OURS, "FastAPI + Redis by hand", "snappass, gunicorn")
PLOTTED = ("create", "pair")
PLOT_CONNECTIONS = 32

COLUMNS = (
    *("service", "load", "connections", "requests a second", "of the bare constant"),
    *("CPU µs a request", "p50 ms", "p99 ms", "slowest ms"),
)

NUMBERS = ("none", "one", "two", "three", "four", "five", "six", "seven", "eight")


class Row(NamedTuple):
    """All rounds of one service under one load: medians, and the spread of the ratios.

    Attributes:
        ratio: The service's rate to the bare constant's rate with as many connections, in the same round.
        lowest: The lowest ratio of a round.
        highest: The highest ratio of a round.
        rate: Requests a second.
        cpu: Microseconds a request.
        p50: Milliseconds; `p99` and `slowest`, too.
    """

    service: str
    load: str
    connections: int
    ratio: float
    lowest: float
    highest: float
    rate: float
    cpu: float
    p50: float
    p99: float
    slowest: float

    @classmethod
    def of(cls, service: str, load: str, connections: int, results: list[Result], ratios: list[float]) -> "Row":
        spread = (round(ratio, 3) for ratio in (statistics.median(ratios), min(ratios), max(ratios)))
        medians = (round(statistics.median(values), 1) for values in zip(*results, strict=True))
        return cls(service, load, connections, *spread, *medians)


class Recorded(NamedTuple):
    """The content of `recorded.json`.

    Attributes:
        rows: Of `script/bench`.
        races: Of `python -m bench.race`: for each service, the messages by how many of their readers got them.
        readers: How many readers each of these messages had.
    """

    rows: Sequence[Row]
    races: Mapping[str, Mapping[int, int]]
    readers: int

    def row(self, service: str, load: str, connections: int) -> Row:
        [row] = [row for row in self.rows if row[:3] == (service, load, connections)]
        return row


def recorded() -> Recorded:
    """Read the record."""
    read: dict[str, Any] = json.loads(RECORDED.read_text())
    races = {name: {int(got): count for got, count in race.items()} for name, race in read["races"].items()}
    return Recorded([Row(*row) for row in read["rows"]], races, read["readers"])


def record(
    rows: Sequence[Row] | None = None, races: Mapping[str, Mapping[int, int]] | None = None, readers: int | None = None
) -> None:
    """Keep what was measured, and what is not given as it was; then write the pages anew."""
    old = recorded()
    kept = Recorded(rows or old.rows, races or old.races, readers or old.readers)
    lines = ",\n".join(f"    {json.dumps(row)}" for row in kept.rows)
    rest = f'"readers": {kept.readers},\n  "races": {json.dumps(kept.races)}'
    RECORDED.write_text(f'{{\n  "columns": {json.dumps(Row._fields)},\n  "rows": [\n{lines}\n  ],\n  {rest}\n}}\n')
    write_pages()


def worse(rows: Iterable[Row]) -> list[str]:
    """What has become slower than it was recorded, in words."""
    ratios = {row[:3]: row.ratio for row in recorded().rows}
    return [
        f"{row.service}; {row.load}; {row.connections}: "
        f"{row.ratio:.3f} of the bare constant, recorded {ratios[row[:3]]:.3f}"
        for row in rows
        if row.ratio < ratios.get(row[:3], 0) * (1 - TOLERANCE)
    ]


def table(rows: Iterable[Row]) -> str:
    """Everything that was measured, for `docs/performance.md`."""
    lines = ["| " + " | ".join(COLUMNS) + " |", "|---|---" + "|---:" * (len(COLUMNS) - 2) + "|"]
    lines += [
        f"| {row.service} | {row.load} | {row.connections} | {row.rate:,.0f} "
        f"| {row.ratio:.2f} ({row.lowest:.2f} to {row.highest:.2f}) "
        f"| {row.cpu:.0f} | {row.p50:.1f} | {row.p99:.1f} | {row.slowest:.0f} |"
        for row in rows
    ]
    return "\n".join(lines) + "\n"


def latencies(of: Recorded) -> str:
    """The 99th percentiles beside those of the bare constant, for `docs/performance.md`."""
    # With one connection, percentiles are tenths of a millisecond: too coarse to compare.
    connections = sorted({row.connections for row in of.rows if row.connections > 1})
    lines = [f"| 99th percentile of `{OURS}` | " + " | ".join(f"{count} connections" for count in connections) + " |"]
    lines.append("|---" + "|---:" * len(connections) + "|")
    for load in ("constant", "create", "pair"):
        base = [of.row(BASE, "constant", count).p99 for count in connections]
        ours = [of.row(OURS, load, count).p99 for count in connections]
        lines.append(f"| {load} | " + " | ".join(f"{a / b:.1f} times" for a, b in zip(ours, base, strict=True)) + " |")
    return "\n".join(lines) + "\n"


def comparison(of: Recorded) -> str:
    """This service beside others, for `docs/comparison.md`."""
    messages = sum(of.races[OURS].values())

    def ratios(load: str, connections: int) -> list[str]:
        return [f"{of.row(service, load, connections).ratio:.2f}" for service in COMPARED]

    rows = [
        ["", *COMPARED, "command"],
        ["---"] * (len(COMPARED) + 2),
        [
            f"{messages} messages, {of.readers} readers of each at once",
            *(_race(of.races[service]) for service in COMPARED),
            "`python -m bench.race`",
        ],
        ["creations, beside a bare constant answer, 32 connections", *ratios("create", 32), "`script/bench`"],
        ["pairs of a creation and a read, the same", *ratios("pair", 32), "`script/bench`"],
        ["pairs at 256 connections", *ratios("pair", 256), "`script/bench`"],
        [
            "slowest request of these",
            *(f"{of.row(service, 'pair', 256).slowest:,.0f} ms" for service in COMPARED),
            "`script/bench`",
        ],
        ["needs beside Python", "nothing", "Redis or Valkey", "Redis or Valkey", ""],
    ]
    return (
        "\n".join("| " + " | ".join(row) + " |" if row[0] != "---" else "|---" * len(row) + "|" for row in rows) + "\n"
    )


def _race(counted: Mapping[int, int]) -> str:
    if list(counted) == [1]:
        return "one reader each"
    (first, count), *others = sorted(counted.items())
    readers = f"{count} had {NUMBERS[first]} reader{'s' * (first != 1)}"
    return ", ".join([readers, *(f"{count} had {NUMBERS[got]}" for got, count in others)])


def picture_text(of: Recorded) -> str:
    """What `performance.png` shows, for those who do not see it."""
    names = {OURS: "crypt-api with SQLite", "crypt-api, Valkey": "with Valkey", "crypt-api, memory": "in memory"}
    told = []
    for service in dict.fromkeys(row.service for row in of.rows if row.service != BASE):
        low, high = (f"{of.row(service, load, PLOT_CONNECTIONS).ratio:.2f}" for load in PLOTTED)
        told.append(f"{names.get(service, service)} {low}" + f" and {high}" * (low != high))
    return "Creations, and pairs of a creation and a read, as a part of a bare constant answer's rate: " + ", ".join(
        told
    )


def pages(of: Recorded) -> dict[Path, str]:
    """The pages that show the record, with what is computed from it in place of what is there."""
    readme, performance = (ROOT / "README.md").read_text(), PERFORMANCE.read_text()
    return {
        PERFORMANCE: _with_picture(_with_table(_with_table(performance, table(of.rows)), latencies(of)), of),
        COMPARISON: _with_table(COMPARISON.read_text(), comparison(of)),
        ROOT / "README.md": _with_picture(readme, of),
    }


def _with_table(page: str, computed: str) -> str:
    """The page with `computed` in place of the table that has the same first line."""
    head = re.escape(computed.partition("\n")[0])
    text, count = re.subn(rf"^{head}\n(?:\|.*\n)*", lambda _: computed, page, flags=re.MULTILINE)
    assert count == 1, f"{count} tables begin with: {head}"
    return text


def _with_picture(page: str, of: Recorded) -> str:
    return re.sub(r'(performance\.png"[^>]* alt=")[^"]*', lambda match: match[1] + picture_text(of), page)


def write_pages() -> None:
    for page, text in pages(recorded()).items():
        page.write_text(text)


def plot(of: Recorded, folder: Path) -> None:
    """Draw the ratios as bars, into `performance.svg` and `performance.png`."""
    import matplotlib as mpl  # noqa: PLC0415 - only who draws needs it

    mpl.use("svg")
    from matplotlib import pyplot as plt  # noqa: PLC0415

    chosen = [row for row in of.rows if row.connections == PLOT_CONNECTIONS and row.load in PLOTTED]
    services = list(dict.fromkeys(row.service for row in chosen))
    figure, axes = plt.subplots(figsize=(9, 0.62 * len(services) + 1.6))
    height = 0.8 / len(PLOTTED)
    for number, load in enumerate(PLOTTED):
        bars = {row.service: row.ratio for row in chosen if row.load == load}
        places = [services.index(service) + (number - (len(PLOTTED) - 1) / 2) * height for service in bars]
        drawn = axes.barh(places, list(bars.values()), height * 0.92, label=load, color=f"C{number}")
        axes.bar_label(drawn, fmt="%.2f", padding=3)
    axes.set_yticks(range(len(services)), services)
    axes.invert_yaxis()
    axes.set_xlabel(f"requests a second, as a part of a bare constant answer's ({PLOT_CONNECTIONS} connections)")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="lower right")
    figure.tight_layout()
    for kind in ("svg", "png"):
        figure.savefig(folder / f"performance.{kind}", dpi=150, metadata={"Date": None} if kind == "svg" else None)


if __name__ == "__main__":
    write_pages()
