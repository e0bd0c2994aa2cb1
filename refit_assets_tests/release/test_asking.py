"""Pauses between requests for a day that stays due."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from refit_assets.release.asking import Asked, Asking, Memory, pause_after, render_waiting

NOON = datetime(2013, 1, 5, 12, tzinfo=UTC)


def test_pauses_double_until_they_are_six_hours() -> None:
    minutes = [pause_after(times) / timedelta(minutes=1) for times in (1, 2, 3, 7, 8, 9000)]
    assert minutes == [5, 10, 20, 320, 360, 360]


def test_what_waits_is_told_with_the_next_attempt_or_that_a_run_is_at_work() -> None:
    at = int(NOON.timestamp())
    waiting = {
        date(2013, 1, n): Asked(inputs="a", times=times, at=at)
        for n, times in enumerate((3, 1, 1), start=1)
    }
    said = "late: row 1: no"
    asking = Asking(
        days={}, held_back={date(2013, 1, 2): (said,)}, waiting=waiting, busy=False, memory=Memory()
    )
    days = "3 days, 2013-01-01 to 2013-01-03"
    assert render_waiting(asking) == (
        f"{days}: asked for 3 times and not computed, again at 2013-01-05 12:05Z",
        f"refused: {said}; 2013-01-02",
    )
    assert render_waiting(replace(asking, busy=True)) == (f"{days}: being computed",)
    assert render_waiting(replace(asking, waiting={})) == ()
