"""The refit sensor: it finds the state of the world, asks once, and says why not."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import dagster as dg

from refit_assets.artefacts import day_name
from refit_assets.assets.refit_sensor import (
    MODEL_TAG,
    REFIT_STEPS,
    build_refit_sensor,
    request_refit,
    window_states,
)
from refit_assets.features.table import DayRecord
from refit_assets.release.decisions import read_decisions
from refit_assets.release.ledger import (
    LedgerEvent,
    append,
    champion,
    plan_rollback,
    read_events,
)
from refit_assets_tests.assets.conftest import (
    COMPUTED,
    FIRST_REFIT,
    Workshop,
    begin,
    build_daily,
    compute_two_more,
    refit_first,
    state,
)
from refit_assets_tests.fakes.h2o import Curve
from refit_assets_tests.specs import EVERY_SECOND

WRONG = Curve(middle=6.5, slope=-1.0)


def look(workshop: Workshop, cursor: str | None = None) -> dg.SensorResult:
    context = dg.build_sensor_context(
        instance=workshop.instance, cursor=cursor, resources={"deployment": workshop.deployment}
    )
    found: Any = build_refit_sensor(workshop.spec)(context)
    return found


def asked(result: dg.SensorResult) -> list[str | None]:
    return [request.partition_key for request in result.run_requests or ()]


def said(result: dg.SensorResult) -> str:
    assert result.skip_reason is not None
    return str(result.skip_reason.skip_message)


def observed(result: dg.SensorResult) -> list[str]:
    """Assets of which something is told."""
    return [event.asset_key.path[-1] for event in result.asset_events]  # type: ignore[union-attr]


def reasons(workshop: Workshop) -> list[str]:
    return [one.reason for one in read_decisions(workshop.deployment.store, "late")]


def test_without_a_complete_window_it_says_so_once(workshop: Workshop) -> None:
    workshop.land(1, 2)
    first, second = look(workshop), look(workshop)
    assert said(first) == said(second) == "no window of late is complete yet"
    assert reasons(workshop) == ["no_window"]
    assert (len(first.asset_events), len(second.asset_events)) == (1, 0)


def test_days_that_landed_but_are_not_computed_are_waited_for(landed: Workshop) -> None:
    expected = "the window of 2013-01-04 lacks features of 2013-01-01, 2013-01-02, 2013-01-03"
    assert said(look(landed)) == expected


def test_a_complete_window_is_asked_for_with_all_its_steps(computed: Workshop) -> None:
    result = look(computed)
    (request,) = result.run_requests or ()
    assert request.partition_key == FIRST_REFIT
    assert request.asset_selection == [dg.AssetKey(["late", name]) for name in REFIT_STEPS]
    assert request.tags[MODEL_TAG] == "late"
    assert request.tags["refit/reason"] == "due"


def test_the_run_key_follows_the_content_and_not_the_clock(computed: Workshop) -> None:
    keys = [request.run_key for _ in range(2) for request in look(computed).run_requests or ()]
    assert len(keys) == 2
    assert len(set(keys)) == 1
    computed.land(2, delay=0)
    computed.compute(1, 3)
    (other,) = look(computed).run_requests or ()
    assert other.run_key not in keys


def test_a_refit_that_failed_rests_and_is_then_asked_for_by_another_run_key(
    computed: Workshop,
) -> None:
    (first,) = look(computed).run_requests or ()
    run = begin(computed.instance, tags=first.tags)
    computed.instance.report_run_failed(run)
    assert said(look(computed)).startswith(f"refit {FIRST_REFIT} failed once, as its run says")
    assert reasons(computed)[-1] == "failed"
    store = computed.deployment.store
    (state,) = window_states(computed.spec, computed.deployment, computed.instance, ())
    assert (state.failures, state.attempts) == (1, 1)
    (second,) = request_refit(computed.spec, state, read_decisions(store, "late")[0])
    assert second.run_key != first.run_key
    assert second.partition_key == FIRST_REFIT


def test_a_running_refit_is_waited_for(computed: Workshop) -> None:
    begin(computed.instance, tags={MODEL_TAG: "late"})
    assert said(look(computed)) == "a refit of late is running"


def test_a_decided_refit_is_asked_for_again_only_once_late_data_came(refitted: Workshop) -> None:
    assert said(look(refitted)) == "no day of the window of 2013-01-04 has changed"
    refitted.land(2, delay=0)
    refitted.compute(1, 3)
    result = look(refitted)
    assert asked(result) == [FIRST_REFIT]
    assert reasons(refitted)[-1] == "late_data"
    assert "33.3% of the rows" in read_decisions(refitted.deployment.store, "late")[-1].sentence


def hold_two_more(workshop: Workshop) -> None:
    """Refit the windows as of the fifth and sixth, too; the fourth's model serves on."""
    workshop.h2o.curve = WRONG
    for refit in ("2013-01-05", "2013-01-06"):
        workshop.make(refit)
    kinds = [event.kind for event in read_events(workshop.deployment.store.storage, "late")]
    assert kinds == ["promoted", "held", "held"]


