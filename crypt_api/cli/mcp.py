"""`crypt-api mcp`."""

import os
import signal
import sys
from pathlib import Path
from types import FrameType

import click
from mcp.server import MCPServer

from crypt_api.cli.error_reports import reports_errors
from crypt_api.cli.mcp_tools import INSTRUCTIONS, AgentTools
from crypt_api.cli.named_folders import IS_SUPPORTED, NamedFolder
from crypt_api.cli.service_options import service_options, ttl_option
from crypt_api.cli.terminal import check_stdout, is_terminal, tell
from crypt_core import __version__

SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")

_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@click.command()
@click.option(
    "--save-to", type=_FOLDER, metavar="FOLDER", help="Let the agent ask, and save answers in this folder alone."
)
@click.option("--send-from", type=_FOLDER, metavar="FOLDER", help="Let the agent send files, of this folder alone.")
@ttl_option("question or the file")
@reports_errors("Questions that nobody has answered were destroyed.")
@service_options
def mcp(save_to: Path | None, send_from: Path | None, *, ttl: int | None, server: str, token: str | None) -> None:
    """Serve the Model Context Protocol on stdin and stdout: an agent's program starts this, not a person.

    The agent asks a person for a secret, and gets a link to answer; the answer goes into a new file below --save-to.
    The agent sends a file below --send-from, and gets its link. It never gets what is in an answer or a file.

    Questions end with this process: those that are not saved then are destroyed.
    """
    check_stdout()
    if not IS_SUPPORTED:
        raise click.UsageError("This system cannot keep an agent's files below a folder.")
    if save_to is None and send_from is None:
        raise click.UsageError("Give --save-to, --send-from, or both: the folders that the agent may use.")
    if save_to is not None and send_from is not None and _overlap(save_to.resolve(), send_from.resolve()):
        raise click.UsageError("--save-to and --send-from overlap: the agent could send the answers that it saved.")
    if is_terminal(sys.stdin):
        tell("This is for an agent's program, which speaks to it on stdin. Ctrl-C ends it.")
    tools = AgentTools(server, token, ttl, _opened(save_to), _opened(send_from))
    _end_on_signals(tools)
    app: MCPServer[object] = MCPServer(
        "crypt-api",
        version=__version__,
        instructions=INSTRUCTIONS,
        log_level="ERROR",  # the libraries log addresses, which have ids, from INFO on
    )
    for tool in tools.offered():
        app.add_tool(tool, description=" ".join((tool.__doc__ or "").split()))
    try:
        app.run()
    finally:
        tools.close()


def _opened(path: Path | None) -> NamedFolder | None:
    try:
        return None if path is None else NamedFolder(path)
    except OSError as error:
        raise click.UsageError(f"{path} cannot be opened: {error.strerror}.") from None


def _overlap(one: Path, other: Path) -> bool:
    """Whether one is in the other. Paths are not compared: a disk may ignore case, and be mounted twice."""
    return any(
        folder.samefile(outer) for inner, outer in ((one, other), (other, one)) for folder in (inner, *inner.parents)
    )


def _end_on_signals(tools: AgentTools) -> None:
    """End at once: the thread that waits for stdin would keep an exception from ending the process."""

    def end(number: int, _frame: FrameType | None) -> None:
        for name in SIGNALS:
            signal.signal(getattr(signal, name), signal.SIG_DFL)  # a second one does not wait for the service
        tools.close()
        os._exit(128 + number)

    for name in SIGNALS:
        signal.signal(getattr(signal, name), end)
