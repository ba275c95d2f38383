"""The figures of `docs/guessing.md`: `python -m docs.guessing` prints its tables."""

from crypt_core.ids import ALPHABET, length_for
from crypt_core.settings import Settings

DEFAULTS = Settings()
LENGTHS = (5, 6, 7, 8, 10)
ADDRESSES = (1, 1_000, 10_000)
LIVE_MESSAGES = (1, 2, 10, 100, 1_000, 10_000, 100_000, 1_000_000)

_UNITS = (("years", 365.25 * 86_400), ("days", 86_400.0), ("hours", 3_600.0), ("minutes", 60.0), ("seconds", 1.0))


def seconds_of_guessing(guesses: float, addresses: int, per_hour: float, at_once: float = 0) -> float:
    """How long clients at so many addresses take for so many guesses.

    Args:
        guesses: All guesses together.
        addresses: Addresses that share the guesses evenly.
        per_hour: Guesses of one address in an hour.
        at_once: Guesses that one address has before it must wait.
    """
    return max(guesses / addresses - at_once, 0) * 3_600 / per_hour


def search_seconds(guesses: float, addresses: int, *, protected: bool) -> float:
    """How long so many guesses take with the default limits, with and without the limit of misses."""
    rate = DEFAULTS.rate_limit_per_second * 3_600
    unprotected = seconds_of_guessing(guesses, addresses, rate)
    if not protected:
        return unprotected
    misses = DEFAULTS.misses_per_hour
    return max(unprotected, seconds_of_guessing(guesses, addresses, misses, at_once=misses))


def duration(seconds: float) -> str:
    """The duration in the largest unit of which there are two, to two digits."""
    for name, size in _UNITS:
        if seconds >= 2 * size or size == 1:
            value = seconds / size
            digits = f"{value:.2g}" if value < 100 else f"{float(f'{value:.2g}'):,.0f}"  # noqa: PLR2004
            return f"{digits} {name}"
    raise AssertionError


def sweep_table(messages: int = 0) -> str:
    """How long it takes to ask for all ids; with `messages`, how long until one of so many is found on average."""
    head = [f"{count:,} address{'es' if count > 1 else ''}" for count in ADDRESSES]
    rows = [["id length", "guesses", *(f"{text}, {how}" for text in head for how in ("without", "with"))]]
    for length in LENGTHS:
        guesses = (len(ALPHABET) ** length + 1) / (messages + 1) if messages else len(ALPHABET) ** length
        times = [
            duration(search_seconds(guesses, addresses, protected=protected))
            for addresses in ADDRESSES
            for protected in (False, True)
        ]
        rows.append([str(length), f"{guesses:,.0f}", *times])
    return _table(rows)


def length_table() -> str:
    """How long an id is with `ID_LENGTH=auto`."""
    rows = [["live messages", *(f"{count:,}" for count in LIVE_MESSAGES)]]
    rows.append(["characters of a new id", *(str(length_for(count)) for count in LIVE_MESSAGES)])
    return _table(rows)


def _table(rows: list[list[str]]) -> str:
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    lines.insert(1, "|---" * len(rows[0]) + "|")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(sweep_table(), sweep_table(1_000), length_table(), sep="\n")  # noqa: T201