week = state(*COMPUTED, refit_first, compute_two_more, hold_two_more)


def test_late_data_of_the_window_that_serves_is_refitted_after_the_newest(week: Workshop) -> None:
    # The first day lies in the window of what serves only, the third in all of them.
    week.land(1, delay=0)
    week.compute(1, 2)
    assert asked(look(week)) == [FIRST_REFIT]
    assert reasons(week)[-1] == "late_data"
    week.land(3, delay=0)
    week.compute(3, 4)
    assert asked(look(week)) == ["2013-01-06"]
    week.make("2013-01-06")
    assert asked(look(week)) == ["2013-01-05"]


def test_late_data_of_a_window_older_than_what_serves_asks_for_nothing(week: Workshop) -> None:
    storage = week.deployment.store.storage

    def serve(events: Sequence[LedgerEvent]) -> LedgerEvent:
        return replace(events[-1], sequence=4, kind="approved")

    append(storage, "late", serve)
    week.land(1, delay=0)
    week.compute(1, 2)
    assert asked(look(week)) == []
    assert said(look(week)) == "no day of the window of 2013-01-06 has changed"


def test_late_data_of_a_model_that_was_rolled_back_to_asks_for_nothing(week: Workshop) -> None:
    storage = week.deployment.store.storage
    append(storage, "late", lambda known: replace(known[-1], sequence=4, kind="approved"))
    now, old = read_events(storage, "late")[-1].recorded_at, "1.0.20130104"
    append(
        storage,
        "late",
        lambda known: plan_rollback(known, old, by="me", reason="because", now=now),
    )
    week.land(1, delay=0)
    week.compute(1, 2)
    # Its refit could not serve: a person chose the old model, and the ledger keeps that choice.
    assert asked(look(week)) == []


def test_a_refit_of_an_older_window_never_replaces_a_newer_model(week: Workshop) -> None:
    storage = week.deployment.store.storage
    append(storage, "late", lambda known: replace(known[-1], sequence=4, kind="approved"))
    week.land(1, delay=0)
    week.compute(1, 2)
    week.h2o.curve = Curve(middle=6.0)
    week.make(FIRST_REFIT)
    events = read_events(storage, "late")
    serving = champion(events)
    assert (events[-1].kind, events[-1].refit) == ("promoted", FIRST_REFIT)
    assert serving is not None
    assert serving.refit == "2013-01-06"


def test_a_complete_window_is_refitted_while_a_newer_one_lacks_a_day(computed: Workshop) -> None:
    computed.land(4, 5)
    computed.deployment.landing.write("things/2013-01-05.csv", b"thing,size,kind,delay\n1")
    computed.settle("things/2013-01-05.csv")
    computed.compute(4, 4)
    assert not computed.features(5, 5).success
    assert asked(look(computed)) == ["2013-01-05"]
    (decision,) = read_decisions(computed.deployment.store, "late")
    assert decision.sentence.endswith("never refitted; that of 2013-01-06 lacks days")
    computed.make("2013-01-05")
    lacks = "the window of 2013-01-06 lacks features of 2013-01-05; refused: things/2013-01-05.csv"
    assert said(look(computed)).startswith(lacks)


