"""The store `durable`: whole records in Durable Objects, without KV."""

from crypt_core.commands import Command
from crypt_core.outcomes import Outcome
from crypt_worker.shards import Shards
from crypt_worker.wire import Fetch, Put


class DurableStore:
    """The store over shards of its own, whose records have the messages themselves. One call for each command."""

    def __init__(self, shards: Shards) -> None:
        self._shards = shards

    async def apply(self, message_id: str, command: Command) -> Outcome:
        outcome = await self._shards.apply(message_id, command)
        assert not isinstance(outcome, Fetch | Put)  # noqa: S101 - there are no payloads
        return outcome
