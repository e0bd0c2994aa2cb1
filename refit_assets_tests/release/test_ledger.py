"""The ledger's folds over events in memory: who serves, who served, what came before what."""

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta, timezone

import pytest

from refit_assets.errors import LedgerError
from refit_assets.release.ledger import (
    LedgerEvent,
    champion,
    champion_before,
    decision,
    history,
    plan_release,
    plan_rollback,
    promotes_now,
    timeline,
)
from refit_assets_tests.release.ledgers import (
    START,
    WEEKS,
    Log,
    challenger,
    instant,
    released,
    version,
    versions,
)


def test_an_empty_ledger_has_no_champion() -> None:
    assert champion([]) is None
    assert champion_before([], WEEKS[0]) is None
    assert timeline([]) == ()
    assert history([]) == ()
    assert promotes_now([], WEEKS[0])


def test_a_promotion_serves_and_names_what_it_replaced_and_was_judged_against() -> None:
    log = released(0, 1)
    assert log.serving == version(1)
    assert [(e.replaced, e.against) for e in log.events] == [
        (None, None),
        (version(0), version(0)),
    ]


def test_a_held_refit_changes_nothing() -> None:
    log = released(0)
    held = log.release(1, promote=False)
    assert held is not None
    assert (held.kind, held.against, held.replaced) == ("held", version(0), None)
    assert log.serving == version(0)


def test_what_served_at_an_instant_is_a_question_to_the_clock() -> None:
    log = released(0, 1, 2)
    served = [champion(log.events, at=instant(hour)) for hour in range(4)]
    assert [event and event.version for event in served] == [
        None,
        version(0),
        version(1),
        version(2),
    ]


def test_whose_place_in_history_a_day_is_is_a_question_to_the_as_of_dates() -> None:
    log = released(0, 2)
    day_before, within = WEEKS[2] - timedelta(days=1), WEEKS[2] + timedelta(days=3)
    assert champion(log.events, as_of=WEEKS[0] - timedelta(days=1)) is None
    assert versions([e for e in [champion(log.events, as_of=day_before)] if e]) == [version(0)]
    assert versions([e for e in [champion(log.events, as_of=within)] if e]) == [version(2)]


def test_a_late_backfill_of_old_refits_does_not_change_what_serves_today() -> None:
    log = released(5)
    for week in (2, 3, 4):
        event = log.release(week)
        assert event is not None
        assert (event.kind, event.replaced) == ("promoted", None)
    assert log.serving == version(5)
    assert [turn.event.version for turn in timeline(log.events)] == [version(5)]
    assert not promotes_now(log.events, WEEKS[4])


def test_a_late_backfill_rewrites_history_but_not_what_was_known_then() -> None:
    log = released(5)
    known_then = instant(1)
    log.release(2)
    now = champion(log.events, as_of=WEEKS[3])
    assert now is not None
    assert now.version == version(2)
    assert champion(log.events, as_of=WEEKS[3], at=known_then) is None


def test_a_backfill_compares_each_refit_with_the_one_before_it_in_history() -> None:
    log = released(5)
    backfilled = [log.release(week) for week in (2, 3, 4)]
    assert [event and event.against for event in backfilled] == [None, version(2), version(3)]
    before = champion_before(log.events, WEEKS[5])
    assert before is not None
    assert before.version == version(4)


def test_history_orders_by_as_of_and_the_timeline_by_the_clock() -> None:
    log = released(1, 3, 0, 2)
    assert [tenure.event.version for tenure in history(log.events)] == [
        version(week) for week in range(4)
    ]
    first, *_, last = history(log.events)
    assert (first.first_day, first.last_day) == (WEEKS[0], WEEKS[1] - timedelta(days=1))
    assert (last.first_day, last.last_day) == (WEEKS[3], None)
    turns = timeline(log.events)
    assert [(t.event.version, t.since, t.until) for t in turns] == [
        (version(1), instant(1), instant(2)),
        (version(3), instant(2), None),
    ]


def test_the_timeline_at_an_instant_knows_nothing_later() -> None:
    log = released(0, 1)
    (turn,) = timeline(log.events, at=instant(1))
    assert (turn.event.version, turn.until) == (version(0), None)
    assert [t.event.version for t in history(log.events, at=instant(1))] == [version(0)]


def test_releasing_the_same_candidate_again_adds_nothing() -> None:
    log = released(0, 1)
    log.release(2, promote=False)
    assert log.release(1) is None
    assert log.release(2, promote=False) is None
    assert log.release(0, promote=False) is None
    assert len(log.events) == 3


def test_a_backfill_over_released_refits_adds_nothing() -> None:
    log = released(0, 1, 2)
    assert [log.release(week) for week in range(3)] == [None, None, None]


def test_a_held_candidate_that_now_passes_is_promoted() -> None:
    log = released(0)
    log.release(1, promote=False)
    log.release(1)
    assert [event.kind for event in log.events] == ["promoted", "held", "promoted"]
    assert log.serving == version(1)


