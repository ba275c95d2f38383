"""One connection to an engine: commands out in one piece, replies back in order, nothing ever sent twice."""

from collections.abc import Sequence
from typing import Any, TypeAlias

from redis.asyncio.connection import AbstractConnection, SSLConnection, UnixDomainSocketConnection
from redis.asyncio.connection import Connection as TcpConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import InvalidResponse, NoPermissionError, RedisError, ResponseError

from crypt_api.server.stores.valkey.url import Host, ValkeySettings

EngineCommand: TypeAlias = tuple[bytes | int, ...]
Reply: TypeAlias = bytes | int | Sequence["Reply"] | ResponseError | None

Address: TypeAlias = Host | str
"""Host and port, or the path of a Unix socket."""


class ConnectionLost(Exception):
    """There is no connection, or no longer. What was sent and not answered may have been executed, or not."""


class Connection:
    """An open connection. The client library's own retries are off: it would repeat what may have been executed."""

    def __init__(self, connection: AbstractConnection) -> None:
        self._connection = connection

    async def call(self, commands: Sequence[EngineCommand]) -> list[Reply]:
        """Send the commands, and return their replies; an error in reply to one of them is its reply.

        Raises:
            ConnectionLost: The connection failed before the last reply.
        """
        connection = self._connection
        try:
            await connection.send_packed_command(connection.pack_commands(commands), check_health=False)
            replies: list[Reply] = []
            for _ in commands:
                try:
                    replies.append(await connection.read_response())
                except ResponseError as error:
                    replies.append(error)
        except (RedisError, OSError) as error:
            raise ConnectionLost(_reason(error)) from None
        else:
            return replies

    def close(self) -> None:
        """Close at once. What is still in this process's buffers is not sent."""
        writer = self._connection._writer  # noqa: SLF001 - its own `disconnect` would go on sending
        if writer is not None:
            writer.transport.abort()
        self._connection._close()  # type: ignore[no-untyped-call]  # noqa: SLF001


async def connect(
    address: Address, settings: ValkeySettings, *, db: int, password: str, username: str = ""
) -> Connection:
    """Connect and log in, within the deadline of a command.

    Raises:
        ConnectionLost: It is not possible; the text says why.
    """
    options: dict[str, Any] = {
        "db": db,
        "username": username or None,
        "password": password or None,
        "socket_timeout": None,
        "socket_connect_timeout": settings.deadline,
        "retry": Retry(NoBackoff(), 0),
        "protocol": 2,
        "driver_info": None,
    }
    connection: AbstractConnection
    if isinstance(address, str):
        connection = UnixDomainSocketConnection(path=address, **options)
    elif settings.tls:
        connection = SSLConnection(host=address[0], port=address[1], ssl_ca_certs=settings.ca or None, **options)
    else:
        connection = TcpConnection(host=address[0], port=address[1], **options)
    try:
        await connection.connect()  # type: ignore[no-untyped-call]
    except (RedisError, OSError) as error:
        Connection(connection).close()
        # To log in, everybody may.
        raise ConnectionLost(
            refusal("SELECT", error) if isinstance(error, NoPermissionError) else _reason(error)
        ) from None
    return Connection(connection)


def error_code(error: Exception) -> str:
    """The first word of an error of the engine. The rest may quote a command with its message."""
    return getattr(error, "status_code", None) or str(error).partition(" ")[0] or type(error).__name__


def refusal(command: str, error: Exception) -> str:
    """Say which command the engine refuses: its user may not be allowed it."""
    return f"the engine refuses {command}: {error_code(error)}"


def _reason(error: Exception) -> str:
    if isinstance(error, ResponseError):
        return error_code(error)
    if isinstance(error, InvalidResponse):  # it quotes what came, which may be a message
        return "what answers does not speak the protocol of Valkey and Redis"
    return str(error)
