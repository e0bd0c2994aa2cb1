"""Pauses between requests for a day that stays due."""

from datetime import UTC, date, datetime, timedelta

from refit_assets.release.asking import Asked, pause_after, render_waiting

NOON = datetime(2013, 1, 5, 12, tzinfo=UTC)


def test_pauses_double_until_they_are_six_hours() -> None:
    minutes = [pause_after(times) / timedelta(minutes=1) for times in (1, 2, 3, 7, 8, 9000)]
    assert minutes == [5, 10, 20, 320, 360, 360]


def test_what_waits_is_told_with_the_next_attempt() -> None:
    at = int(NOON.timestamp())
    asked = {
        date(2013, 1, n): Asked(inputs="a", times=times, at=at)
        for n, times in enumerate((3, 1, 1, 1, 1, 1), start=1)
    }
    assert render_waiting(asked) == (
        "2013-01-01, 2013-01-02, 2013-01-03, 2013-01-04, 2013-01-05 and 1 more asked for 3 times "
        "and not computed yet: again at 2013-01-05 12:05Z unless a run is on its way"
    )
