"""Waiting, by a clock that the test moves."""

import pytest

from refit_assets.errors import WorkloadTimeout
from refit_assets.workloads.wait import Patience, wait_until


class Clock:
    """A clock that moves when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def patience(self, timeout_seconds: float) -> Patience:
        return Patience(
            timeout_seconds=timeout_seconds,
            interval_seconds=2.0,
            clock=lambda: self.now,
            sleep=self.sleep,
        )


def test_a_state_that_is_an_end_is_returned_without_sleeping() -> None:
    clock = Clock()
    assert wait_until(lambda: "done", {"done"}, "thing", clock.patience(10)) == "done"
    assert not clock.slept


def test_it_looks_again_until_the_end_comes() -> None:
    clock = Clock()
    states = iter(["new", "running", "done"])
    assert wait_until(lambda: next(states), {"done"}, "thing", clock.patience(10)) == "done"
    assert clock.slept == [2.0, 2.0]


def test_patience_ends_and_the_error_names_the_thing_its_state_and_what_was_awaited() -> None:
    clock = Clock()
    with pytest.raises(WorkloadTimeout, match="pod a is still running after 5 s") as caught:
        wait_until(lambda: "running", {"failed", "done"}, "pod a", clock.patience(5))
    assert "waited for done or failed" in str(caught.value)
    assert clock.slept == [2.0, 2.0, 1.0]


def test_the_end_is_seen_even_when_it_came_during_the_last_sleep() -> None:
    clock = Clock()
    assert wait_until(lambda: clock.now >= 105, {True}, "thing", clock.patience(5))


def test_what_reading_raises_is_not_waited_out() -> None:
    def read() -> str:
        message = "gone"
        raise KeyError(message)

    clock = Clock()
    with pytest.raises(KeyError):
        wait_until(read, {"done"}, "thing", clock.patience(5))
    assert not clock.slept


def test_a_clock_set_back_does_not_prolong_the_wait() -> None:
    moments = iter([0.0, 3.0, 6.0])
    patience = Patience(timeout_seconds=5.0, clock=lambda: next(moments), sleep=lambda _: None)
    with pytest.raises(WorkloadTimeout):
        wait_until(lambda: "running", {"done"}, "thing", patience)
