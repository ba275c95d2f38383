"""What was measured, as it is recorded, as the docs show it, and beside an earlier record.

`python -m bench.report` writes the tables of `docs/performance.md` and `docs/comparison.md` from `recorded.json`.
"""

import json
import platform
import re
import statistics
import sysconfig
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from bench.load import Result

ROOT = Path(__file__).parent.parent
RECORDED = Path(__file__).parent / "recorded.json"
PERFORMANCE = ROOT / "docs/performance.md"
COMPARISON = ROOT / "docs/comparison.md"

TOLERANCE = 0.25
"""How much more CPU than recorded a request may take, beside the bare constant's: machines and runs differ."""

BASE = "bare constant"
OURS = "crypt-api, SQLite"
COMPARED = (OURS, "FastAPI + Redis by hand", "snappass, gunicorn")
PLOTTED = ("create", "pair")
PLOT_CONNECTIONS = 32

COLUMNS = (
    *("service", "load", "connections", "CPU µs a request", "of the bare constant's"),
    *("requests a second", "p50 ms", "p99 ms", "slowest ms"),
)

NUMBERS = ("none", "one", "two", "three", "four", "five", "six", "seven", "eight")


class Row(NamedTuple):
    """All rounds of one service under one load: medians, and the spread of the CPU.

    Attributes:
        cpu: Microseconds of CPU that a request costs the service and its engine.
        cpu_lowest: That of the round with the lowest; None where a record has no spread, as `cpu_highest`.
        rate: Requests a second.
        p50: Milliseconds; `p99` and `slowest`, too.
    """

    service: str
    load: str
    connections: int
    cpu: float
    cpu_lowest: float | None
    cpu_highest: float | None
    rate: float
    p50: float
    p99: float
    slowest: float

    @classmethod
    def of(cls, service: str, load: str, connections: int, results: list[Result]) -> "Row":
        median = Result(*(round(statistics.median(values), 1) for values in zip(*results, strict=True)))
        lowest, highest = (round(extreme(result.cpu for result in results), 1) for extreme in (min, max))
        spread = (median.cpu, lowest, highest)
        return cls(service, load, connections, *spread, median.rate, median.p50, median.p99, median.slowest)

    @property
    def per_core(self) -> float:
        """Requests a second that one core serves."""
        return 1e6 / self.cpu


class Recorded(NamedTuple):
    """The content of `recorded.json`.

    Attributes:
        interpreter: Of this service, as `interpreter` tells it.
        rows: Of `script/bench`.
        races: Of `python -m bench.race`: for each service, the messages by how many of their readers got them.
        readers: How many readers each of these messages had.
    """

    interpreter: str
    rows: Sequence[Row]
    races: Mapping[str, Mapping[int, int]]
    readers: int

    def row(self, service: str, load: str, connections: int) -> Row:
        [row] = [row for row in self.rows if row[:3] == (service, load, connections)]
        return row


def interpreter() -> str:
    """This Python. Without profile-guided optimization (PGO), it takes an eighth more CPU for each request.

    Debian's own packages may have it without being configured so.
    """
    is_optimized = "--enable-optimizations" in (sysconfig.get_config_var("CONFIG_ARGS") or "")
    name = f"{platform.python_implementation()} {platform.python_version()}"
    return f"{name}, configured with{'' if is_optimized else 'out'} PGO"


def recorded() -> Recorded:
    """Read the record."""
    read: dict[str, Any] = json.loads(RECORDED.read_text())
    races = {name: {int(got): count for got, count in race.items()} for name, race in read["races"].items()}
    return Recorded(read["interpreter"], [Row(*row) for row in read["rows"]], races, read["readers"])


def record(
    rows: Sequence[Row] | None = None, races: Mapping[str, Mapping[int, int]] | None = None, readers: int | None = None
) -> None:
    """Keep what was measured, and what is not given as it was; then write the pages anew."""
    old = recorded()
    measured_on = interpreter() if rows else old.interpreter
    kept = Recorded(measured_on, rows or old.rows, races or old.races, readers or old.readers)
    fields = {"interpreter": kept.interpreter, "columns": Row._fields, "readers": kept.readers, "races": kept.races}
    head = ",\n  ".join(f'"{name}": {json.dumps(value)}' for name, value in fields.items())
    lines = ",\n    ".join(json.dumps(row) for row in kept.rows)
    RECORDED.write_text(f'{{\n  {head},\n  "rows": [\n    {lines}\n  ]\n}}\n')
    write_pages()


def multiples(rows: Iterable[Row]) -> Mapping[tuple[str, str, int], float]:
    """The CPU of each service under each load, as a multiple of the bare constant's with as many connections."""
    rows = list(rows)
    base = {row.connections: row.cpu for row in rows if row.service == BASE}
    return {row[:3]: row.cpu / base[row.connections] for row in rows}


