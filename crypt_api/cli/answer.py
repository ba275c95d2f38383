"""`crypt-api answer`."""

import sys
from pathlib import Path

import click

from crypt_api.cli.attached_files import check_resume, prepared_journal, resume_option, upload_failures
from crypt_api.cli.delivery import print_result
from crypt_api.cli.error_reports import reports_errors
from crypt_api.cli.exit_codes import EXIT_CODES
from crypt_api.cli.link_argument import given_link
from crypt_api.cli.new_content import given_content
from crypt_api.cli.progress import progress, transfer
from crypt_api.cli.secret_files import SecretFile
from crypt_api.cli.terminal import tell, visible
from crypt_api.cli.times import shown
from crypt_api.cli.used_link import use_link
from crypt_api.client import Client
from crypt_api.client.links import answer_link

EXAMPLES = """\b
Examples:
  crypt-api answer                         asks for the link, shows the question, and takes what you type
  pass show router | crypt-api answer LINK -
  crypt-api answer --link-file link --file key.pem "as promised"

"""


@click.command(epilog=EXAMPLES + EXIT_CODES)
@click.argument("link", required=False)
@click.argument("text", required=False)
@click.option(
    "--link-file",
    type=SecretFile(),
    help="Read the link from the first line of this file. TEXT is then the only argument.",
)
@click.option(
    "-f",
    "--file",
    "paths",
    metavar="PATH",
    multiple=True,
    type=click.Path(exists=True, path_type=Path),
    help="Answer with a file, or all files of a folder; TEXT is a note to them. May be repeated.",
)
@resume_option
@reports_errors("The answer may have been sent; crypt-api status LINK tells.")
def answer(
    link: str | None, text: str | None, *, link_file: Path | None, paths: tuple[Path, ...], resume: bool
) -> None:
    """Answer the question at LINK with TEXT, encrypted for its asker alone. The first answer counts.

    The question is shown on stderr. Without TEXT, or with -, the answer comes from stdin; others on this machine may
    see TEXT and LINK on the command line. Without LINK, or with -, the link is asked for, or comes from stdin.

    Files that are interrupted on their way go on with --resume, as those of crypt-api send.

    The service does not know who asks: make sure of that before you answer.
    """
    check_resume(paths, resume=resume)
    if link_file is not None:
        if text is not None:
            raise click.UsageError("Give LINK or --link-file, not both.")
        link, text = None, link
    link = use_link(given_link(link, link_file, "answer" if text == "-" or (text is None and not paths) else ""))
    origin, key = answer_link(link)
    with Client(origin) as client:
        with progress("Asking"):
            question = client.question(link).text
        tell(f"The question: {visible(question)}" if question else "The question is empty.")
        text, files = given_content(text, paths, "answer")
        journal = prepared_journal(f"{origin}/{key.id}", files, resume=resume)
        with upload_failures(journal), transfer("Answering") as report:
            expires_at = client.answer(link, text, files=files, progress=report, journal=journal)
    print_result("answered")
    tell(f"The asker can read it once, until {shown(expires_at, sys.stderr)}. crypt-api status LINK tells.")
