"""A back-test replays refits beside the live ledger, and goes on where it stopped."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date

import pytest

from refit_assets.artefacts import Storage, day_name
from refit_assets.assets.backtest import REPLAYED
from refit_assets.errors import DataError, SpecError
from refit_assets.release.backtest import (
    Backtest,
    Plan,
    Replayed,
    Rhythm,
    plan_refits,
    run_backtest,
)
from refit_assets.release.backtest_report import render_backtest, render_backtest_report
from refit_assets.release.ledger import read_events
from refit_assets.resources.deployment import make_scratch
from refit_assets_tests.assets.conftest import Workshop, build_daily, day, furnish, state
from refit_assets_tests.fakes.h2o import Curve
from refit_assets_tests.specs import EVERY_SECOND, build_spec

PLAN = Plan(first=day(4), last=day(7), rhythms=("daily", "once"))
SHORT = replace(PLAN, last=day(5))
WRONG = Curve(middle=6.5, slope=-1.0)


class Stopped(Exception):  # noqa: N818 - a person's hand on the keyboard
    pass


def run(
    workshop: Workshop,
    plan: Plan = PLAN,
    *,
    curves: Mapping[str, Curve] = {},
    stop_at: str | None = None,
    replayed: list[str] | None = None,
    by_dagster: bool = False,
) -> Backtest:
    scratch = make_scratch(workshop.deployment, workshop.spec.name)
    bench = replace(workshop, deployment=scratch)
    good = workshop.h2o.curve

    def replay(keys: Sequence[str], done: Replayed) -> None:
        for key in keys:
            if key == stop_at:
                raise Stopped
            if replayed is not None:
                replayed.append(key)
            workshop.h2o.curve = curves.get(key, good)
            if by_dagster:
                assert bench.refit(key, REPLAYED).success
            else:
                bench.make(key, REPLAYED)
            done(key, {name: {"seconds": 1.0, "cpu_seconds": 2.0} for name in REPLAYED})

    live = workshop.deployment.store
    score = workshop.maven.score
    return run_backtest(workshop.spec, plan, live, scratch.home, replay=replay, score=score)


def all_files(storage: Storage) -> Sequence[tuple[str, bytes | None]]:
    return [(name, storage.read(name)) for name in storage.names("")]


def compute_week(workshop: Workshop) -> None:
    workshop.land(1, 2, 3, 4, 5, 6, 7)
    workshop.compute(1, 7)


def replay_week(workshop: Workshop) -> None:
    run(workshop)


week = state(furnish, compute_week)
replayed = state(furnish, compute_week, replay_week)


def test_each_cadence_refits_decides_and_serves_by_itself(replayed: Workshop) -> None:
    daily, once = run(replayed).cadences
    assert daily.refits == ("2013-01-04", "2013-01-05", "2013-01-06", "2013-01-07")
    assert once.refits == ("2013-01-04",)
    assert daily.promoted == daily.refits
    assert [one.version for one in daily.served] == [f"1.0.2013010{n}" for n in (4, 5, 6, 7)]
    assert {one.version for one in once.served} == {"1.0.20130104"}
    # Eleven of a day's twelve things have a label.
    assert daily.rows == once.rows == 44
    assert [one.first for one in once.served] == [day(n) for n in (4, 5, 6, 7)]
    # Three steps of a second each, and the trial at what it took when it was fitted.
    assert (daily.compute_seconds, once.compute_seconds) == (4 * 4.5, 4.5)


def test_a_refit_that_its_gates_hold_does_not_serve_and_its_champion_goes_on(
    week: Workshop,
) -> None:
    plan = replace(PLAN, last=day(6))
    daily, _ = run(week, plan, curves={"2013-01-05": WRONG}).cadences
    assert daily.promoted == ("2013-01-04", "2013-01-06")
    assert [one.version[-1] for one in daily.served] == ["4", "4", "6"]


def test_before_the_first_promotion_nobody_serves(week: Workshop) -> None:
    daily, once = run(week, SHORT, curves={"2013-01-04": WRONG}).cadences
    assert (once.promoted, once.served, once.rows, once.value) == ((), (), 0, None)
    assert [one.first for one in daily.served] == [day(5)]


def test_neither_the_live_ledger_nor_anything_else_of_the_live_store_changes(
    week: Workshop,
) -> None:
    week.make("2013-01-04")
    storage = week.deployment.store.storage
    before = all_files(storage)
    run(week, SHORT, by_dagster=True)
    assert all_files(storage) == before
    assert [event.refit for event in read_events(storage, "late")] == ["2013-01-04"]


def test_what_was_interrupted_goes_on_where_it_stopped(week: Workshop) -> None:
    keys: list[str] = []
    with pytest.raises(Stopped):
        run(week, SHORT, stop_at="2013-01-05", replayed=keys)
    whole = run(week, SHORT, replayed=keys)
    assert keys == ["2013-01-04", "2013-01-05"]
    scored = len(week.maven.scored)
    assert run(week, SHORT, replayed=keys) == whole
    assert len(keys) == 2
    assert len(week.maven.scored) == scored


def test_days_that_changed_since_are_replayed_again(replayed: Workshop) -> None:
    replayed.land(6, delay=0)
    replayed.compute(6, 6)
    keys: list[str] = []
    run(replayed, replayed=keys)
    # The sixth is in the windows of the seventh; it is served by what was made before.
    assert keys == ["2013-01-07"]


def test_days_without_features_are_named_before_anything_runs(week: Workshop) -> None:
    with pytest.raises(DataError, match=r"2 days of late .* \(2013-01-08, 2013-01-09"):
        run(week, replace(PLAN, last=day(9)), stop_at="2013-01-04")


def test_manual_approval_does_not_hold_up_a_replay(week: Workshop) -> None:
    week.spec = build_daily(when={"approval": "manual"})
    daily, _ = run(week, SHORT).cadences
    assert daily.promoted == daily.refits


WEEKLY = ("2013-01-28", "2013-02-04", "2013-02-11", "2013-02-18", "2013-02-25")


@pytest.mark.parametrize(
    ("rhythm", "expected"),
    [
        ("weekly", WEEKLY),
        ("monthly", ("2013-01-28", "2013-02-04")),
        ("quarterly", ("2013-01-28",)),
        ("once", ("2013-01-28",)),
    ],
)
def test_a_cadence_takes_the_first_refit_of_each_of_its_stretches(
    rhythm: Rhythm, expected: tuple[str, ...]
) -> None:
    plan = Plan(first=date(2013, 1, 1), last=date(2013, 2, 27), rhythms=(rhythm,))
    assert plan_refits(build_spec(), plan) == {rhythm: expected}


def test_a_cadence_finer_than_the_models_and_a_stretch_without_refits_are_refused() -> None:
    plan = Plan(first=date(2013, 1, 1), last=date(2013, 2, 27), rhythms=("daily",))
    with pytest.raises(SpecError, match="late has weekly refits: daily ones are not among them"):
        plan_refits(build_spec(), plan)
    with pytest.raises(SpecError, match="the first is 2013-01-28"):
        plan_refits(build_spec(), replace(plan, last=date(2013, 1, 20)))


def test_table_and_page_tell_what_each_cadence_earned(replayed: Workshop) -> None:
    found = run(replayed)
    head, columns, daily, once = render_backtest(found).splitlines()
    assert head.startswith("late, 2013-01-04 to 2013-01-07: ")
    assert columns.split()[:3] == ["cadence", "refits", "promoted"]
    assert daily.split()[:3] == ["daily", "4", "4"]
    assert once.split()[:3] == ["once", "1", "1"]
    page = render_backtest_report(found)
    assert page == render_backtest_report(found)
    assert page.count("<svg") == 1
    assert page.count("1.0.20130104") == 7
    assert "<script" not in page


def test_a_page_without_anybody_serving_says_so(week: Workshop) -> None:
    found = run(week, replace(PLAN, rhythms=("once",)), curves={"2013-01-04": WRONG})
    assert "nobody would have served" in render_backtest_report(found)


def test_a_search_that_several_refits_share_is_paid_once(week: Workshop) -> None:
    week.spec = build_daily(trials=EVERY_SECOND)
    daily, once = run(week).cadences
    # 2013-01-05 and -07 took over from the day before.
    assert (daily.compute_seconds, once.compute_seconds) == (4 * 4.5, 4.5)
    # Without the refit that searched, its search is part of what the refit needs.
    _, once = run(week, replace(PLAN, first=day(5))).cadences
    assert (once.refits, once.compute_seconds) == (("2013-01-05",), 6.0)


def test_the_days_of_a_search_before_the_stretch_are_needed_as_well(week: Workshop) -> None:
    week.spec = build_daily(trials=EVERY_SECOND)
    (week.deployment.home / "artefacts" / day_name("late", "2013-01-01")).unlink()
    with pytest.raises(DataError, match=r"1 days of late between 2013-01-01 .*\(2013-01-01 "):
        run(week, replace(PLAN, first=day(5)))
