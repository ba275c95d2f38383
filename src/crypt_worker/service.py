"""The service of one isolate: the application and its store, which the isolate's requests share."""

from collections.abc import Callable
from typing import Any

from crypt_core.http.app import App
from crypt_core.store import Store
from crypt_worker.durable_store import DurableStore
from crypt_worker.kv_payloads import KvPayloads
from crypt_worker.kv_store import KvStore
from crypt_worker.rate_limit import open_worker_limits
from crypt_worker.shards import Shards
from crypt_worker.variables import Variables


def open_service(env: Any, payloads: Callable[[], KvPayloads]) -> tuple[App, Store]:
    """Open the service with the bindings and variables in `env`. The clock and randomness must work already.

    Raises:
        SettingsError: A variable cannot be used.
    """
    variables = Variables.from_env(env)
    store: Store
    if variables.store == "durable":
        store = DurableStore(Shards(env.DURABLE_SHARDS))
    else:
        store = KvStore(payloads(), Shards(env.MESSAGE_SHARDS))
    return App(variables.settings, open_worker_limits(variables, env)), store
