"""Each error of the client has an exit code, and each exit code is in the help."""

import pickle
import re
from datetime import UTC, datetime

import pytest

from crypt_api.cli import HELP
from crypt_api.cli.delivery import Undelivered
from crypt_api.cli.exit_codes import INTERRUPTED, ExitCode, code_and_advice
from crypt_api.client import errors

KINDS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.CryptApiError)]


@pytest.mark.parametrize("kind", [*(kind for kind in KINDS if kind is not errors.CryptApiError), Undelivered])
def test_every_error_has_an_exit_code(kind: type[Exception]) -> None:
    assert code_and_advice(kind.__new__(kind))[0] in ExitCode


def test_an_error_has_the_code_of_its_nearest_class() -> None:
    assert code_and_advice(errors.NotFound())[0] is ExitCode.NOT_FOUND
    assert code_and_advice(errors.AlreadyRead.__new__(errors.AlreadyRead))[0] is ExitCode.ALREADY_READ
    assert code_and_advice(errors.Destroyed.__new__(errors.Destroyed))[0] is ExitCode.NOT_FOUND
    assert "may have been carried out" in code_and_advice(errors.AnswerLost())[1]


@pytest.mark.parametrize("kind", [errors.AlreadyRead, errors.LostRead, errors.Destroyed])
def test_an_error_is_the_same_in_another_process(kind: type[errors.AlreadyRead]) -> None:
    """Pools of processes and queues of tasks pickle it."""
    now = datetime.now(UTC)
    for error in kind(now), errors.WrongPassphrase(3), errors.UploadBudgetExhausted(60.0), errors.Refused("x", "y"):
        same = pickle.loads(pickle.dumps(error))  # noqa: S301 - it is our own
        assert (type(same), str(same), vars(same)) == (type(error), str(error), vars(error))


def test_the_last_try_is_one_try() -> None:
    assert str(errors.WrongPassphrase(1)) == "Wrong passphrase; 1 try is left."
    assert str(errors.PassphraseRequired(2)) == "The message needs a passphrase; 2 tries are left."


def test_every_exit_code_is_in_the_help() -> None:
    codes = {int(code) for code in re.findall(r"^  (\d+) ", HELP, re.MULTILINE)}
    assert codes == {0, INTERRUPTED, *ExitCode}
