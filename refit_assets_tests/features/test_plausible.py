"""A day is compared with the days before it."""

from dataclasses import replace
from datetime import date, timedelta

from refit_assets.features.plausible import find_oddities
from refit_assets.features.table import DayRecord

FIRST = date(2013, 1, 1)
USUAL = DayRecord(
    day=FIRST,
    rows=900,
    labelled_rows=900,
    digest="d",
    contract_digest="c",
    recipe="r",
    nulls={"seats": 90},
    inputs={},
    files=(),
    snapshot_id=1,
    run_id="run",
)


def known(days: int) -> dict[date, DayRecord]:
    every = [FIRST + timedelta(days=n) for n in range(days)]
    return {day: replace(USUAL, day=day) for day in every}


def test_a_usual_day_is_not_odd() -> None:
    day = replace(USUAL, day=FIRST + timedelta(days=20), rows=400)
    found = find_oddities([day], known(20))
    assert (found.row_count, found.null_share) == ((), ())


def test_a_day_with_a_quarter_of_the_rows_is_told() -> None:
    day = replace(USUAL, day=date(2013, 1, 21), rows=225, nulls={"seats": 20})
    assert find_oddities([day], known(20)).row_count == (
        "2013-01-21 has 225 rows, the 20 days before it 900 (median)",
    )


def test_a_feature_that_goes_missing_is_told() -> None:
    day = replace(USUAL, day=date(2013, 1, 21), nulls={"seats": 450})
    assert find_oddities([day], known(20)).null_share == (
        "2013-01-21: seats is missing in 50% of the rows, not 10%",
    )


def test_an_empty_day_is_odd_by_its_rows_alone() -> None:
    day = replace(USUAL, day=date(2013, 1, 21), rows=0, nulls={"seats": 0})
    found = find_oddities([day], known(20))
    assert len(found.row_count) == 1
    assert found.null_share == ()


def test_nothing_is_said_with_too_few_days_before() -> None:
    day = replace(USUAL, day=date(2013, 1, 7), rows=1)
    assert find_oddities([day], known(6)).row_count == ()
