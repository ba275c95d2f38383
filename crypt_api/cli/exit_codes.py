"""Exit codes of the commands that speak to a service: what each means, and what to do about each error."""

from enum import IntEnum

from crypt_api.cli.delivery import Undelivered
from crypt_api.cli.passphrase_option import PASSPHRASE_VARIABLE
from crypt_api.cli.used_link import User
from crypt_api.client import errors


class ExitCode(IntEnum):
    """What the shell is told besides 0 for success, 1 after a bug, and 130 after an interruption."""

    USAGE = 2
    NOT_FOUND = 3
    ALREADY_READ = 4
    PASSPHRASE = 5
    REFUSED = 6
    UNREACHABLE = 7
    DAMAGED = 8
    UNDELIVERED = 9
    DIFFERENT = 10


INTERRUPTED = 130
"""What shells expect of a program that Ctrl-C has ended."""

EXIT_CODES = "The exit codes are in crypt-api --help."
"""The end of each command's help."""

_CODES_AND_ADVICE: dict[type[Exception], tuple[ExitCode, str]] = {
    errors.NotFound: (ExitCode.NOT_FOUND, "Ask the sender for a new link."),
    errors.AlreadyRead: (
        ExitCode.ALREADY_READ,
        "If it was not you, tell the sender: somebody else knows the link.",
    ),
    errors.LostRead: (
        ExitCode.ALREADY_READ,
        "The answer to this command was lost on the way: then nobody else has it. Ask the sender to send it again.",
    ),
    errors.PassphraseRequired: (ExitCode.PASSPHRASE, f"Use --passphrase-file or {PASSPHRASE_VARIABLE}."),
    errors.WrongPassphrase: (
        ExitCode.PASSPHRASE,
        "Ask the sender for it. The tenth wrong one destroys the message, which then has to be sent again.",
    ),
    errors.UnexpectedPassphrase: (
        ExitCode.PASSPHRASE,
        "If the sender gave you a passphrase, ask the sender. Otherwise read the message without one.",
    ),
    errors.Refused: (ExitCode.REFUSED, ""),
    errors.TokenRequired: (ExitCode.REFUSED, "The operator gives tokens. Use --token-file or CRYPT_API_TOKEN."),
    errors.RateLimited: (ExitCode.REFUSED, "Wait, and try again."),
    errors.InvalidLink: (
        ExitCode.USAGE,
        "Put a link in quotes, so that the shell does not change it.",
    ),
    errors.WrongLink: (ExitCode.USAGE, ""),
    errors.NotAnswered: (ExitCode.REFUSED, "Try again later; crypt-api status LINK tells whether there is an answer."),
    errors.AlreadyAnswered: (
        ExitCode.REFUSED,
        "If it was not you, tell the asker: somebody else has the link, and has answered.",
    ),
    errors.ContentTooLarge: (
        ExitCode.REFUSED,
        "A text may have 100 KB; a longer one can be sent as a file, as large as the service takes.",
    ),
    errors.FilesOff: (ExitCode.REFUSED, "Use another service; or encrypt it, put it elsewhere, and send its key."),
    errors.FileChanged: (ExitCode.USAGE, "Nothing of it was kept. Send it again when nothing writes to it."),
    errors.UploadExpired: (ExitCode.REFUSED, "Use a faster line, or a shorter --ttl; or send less at a time."),
    errors.PartMissing: (ExitCode.NOT_FOUND, "Ask the sender to send the files again."),
    errors.InvalidText: (ExitCode.USAGE, ""),
    errors.InvalidEnvironment: (ExitCode.USAGE, "Nothing was sent."),
    errors.Unavailable: (ExitCode.UNREACHABLE, "Nothing is lost. Try again, or check --server."),
    errors.UntrustedCertificate: (
        ExitCode.UNREACHABLE,
        "Nothing was sent. If the certificate is your own authority's, SSL_CERT_FILE names the file to trust.",
    ),
    errors.AnswerLost: (
        ExitCode.UNREACHABLE,
        "The request may have been carried out. Try again; crypt-api status LINK tells what became of a message.",
    ),
    errors.BadEnvelope: (ExitCode.DAMAGED, "Ask the sender to send the message again."),
    Undelivered: (ExitCode.UNDELIVERED, ""),
}


_ASK_AGAIN = "Ask again, with a new question."

_OTHER_ADVICE: dict[User, dict[type[Exception], str]] = {
    User.READER: {},
    User.ASKER: {
        errors.NotFound: "",
        errors.AlreadyRead: "If it was not you, somebody else has your link.",
        errors.LostRead: f"The answer to this command was lost on the way: then nobody else has it. {_ASK_AGAIN}",
        errors.UnexpectedPassphrase: "Read the answer without a passphrase.",
        errors.PartMissing: _ASK_AGAIN,
        errors.BadEnvelope: _ASK_AGAIN,
    },
    User.ANSWERER: {
        errors.NotFound: "Ask the asker for a new link.",
        errors.AlreadyRead: "If it was not you, tell the asker: somebody else has the link, and has answered.",
        errors.BadEnvelope: "Ask the asker for a new link.",
    },
}
"""For those who have one of the links of a question: there is no sender whom they could ask."""


def code_and_advice(error: Exception, user: User = User.READER) -> tuple[ExitCode, str]:
    """Give the exit code for an error, and what the user can do next, if anything: those of its nearest class."""
    kind = next(kind for kind in type(error).__mro__ if kind in _CODES_AND_ADVICE)
    code, advice = _CODES_AND_ADVICE[kind]
    return code, _OTHER_ADVICE[user].get(kind, advice)
