"""How much a client may upload in an hour, and how often a part may be fetched."""

from collections import OrderedDict

from crypt_core.limits.hourly_budgets import Exhausted, HourlyBudgets
from crypt_core.parts import MAX_FETCHES

MAX_COUNTED_PARTS = 10_000
"""Parts whose fetches are remembered, the last ones fetched: a few megabytes."""


class UploadLimits:
    """What clients have uploaded, and which parts were fetched. It outlives an `App` that is built anew."""

    def __init__(self, upload_per_hour: int) -> None:
        """`upload_per_hour` is in bytes; 0 is no limit."""
        self._budgets = HourlyBudgets(upload_per_hour) if upload_per_hour else None
        self._fetches: OrderedDict[str, int] = OrderedDict()

    def take(self, client: str, length: int) -> Exhausted | None:
        """Take an upload's bytes from the client's budget; `Exhausted`, and nothing is taken, if it has not so many."""
        taken = None if self._budgets is None else self._budgets.take(client, length)
        return taken if isinstance(taken, Exhausted) else None

    def give_back(self, client: str, length: int) -> None:
        """Give back what an upload took that kept nothing."""
        if self._budgets is not None:
            self._budgets.give_back(client, length)

    def is_fetched_too_often(self, part_id: str) -> bool:
        return self._fetches.get(part_id, 0) >= MAX_FETCHES

    def count_fetch(self, part_id: str) -> None:
        self._fetches[part_id] = self._fetches.pop(part_id, 0) + 1
        if len(self._fetches) > MAX_COUNTED_PARTS:
            self._fetches.popitem(last=False)