def test_another_candidate_of_the_same_refit_replaces_the_first() -> None:
    log = released(0, 1)
    event = log.release(1, build=1)
    assert event is not None
    assert (event.version, event.against, event.replaced) == (
        version(1) + "-1",
        version(0),
        version(1),
    )
    assert log.serving == version(1) + "-1"


def test_a_candidate_held_again_after_another_was_held_is_told_again() -> None:
    log = Log()
    log.release(0, promote=False)
    log.release(0, promote=False, build=1)
    assert log.release(0, promote=False) is not None


def test_a_comparison_with_an_outdated_champion_is_refused() -> None:
    log = released(0, 1)
    with pytest.raises(
        LedgerError, match=rf"compared with no champion, but .* is {version(1)}: materialise"
    ):
        plan_release(
            log.events,
            challenger(2),
            promote=True,
            reason="better",
            against=None,
            by="run",
            now=log.now,
        )


def test_a_comparison_with_a_champion_that_history_does_not_have_is_refused() -> None:
    with pytest.raises(LedgerError, match=r"compared with 9\.9, but the champion .* is none"):
        plan_release([], challenger(2), promote=True, reason="", against="9.9", by="run", now=START)


def test_a_version_is_given_away_once() -> None:
    log = released(0)
    twin = replace(challenger(1), version=version(0))
    with pytest.raises(LedgerError, match=r"stands for refit 2013-06-03 already"):
        plan_release(
            log.events,
            twin,
            promote=True,
            reason="",
            against=version(0),
            by="run",
            now=log.now,
        )


def test_the_decision_on_a_packaged_refit_can_be_looked_up() -> None:
    log = released(0)
    log.release(1, promote=False)
    assert decision(log.events, challenger(1)) is log.events[1]
    assert decision(log.events, challenger(2)) is None
    log.approve(1)
    log.release(1, promote=False, build=1)
    assert decision(log.events, challenger(1)) is log.events[2]


def repackaged(log: Log) -> LedgerEvent | None:
    """Judge the model of week 1 again, in a jar that was built anew."""
    again = replace(challenger(1), version=version(1) + "-7")
    before = version(0)
    return log.add(
        plan_release(
            log.events, again, promote=True, reason="", against=before, by="run", now=log.now
        )
    )


def test_the_same_model_in_another_jar_is_released_in_its_place() -> None:
    log = released(0, 1)
    event = repackaged(log)
    assert event is not None
    assert (event.version, event.replaced) == (version(1) + "-7", version(1))
    assert repackaged(log) is None


def test_a_model_that_was_rolled_back_does_not_return_in_another_jar() -> None:
    log = released(0, 1)
    log.roll_back(0)
    assert repackaged(log) is None
    assert log.serving == version(0)


def test_a_slow_clock_does_not_run_backwards_in_the_ledger() -> None:
    log = released(0)
    event = plan_rollback(
        [*log.events, replace(log.events[0], sequence=2, version="1.1.20130603")],
        version(0),
        by="Ada",
        reason="slow clock",
        now=START - timedelta(days=1),
    )
    assert event is not None
    assert event.recorded_at == log.events[0].recorded_at


def test_an_instant_without_a_zone_is_refused() -> None:
    log = released(0)
    for ask in (champion, timeline, history):
        with pytest.raises(LedgerError, match=r"2026-01-05T12:00:00 is no instant: write it with"):
            ask(log.events, at=START.replace(tzinfo=None))


def test_an_instant_may_be_asked_in_any_zone_but_is_recorded_in_utc() -> None:
    log = released(0)
    elsewhere = instant(1).astimezone(timezone(timedelta(hours=2)))
    assert champion(log.events, at=elsewhere) is log.events[0]
    for wrong in (elsewhere, instant(1).replace(tzinfo=None)):
        with pytest.raises(LedgerError, match=r"recorded_at is .* expected UTC"):
            replace(log.events[0], recorded_at=wrong)


def test_the_timeline_and_the_fold_agree_at_every_instant_of_any_ledger() -> None:
    for seed in range(60):
        dice = random.Random(seed)
        log = Log()
        for _ in range(25):
            play(log, dice)
        agree(log.events)


def play(log: Log, dice: random.Random) -> None:
    week, build = dice.randrange(len(WEEKS)), dice.randrange(2)
    move = dice.choice(["release", "release", "hold", "approve", "roll back"])
    try:
        if move == "approve":
            log.approve(week)
        elif move == "roll back":
            log.roll_back(week)
        else:
            log.release(week, promote=move == "release", build=build)
    except LedgerError:
        assert move in {"approve", "roll back"}


def agree(events: Sequence[LedgerEvent]) -> None:
    turns = timeline(events)
    for hour in range(len(events) + 2):
        served = champion(events, at=instant(hour))
        mine = [
            t
            for t in turns
            if t.since <= instant(hour) and (not t.until or instant(hour) < t.until)
        ]
        assert [turn.event for turn in mine] == ([] if served is None else [served])
    for tenure in history(events):
        assert champion(events, as_of=tenure.first_day) == tenure.event
        assert tenure.last_day is None or champion(events, as_of=tenure.last_day) == tenure.event
    replaced = [turn.event.replaced for turn in turns[1:]]
    assert replaced == [turn.event.version for turn in turns[:-1]]
