"""The application of a server: the core's `App` with a store, the operator's proxies, metrics and the access log.

Both ways in call it: the HTTP edge of `crypt-api serve`, and the ASGI adapter.
"""

import logging
import os
import time
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from crypt_api.server.metrics import MeteredStore, Metrics, known_method
from crypt_api.server.parts import PartSettings, ServerPartStore, open_parts
from crypt_api.server.static_files import static_routes
from crypt_api.server.stores import ServerStore, open_limits, open_store
from crypt_api.server.trusted_proxies import TrustedProxies
from crypt_api.server.webhook import ServerWebhook
from crypt_core.brand import MAX_LOGO_BYTES
from crypt_core.create_tokens import BOM, CreateTokens
from crypt_core.events import ignore
from crypt_core.http.app import App
from crypt_core.http.types import Request, Response
from crypt_core.limits.upload_limits import UploadLimits
from crypt_core.setting_values import SettingsError
from crypt_core.settings import Settings

DEFAULT_STORE = "sqlite:///messages.db"
ENVIRONMENT_PREFIX = "CRYPT_API_"

LOGO_TYPES = {".svg": "image/svg+xml", ".png": "image/png", ".webp": "image/webp"}

logger = logging.getLogger(__name__)
access_logger = logging.getLogger("crypt_api.access")


@dataclass(slots=True)
class Application:
    """Answers the requests of a server.

    Attributes:
        token_file: Who may create messages; None is everybody.
    """

    app: App
    make_app: Callable[[CreateTokens | None], App]
    token_file: str | None
    store: ServerStore
    parts: ServerPartStore | None
    proxies: TrustedProxies
    metrics: Metrics
    webhook: ServerWebhook | None = None

    async def connect(self) -> None:
        """Make ready for requests, on the event loop that runs.

        Raises:
            StorageUnavailable: The store cannot be connected.
        """
        await self.store.connect()
        if self.webhook is not None:
            self.webhook.connect()

    async def finish(self) -> None:
        """Tell the webhook's receiver what is left to tell, when no request comes any more. `close` comes next."""
        if self.webhook is not None:
            await self.webhook.finish()

    def close(self) -> None:
        """Finish what was begun, and close the stores."""
        try:
            self.store.close()
        finally:
            if self.parts is not None:
                self.parts.close()

    def read_tokens_again(self) -> None:
        """Take the file of tokens as it is now. If it cannot be used, nothing changes, and the log says why."""
        if self.token_file is None:
            return
        try:
            tokens = _tokens_anew(self.token_file)
        except SettingsError as error:
            logger.error("the tokens stay as they were: %s", error)  # noqa: TRY400 - the operator's mistake
            return
        self.app = self.make_app(tokens)
        logger.info("CREATE_TOKENS was read again: %d tokens", len(tokens.labels))

    async def answer(self, request: Request) -> Response:
        """Answer a request whose `client` and `scheme` are the client's own, and not those of a proxy in between."""
        started = time.perf_counter()
        response = await self.app.handle(request, self.store)
        seconds = time.perf_counter() - started
        route = response.route or "-"
        method = known_method(request.method)
        self.metrics.answered(method, route, response.status, seconds)
        if response.created_by:
            self.metrics.created_by(response.created_by)
        if access_logger.isEnabledFor(logging.INFO):
            access_logger.info("%s %s %d %.1f ms", method, route, response.status, seconds * 1_000)
        return response


def open_application(environment: Mapping[str, str] = os.environ) -> Application:
    """Open the store and build the application from variables such as `CRYPT_API_STORE` and `CRYPT_API_MAX_TTL`.

    Raises:
        SettingsError: A variable has a value that cannot be used.
        StorageUnavailable: The store cannot be opened.
    """
    values = {
        name.removeprefix(ENVIRONMENT_PREFIX): value
        for name, value in environment.items()
        if name.startswith(ENVIRONMENT_PREFIX)
    }
    if (token_file := values.get("CREATE_TOKENS")) is not None:
        values["CREATE_TOKENS"] = _text_of("CREATE_TOKENS", token_file)
    if values.get("CREATE_HEADER") == "":  # as an empty CREATE_TOKENS: it must not let everybody send
        raise SettingsError("CREATE_HEADER must be the name of a header, and is empty")
    if secret_file := values.get("WEBHOOK_SECRET_FILE"):
        values["WEBHOOK_SECRET"] = _text_of("WEBHOOK_SECRET_FILE", secret_file)
    if (logo := values.get("LOGO", "")) and not logo.startswith("data:"):
        values["LOGO"] = _picture(logo)
    settings = Settings.from_mapping(values)
    proxies = TrustedProxies.parse(values.get("TRUSTED_PROXIES", ""), values.get("CREATE_HEADER", ""))
    metrics = Metrics()
    part_settings = PartSettings.parse(
        files=values.get("FILES", ""), max_file_storage=values.get("MAX_FILE_STORAGE", "")
    )
    url, max_storage = values.get("STORE") or DEFAULT_STORE, values.get("MAX_STORAGE", "")
    webhook = None if settings.webhook is None else ServerWebhook(settings.webhook, metrics.webhook_result)
    on_event = ignore if webhook is None else webhook.happened
    store = open_store(url, max_storage=max_storage, observer=metrics, on_event=on_event)
    metrics.watch(lambda: store.usage)
    if webhook is not None:
        metrics.watch_webhook(lambda: webhook.waiting)
    try:
        parts = open_parts(url, part_settings) if settings.max_file else None
    except BaseException:
        store.close()
        raise
    if parts is not None:
        metrics.watch_files(parts)
    limits = open_limits(settings, store, metrics.limited_alone)
    upload_limits = UploadLimits(settings.upload_per_hour)
    routes = list(static_routes())

    def make_app(tokens: CreateTokens | None) -> App:
        return App(
            replace(settings, create_tokens=tokens),
            limits,
            extra_routes=routes,
            messages=lambda: store.usage.messages,
            readiness=lambda: {**store.usage.readiness(), **({} if parts is None else parts.usage.readiness())},
            parts=parts,
            upload_limits=upload_limits,
        )

    app = make_app(settings.create_tokens)
    return Application(app, make_app, token_file, MeteredStore(store, metrics), parts, proxies, metrics, webhook)


def _picture(path: str) -> str:
    """The file of a logo as a `data:` address."""
    media_type = LOGO_TYPES.get(Path(path).suffix.lower())
    if media_type is None:
        raise SettingsError(f"LOGO must be a file that ends with {', '.join(LOGO_TYPES)}")
    try:
        with Path(path).open("rb") as file:
            data = file.read(MAX_LOGO_BYTES + 1)  # a larger one is refused by `Brand`
        return f"data:{media_type};base64,{b64encode(data).decode()}"
    except OSError as error:
        raise SettingsError(f"LOGO: {path} cannot be read: {error.strerror}") from None


def _tokens_anew(path: str) -> CreateTokens:
    """The file's tokens, while the server runs. A blank file may be about to be written."""
    text = _text_of("CREATE_TOKENS", path)
    if not text.removeprefix(BOM).strip():
        raise SettingsError(f"CREATE_TOKENS: {path} is blank; a list that lets nobody send has a line with #")
    return CreateTokens.parse(text)


def _text_of(name: str, path: str) -> str:
    if not path:  # of a variable that was meant to have a path: it must not let everybody send
        raise SettingsError(f"{name} must be a file, and is empty")
    try:
        return Path(path).read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        raise SettingsError(f"{name}: {path} cannot be read") from None
