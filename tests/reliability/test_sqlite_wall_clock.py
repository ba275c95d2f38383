"""A jump of the machine's clock destroys nothing until the clock has kept its new time for five minutes."""

import logging
from pathlib import Path

import pytest

from crypt_api.server.stores.sqlite.wall_clock import SURE_AFTER_SECONDS, TOLERANCE_SECONDS, WallClock
from crypt_core.commands import Create, Read
from crypt_core.outcomes import Created, Granted, Missing
from tests.support.sqlite_files import Engine

DAY = 86_400  # seconds
START = 1_800_000_000.0


class Machine:
    """Its two clocks."""

    def __init__(self) -> None:
        self.wall = START
        self.steady = 1_000.0
        self.clock = WallClock(lambda: self.wall, lambda: self.steady)

    def pass_time(self, seconds: float) -> float:
        """Let time pass, with a look at the clock twice a second, as the store does; return what it shows then."""
        for _ in range(int(seconds * 2)):
            self.wall += 0.5
            self.steady += 0.5
            self.clock()
        return self.clock()


def test_time_passes_as_on_the_wall() -> None:
    machine = Machine()
    assert machine.clock() == START
    assert machine.pass_time(10) == START + 10


def test_a_small_step_and_a_slew_are_followed_at_once() -> None:
    machine = Machine()
    machine.wall += TOLERANCE_SECONDS - 0.1
    assert machine.clock() == machine.wall
    for _ in range(100):
        machine.wall += 1.4
        machine.steady += 1.0
        assert machine.clock() == pytest.approx(machine.wall)


@pytest.mark.parametrize("jump", [2 * DAY, -2 * DAY, 10, -10])
def test_a_jump_that_is_taken_back_has_no_effect(jump: float, caplog: pytest.LogCaptureFixture) -> None:
    machine = Machine()
    machine.wall += jump
    assert machine.clock() == START
    assert machine.pass_time(1.5) == START + 1.5
    machine.wall -= jump
    assert machine.pass_time(1) == START + 2.5
    words = [record.getMessage() for record in caplog.records]
    assert len(words) == 2
    assert f"jumped by {jump:+.0f} s" in words[0]
    assert "back where it was" in words[1]


@pytest.mark.parametrize("jump", [2 * DAY, -2 * DAY, 10, -10])
def test_a_real_change_is_believed_after_five_minutes(jump: float, caplog: pytest.LogCaptureFixture) -> None:
    machine = Machine()
    machine.wall += jump
    assert machine.pass_time(SURE_AFTER_SECONDS - 1) == START + SURE_AFTER_SECONDS - 1
    assert machine.pass_time(2) == machine.wall == START + jump + SURE_AFTER_SECONDS + 1
    assert [record.levelno for record in caplog.records] == [logging.WARNING] * 2


def test_a_clock_that_keeps_jumping_is_not_believed() -> None:
    machine = Machine()
    for number in range(10):
        machine.wall += DAY
        assert machine.pass_time(SURE_AFTER_SECONDS - 10) < START + (number + 1) * SURE_AFTER_SECONDS
    machine.wall -= 10 * DAY
    assert machine.clock() == machine.wall


@pytest.mark.parametrize("days", [2, -2])
def test_a_clock_two_days_off_for_a_second_and_a_half_destroys_nothing(tmp_path: Path, days: int) -> None:
    machine = Machine()
    engine = Engine(tmp_path / "messages.db", clock=machine.clock)
    engine.apply(*((f"a{n}", Create("secret", DAY)) for n in range(100)))
    machine.wall += days * DAY
    for _ in range(3):
        machine.wall += 0.5
        machine.steady += 0.5
        engine.keep_house()
        assert engine.apply(("unknown", Read())) == [Missing()]
    assert engine.apply(("a0", Read())) == [Granted("secret")]
    [created] = engine.apply(("b0", Create("another", DAY)))
    assert created == Created(START + 1.5 + DAY)
    machine.wall -= days * DAY
    engine.keep_house()
    assert engine.apply(*((f"a{n}", Read()) for n in range(1, 100))) == [Granted("secret")] * 99
    assert engine.observer.expired_count == 0
    engine.close()


def test_messages_expire_on_time_while_the_clock_is_wrong(tmp_path: Path) -> None:
    machine = Machine()
    engine = Engine(tmp_path / "messages.db", clock=machine.clock)
    engine.apply(("abc12", Create("secret", 60)), ("abc13", Create("secret", 60)))
    machine.wall -= 2 * DAY
    machine.pass_time(60)
    engine.keep_house()
    assert engine.apply(("abc12", Read())) == [Missing()]
    assert engine.observer.expired_count == 2
    engine.close()