def test_of_several_windows_that_were_never_refitted_only_the_newest_is(
    computed: Workshop,
) -> None:
    computed.land(4, 5)
    computed.compute(4, 5)
    assert asked(look(computed)) == ["2013-01-06"]
    computed.make("2013-01-06")
    assert said(look(computed)) == "no day of the window of 2013-01-06 has changed"


def test_a_refit_of_another_spec_is_asked_for(refitted: Workshop) -> None:
    refitted.spec = build_daily(gates={"floors": {"auc": 0.7}})
    assert asked(look(refitted)) == [FIRST_REFIT]
    assert reasons(refitted)[-1] == "spec_changed"


def test_another_spec_refits_the_newest_window_only(week: Workshop) -> None:
    week.spec = build_daily(gates={"floors": {"auc": 0.61}})
    assert asked(look(week)) == ["2013-01-06"]
    week.make("2013-01-06")
    assert asked(look(week)) == []


def test_a_day_that_another_features_py_computed_is_waited_for(computed: Workshop) -> None:
    store, name = computed.deployment.store, day_name("late", "2013-01-02")
    made = store.need_record(DayRecord, name, made_by="late/features")
    store.write_record(name, replace(made, recipe="of before"))
    assert said(look(computed)) == "the window of 2013-01-04 lacks features of 2013-01-02"


def test_a_refit_that_waits_for_approval_is_left_alone(computed: Workshop) -> None:
    computed.spec = build_daily(when={"approval": "manual"})
    computed.make()
    assert said(look(computed)) == (
        "refit 2013-01-04 is held for approval: `refit approve late 2013-01-04`"
    )


def test_the_next_window_waits_where_the_spec_refits_every_second(computed: Workshop) -> None:
    computed.spec = build_daily(when={"every": 2})
    computed.make()
    computed.land(4)
    computed.compute(4, 4)
    assert said(look(computed)).startswith("1 of 2 windows since the last refit")
    computed.land(5)
    computed.compute(5, 5)
    assert asked(look(computed)) == ["2013-01-06"]


def test_a_refit_that_a_person_asks_for_is_a_decision_too(computed: Workshop) -> None:
    result = computed.refit()
    (decision,) = read_decisions(computed.deployment.store, "late")
    assert (decision.action, decision.reason) == ("refit", "by_hand")
    expected = f"a person (run {result.run_id[:8]}) asked for refit {FIRST_REFIT}"
    assert decision.sentence == expected


def test_a_refit_that_the_sensor_asked_for_is_told_once(computed: Workshop) -> None:
    (request,) = look(computed).run_requests or ()
    assert computed.run(REFIT_STEPS, partition_key=FIRST_REFIT, tags=request.tags).success
    assert reasons(computed) == ["due"]


def test_what_changed_in_the_ledger_is_told_on_the_release_once(refitted: Workshop) -> None:
    first = look(refitted, "0")
    assert observed(first) == ["release", "training_set"]
    assert observed(look(refitted, first.cursor)) == []
    storage = refitted.deployment.store.storage
    append(storage, "late", lambda events: replace(events[-1], sequence=2, kind="held"))
    assert observed(look(refitted, first.cursor)) == ["release"]


def test_days_that_only_the_search_reads_are_waited_for_and_their_late_data_counts(
    computed: Workshop,
) -> None:
    computed.spec = build_daily(trials=EVERY_SECOND)
    computed.land(4)
    computed.compute(2, 4)
    store, name = computed.deployment.store, day_name("late", "2013-01-01")
    known = store.need_record(DayRecord, name, made_by="late/features")
    (computed.deployment.home / "artefacts" / name).unlink()
    assert said(look(computed)) == "the window of 2013-01-05 lacks features of 2013-01-01"
    store.write_record(name, known)
    assert asked(look(computed)) == ["2013-01-05"]
    computed.make("2013-01-05")
    assert said(look(computed)) == "no day of the window of 2013-01-05 has changed"
    computed.land(1, delay=0)
    computed.compute(1, 4)
    assert asked(look(computed)) == ["2013-01-05"]
    assert "25.0% of the rows" in read_decisions(store, "late")[-1].sentence
