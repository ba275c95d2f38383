"""The service of one isolate: the application, which its requests share, and the store as each client may ask it."""

from collections.abc import Callable
from typing import Any, NamedTuple

from crypt_core.http.app import App
from crypt_core.store import Store
from crypt_worker.durable_store import DurableStore
from crypt_worker.javascript import JavaScript
from crypt_worker.kv_payloads import KvPayloads
from crypt_worker.kv_store import KvStore
from crypt_worker.r2_parts import R2PartStore
from crypt_worker.rate_limit import open_worker_limits
from crypt_worker.shards import Shards
from crypt_worker.variables import Variables


class Service(NamedTuple):
    """What answers the requests of an isolate.

    Attributes:
        app: The application.
        store_for: Gives the store as the client with an address may ask it.
    """

    app: App
    store_for: Callable[[str], Store]


def open_service(env: Any, payloads: Callable[[], KvPayloads], javascript: JavaScript) -> Service:
    """Open the service with the bindings and variables in `env`. The clock and randomness must work already.

    Raises:
        SettingsError: A variable cannot be used.
    """
    variables = Variables.from_env(env)
    settings = variables.settings
    misses = settings.misses_per_hour if settings.rate_limit_per_second else 0
    is_durable = variables.store == "durable"
    binding = env.DURABLE_SHARDS if is_durable else env.MESSAGE_SHARDS
    kv = None if is_durable else payloads()

    def store_for(client: str) -> Store:
        shards = Shards(binding, client, misses)
        return DurableStore(shards) if kv is None else KvStore(kv, shards)

    bucket = getattr(env, "FILES", None)
    parts = R2PartStore(bucket, javascript) if bucket else None
    return Service(App(settings, open_worker_limits(variables, env), parts=parts), store_for)
