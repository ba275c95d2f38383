"""The core's errors are those of the table that all tests compare responses with."""

import pytest

from crypt_core.http import errors
from tests.support.errors import CODES, PART_ONE, code_of

ARGUMENTS: dict[type[errors.ApiError], tuple[object, ...]] = {
    errors.InvalidField: ("ttl", "must be a whole number"),
    errors.UnknownField: ("colour",),
    errors.PassphraseRequired: (10,),
    errors.WrongPassphrase: (9,),
    errors.MethodNotAllowed: (("GET",),),
    errors.InvalidTtlHeader: (60, 100_800),
    errors.RateLimited: (1,),
    errors.UploadBudgetExhausted: (60.0,),
}
"""What the constructors of some errors need."""

ERRORS = [
    kind(*ARGUMENTS.get(kind, ()))
    for name, kind in vars(errors).items()
    if name[0] != "_" and isinstance(kind, type) and issubclass(kind, errors.ApiError)
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_an_error_has_the_code_that_clients_know(error: errors.ApiError) -> None:
    assert (error.code or None) == code_of(error.text)
    assert [name for name in error.body if name in ("error", "code")] == (
        ["error", "code"] if error.code else ["error"]
    )
    assert next(iter(error.body)) == "error"


def test_the_table_has_no_error_that_does_not_exist() -> None:
    assert {error.text for error in ERRORS} >= PART_ONE | set(CODES)


def test_every_code_is_one_lower_case_word_of_its_own() -> None:
    codes = [error.code for error in ERRORS if vars(type(error)).get("code")]  # not one that it has from another error
    assert len(codes) == len(set(codes))
    assert all(code.replace("_", "").isalpha() and code.islower() for code in codes)
