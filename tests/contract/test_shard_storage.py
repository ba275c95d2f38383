"""What a Durable Object stores, and so what its history of 30 days may show."""

import pytest

from crypt_core.commands import Create, Read
from crypt_core.record import AccessHashes
from crypt_worker.kv_store import KvStore
from crypt_worker.shards import Shards
from tests.support.cloudflare import KvNamespace, ShardNamespace, payloads
from tests.support.stores import Clock

COLUMNS = "SELECT id || ' ' || record FROM messages"


@pytest.mark.parametrize("access", [None, AccessHashes("proof")])
async def test_a_shard_stores_the_key_of_a_payload_and_no_message(access: AccessHashes | None) -> None:
    clock = Clock()
    kv = KvNamespace(clock)
    shards = ShardNamespace(kv, clock)
    store = KvStore(payloads(kv), Shards(shards))

    def stored() -> str:
        return "".join(text for storage in shards.storages for [text] in storage.sql.exec(COLUMNS).raw())

    await store.apply("abc12", Create("unmistakable", 86_400, access))
    before = stored()
    await store.apply("abc12", Read(access.proof_hash if access else None, idempotency_hash="digest"))
    [payload] = kv.values
    assert b"unmistakable" not in payload
    assert "abc12" in before
    assert "unmistakable" not in before + stored()
    shards.close()