def worse(rows: Iterable[Row]) -> list[str]:
    """What has come to cost more CPU than it was recorded, in words."""
    before = multiples(recorded().rows)
    return [
        f"{'; '.join(map(str, load))}: {multiple:.2f} times the bare constant's CPU, recorded {before[load]:.2f}"
        for load, multiple in multiples(rows).items()
        if multiple > before.get(load, multiple) * (1 + TOLERANCE)
    ]


def table(rows: Sequence[Row]) -> str:
    """Everything that was measured, for `docs/performance.md`."""
    times = multiples(rows)
    lines = ["| " + " | ".join(COLUMNS) + " |", "|---|---" + "|---:" * (len(COLUMNS) - 2) + "|"]
    for row in rows:
        spread = "" if row.cpu_lowest is None else f" ({row.cpu_lowest:.0f} to {row.cpu_highest:.0f})"
        lines.append(
            f"| {row.service} | {row.load} | {row.connections} | {row.cpu:.0f}{spread} | {times[row[:3]]:.1f} times "
            f"| {row.rate:,.0f} | {row.p50:.1f} | {row.p99:.1f} | {row.slowest:.0f} |"
        )
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

    def served(load: str, connections: int) -> list[str]:
        return [_served(of, service, load, connections) for service in COMPARED]

    rows = [
        ["", *COMPARED, "command"],
        ["---"] * (len(COMPARED) + 2),
        [
            f"{messages} messages, {of.readers} readers of each at once",
            *(_race(of.races[service]) for service in COMPARED),
            "`python -m bench.race`",
        ],
        ["creations a second of one core, 32 connections", *served("create", 32), "`script/bench`"],
        ["requests a second of one core in pairs of a creation and a read", *served("pair", 32), "`script/bench`"],
        ["the same, 256 connections", *served("pair", 256), "`script/bench`"],
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


def _served(of: Recorded, service: str, load: str, connections: int) -> str:
    """How much one core serves, and how many times as much with this service: more than 1x is a win, less a loss."""
    theirs, ours = (of.row(name, load, connections).per_core for name in (service, OURS))
    return (
        f"{theirs:,.0f}" if service.startswith("crypt-api") else f"{theirs:,.0f}; crypt-api serves {ours / theirs:.1f}x"
    )


def _plotted(of: Recorded) -> list[str]:
    """The services of the picture, from the top."""
    return list(dict.fromkeys(row.service for row in of.rows if row.load in PLOTTED))


def picture_text(of: Recorded) -> str:
    """What `performance.png` shows, for those who do not see it."""
    told = []
    for service in _plotted(of):
        create, pair = (_served(of, service, load, PLOT_CONNECTIONS) for load in PLOTTED)
        told.append(f"{service}: {create} and {pair}")
    return "Requests a second of one core, for creations, and for pairs of a creation and a read. " + ". ".join(told)


def pages(of: Recorded) -> dict[Path, str]:
    """The pages that show the record, with what is computed from it in place of what is there."""
    readme, performance = (ROOT / "README.md").read_text(), PERFORMANCE.read_text()
    return {
        PERFORMANCE: _with_interpreter(
            _with_picture(_with_table(_with_table(performance, table(of.rows)), latencies(of)), of), of
        ),
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


def _with_interpreter(page: str, of: Recorded) -> str:
    return re.sub(r"^(The server ran on ).*$", lambda match: f"{match[1]}{of.interpreter}.", page, flags=re.MULTILINE)


def write_pages() -> None:
    for page, text in pages(recorded()).items():
        page.write_text(text)


def plot(of: Recorded, folder: Path) -> None:
    """Draw as bars what one core serves, into `performance.svg` and `performance.png`."""
    import matplotlib as mpl  # noqa: PLC0415 - only who draws needs it

    mpl.use("svg")
    from matplotlib import pyplot as plt  # noqa: PLC0415

    services = _plotted(of)
    figure, axes = plt.subplots(figsize=(9, 0.62 * len(services) + 1.6))
    height = 0.8 / len(PLOTTED)
    for number, (load, label) in enumerate(zip(PLOTTED, ("create", "create and read, in turn"), strict=True)):
        places = [index + (number - (len(PLOTTED) - 1) / 2) * height for index in range(len(services))]
        bars = [of.row(service, load, PLOT_CONNECTIONS).per_core for service in services]
        drawn = axes.barh(places, bars, height * 0.92, label=label, color=f"C{number}")
        axes.bar_label(drawn, [_served(of, service, load, PLOT_CONNECTIONS) for service in services], padding=3)
    axes.set_yticks(range(len(services)), services)
    axes.invert_yaxis()
    axes.set_xlabel(f"requests a second of one core, with {PLOT_CONNECTIONS} connections (longer is better)")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="lower right")
    figure.tight_layout()
    for kind in ("svg", "png"):
        figure.savefig(folder / f"performance.{kind}", dpi=150, metadata={"Date": None} if kind == "svg" else None)


if __name__ == "__main__":
    write_pages()
