"""The Worker's variables: the service's settings, and what only the Worker has to choose."""

from dataclasses import dataclass
from typing import Any, ClassVar

from crypt_core.setting_values import SettingsError, quoted
from crypt_core.settings import Settings


@dataclass(frozen=True, slots=True)
class Variables:
    """The variables of `wrangler.toml`.

    Attributes:
        settings: The service's settings, as on every platform.
        store: Where messages are: `kv` or `durable`.
        rate_limit_scope: Where requests are counted: in each `isolate`, or `global`.
    """

    CHOICES: ClassVar = {"STORE": ("kv", "durable"), "RATE_LIMIT_SCOPE": ("isolate", "global")}

    settings: Settings
    store: str
    rate_limit_scope: str

    @classmethod
    def from_env(cls, env: Any) -> "Variables":
        """Take the variables from the runtime's `env`. One that is missing or empty has its default.

        A secret that is empty is not missing.

        Raises:
            SettingsError: A variable cannot be used.
        """
        if getattr(env, "CREATE_HEADER", ""):
            raise SettingsError("CREATE_HEADER is for servers: a Worker cannot tell its operator's proxy from a client")
        values = {name: getattr(env, name, "") for name in Settings.NAMES}
        secrets = {name: getattr(env, name, None) for name in Settings.SECRETS}
        settings = Settings.from_mapping(values | secrets)
        return cls(settings, *(_choice(env, name, choices) for name, choices in cls.CHOICES.items()))


def _choice(env: Any, name: str, choices: tuple[str, ...]) -> str:
    value: str = getattr(env, name, "") or choices[0]
    if value not in choices:
        raise SettingsError(f"{name} must be {' or '.join(choices)}, not {quoted(value)}")
    return value
