"""Which version scores which day: folds over a ledger of three refits."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from refit_assets.errors import DataError
from refit_assets.release.ledger import LedgerEvent, plan_rollback
from refit_assets.release.serving import Turn, plan_turns

NOW = datetime(2013, 3, 1, tzinfo=UTC)


def event(sequence: int, as_of: int, **changes: Any) -> LedgerEvent:  # noqa: ANN401
    values: dict[str, Any] = {
        "kind": "promoted",
        "version": f"1.0.201302{as_of:02d}",
        "recorded_at": NOW,
    }
    return LedgerEvent(
        sequence=sequence,
        model="late",
        refit=f"2013-02-{as_of:02d}",
        as_of=day(as_of),
        coordinates="a:b",
        mojo_sha256=f"mojo{as_of}",
        training_set_digest=f"set{as_of}",
        reason="because",
        by="me",
        **{**values, **changes},
    )


def day(number: int) -> date:
    return date(2013, 2, number)


def told(turns: tuple[Turn, ...]) -> list[tuple[str, list[int]]]:
    return [(turn.version[-2:], [one.day for one in turn.days]) for turn in turns]


EVENTS = (event(1, 4), event(2, 11), event(3, 18, kind="held"))
DAYS = tuple(day(number) for number in (9, 10, 11, 12))


def test_the_champion_scores_whatever_day_it_is() -> None:
    assert told(plan_turns("late", EVENTS, DAYS)) == [("11", [9, 10, 11, 12])]


def test_then_is_the_newest_model_as_of_each_day_and_a_held_one_is_none() -> None:
    assert told(plan_turns("late", EVENTS, DAYS, "then")) == [("04", [9, 10]), ("11", [11, 12])]
    assert told(plan_turns("late", EVENTS, (day(20),), "then")) == [("11", [20])]


def test_a_backfilled_refit_takes_its_place_in_history_and_not_todays() -> None:
    late = (*EVENTS, event(4, 8))
    assert told(plan_turns("late", late, DAYS, "then")) == [("08", [9, 10]), ("11", [11, 12])]
    assert told(plan_turns("late", late, DAYS)) == [("11", [9, 10, 11, 12])]


def test_a_rollback_serves_from_the_newest_models_place_on() -> None:
    back = plan_rollback(EVENTS, "1.0.20130204", by="me", reason="poor", now=NOW)
    assert back is not None
    events = (*EVENTS, back)
    assert told(plan_turns("late", events, (day(12),))) == [("04", [12])]
    assert told(plan_turns("late", events, (day(10), day(11)), "then"))[-1] == ("04", [11])


def test_a_gap_in_the_days_begins_another_turn() -> None:
    days = (day(12), day(14), day(15))
    assert told(plan_turns("late", EVENTS, days)) == [("11", [12]), ("11", [14, 15])]


def test_a_version_by_name_must_have_been_published() -> None:
    turns = plan_turns("late", EVENTS, DAYS, "1.0.20130204")
    assert told(turns) == [("04", [9, 10, 11, 12])]
    with pytest.raises(DataError, match=r"version 1\.0\.20130218 of late was never published"):
        plan_turns("late", EVENTS, DAYS, "1.0.20130218")
    with pytest.raises(DataError, match="published are: none"):
        plan_turns("late", (), DAYS, "1.0")


def test_a_day_before_every_model_is_refused_by_its_date() -> None:
    with pytest.raises(DataError, match="no version of late serves on 2013-02-03"):
        plan_turns("late", EVENTS, (day(3), day(4)), "then")
    with pytest.raises(DataError, match="no version of late serves yet"):
        plan_turns("late", (), DAYS)
