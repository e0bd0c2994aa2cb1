"""Predictions and monitoring by day, and the sensor that asks for them, with fake engines."""

import shutil
import uuid
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import dagster as dg

from refit_assets.artefacts import monitored_name
from refit_assets.assets.predictions_sensor import build_predictions_sensor, request_again
from refit_assets.assets.refit_sensor import window_states
from refit_assets.features.pinned import read_pinned
from refit_assets.features.window import days_between
from refit_assets.monitoring.reference import need_reference
from refit_assets.monitoring.watch import monitor_day, read_monitored
from refit_assets.packaging.candidate import read_packaged
from refit_assets.predictions.table import PredictedDay, read_predicted
from refit_assets.release.decisions import WindowState
from refit_assets.release.ledger import append, plan_rollback, read_events
from refit_assets.release.predicting import plan_predictions, record_predicted
from refit_assets.release.serving import CHAMPION
from refit_assets_tests.assets.conftest import (
    COMPUTED,
    UP_TO_EVALUATION,
    Workshop,
    begin,
    build_daily,
    checks,
    compute_two_more,
    day,
    failure,
    refit_first,
    state,
)
from refit_assets_tests.fakes.h2o import Curve

FIRST, LAST = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"
OLD, NEW = "1.0.20130104", "1.0.20130105"
NEXT_REFIT = "2013-01-05"


def score(workshop: Workshop, first: int, last: int, **config: str) -> dg.ExecuteInProcessResult:
    return over(workshop, ["predictions"], first, last, config)


def watch(workshop: Workshop, first: int, last: int) -> dg.ExecuteInProcessResult:
    return over(workshop, ["monitoring"], first, last, {})


def over(
    workshop: Workshop, names: Sequence[str], first: int, last: int, config: dict[str, str]
) -> dg.ExecuteInProcessResult:
    tags = {FIRST: day(first).isoformat(), LAST: day(last).isoformat()}
    ops = {"late__predictions": {"config": config}} if config else {}
    return workshop.run(names, tags=tags, ops=ops)


def predicted(workshop: Workshop, *numbers: int) -> list[PredictedDay]:
    found = read_predicted(workshop.deployment.store, "late", [day(number) for number in numbers])
    return [found[day(number)] for number in numbers]


def look(workshop: Workshop) -> dg.SensorResult:
    context = dg.build_sensor_context(
        instance=workshop.instance, resources={"deployment": workshop.deployment}
    )
    found: Any = build_predictions_sensor(workshop.spec)(context)
    return found


def asked(result: dg.SensorResult) -> list[tuple[list[str], str, str]]:
    """What each run is asked for: assets, first and last day."""
    return [
        (
            [key.path[-1] for key in request.asset_selection or ()],
            request.tags[FIRST][-2:],
            request.tags[LAST][-2:],
        )
        for request in result.run_requests or ()
    ]


def said(result: dg.SensorResult) -> str:
    assert result.skip_reason is not None
    return str(result.skip_reason.skip_message)


def launch(workshop: Workshop, result: dg.SensorResult) -> None:
    """Let Dagster do what a sensor asked for."""
    for request in result.run_requests or ():
        names = [key.path[-1] for key in request.asset_selection or ()]
        ops = request.run_config.get("ops", {})
        assert workshop.run(names, tags=dict(request.tags), ops=ops).success


def do(workshop: Workshop, result: dg.SensorResult) -> None:
    """Do what a sensor asked for, as the assets would; Dagster is not asked."""
    for request in result.run_requests or ():
        days = days_between(
            date.fromisoformat(request.tags[FIRST]),
            date.fromisoformat(request.tags[LAST]) + timedelta(days=1),
        )
        names = [key.path[-1] for key in request.asset_selection or ()]
        if "predictions" in names:
            config = request.run_config["ops"]["late__predictions"]["config"]
            predict(workshop, days, config["serving"])
        for one in days if "monitoring" in names else ():
            monitor_day(workshop.spec, workshop.deployment.store, one)


def predict(workshop: Workshop, days: Sequence[date], serving: str = CHAMPION) -> None:
    """Score and record days, as their asset would have."""
    store, spec = workshop.deployment.store, workshop.spec
    table = workshop.deployment.feature_table(spec.name)
    run_id = uuid.uuid4().hex
    for request in plan_predictions(spec, store, table, days, serving=serving, run_id=run_id):
        result = workshop.spark.predictions(request, store, lambda _line: None)
        record_predicted(store, spec.name, result.days)


def predict_two(workshop: Workshop) -> None:
    predict(workshop, [day(4), day(5)])


def do_asked(workshop: Workshop) -> None:
    do(workshop, look(workshop))


def follow(workshop: Workshop) -> None:
    """Refit as of the fifth, too."""
    workshop.make(NEXT_REFIT)
    events = read_events(workshop.deployment.store.storage, "late")
    assert [event.kind for event in events] == ["promoted", "promoted"]


SERVED = (*COMPUTED, refit_first, compute_two_more)
served = state(*SERVED)
scored = state(*SERVED, predict_two)
watched = state(*SERVED, do_asked)
followed = state(*SERVED, follow)


def test_days_are_scored_by_the_champion_with_a_version_of_data_each(served: Workshop) -> None:
    assert score(served, 4, 5).success
    assert served.spark.scored == [(day(4), day(5), OLD)]
    fourth, fifth = predicted(served, 4, 5)
    assert (fourth.version, fourth.rows, fifth.rows) == (OLD, 12, 12)
    assert served.data_version("predictions", "2013-01-04") == fourth.digest
    assert fourth.digest != fifth.digest
    rows = read_pinned(fourth.files, ["thing", "score", "label", "model_version"]).to_pylist()
    assert {row["model_version"] for row in rows} == {OLD}
    assert [row["score"] for row in sorted(rows, key=lambda row: row["thing"])] == [
        Curve().answer(size)[1] for size in range(1, 13)
    ]


def test_the_same_days_by_the_same_version_have_the_same_digests(served: Workshop) -> None:
    predict(served, [day(4)])
    (before,) = predicted(served, 4)
    assert score(served, 4, 5).success
    after, _ = predicted(served, 4, 5)
    assert after.digest == before.digest
    (file,) = after.files  # replaced, not doubled
    assert read_pinned([file], ["thing"]).num_rows == 12


def test_without_a_champion_nothing_is_scored_and_it_says_what_to_do(computed: Workshop) -> None:
    assert "no version of late serves yet: materialise late/release first" in failure(
        score(computed, 1, 3)
    )
    assert said(look(computed)) == "no version of late serves yet"
    assert computed.spark.scored == []


def test_then_is_the_version_whose_place_in_history_a_day_is(followed: Workshop) -> None:
    assert score(followed, 4, 5, serving="then").success
    assert followed.spark.scored == [(day(4), day(4), OLD), (day(5), day(5), NEW)]
    assert "no version of late serves on 2013-01-03" in failure(
        score(followed, 3, 5, serving="then")
    )


def test_a_version_by_name_scores_any_day_and_an_unknown_one_is_refused(
    followed: Workshop,
) -> None:
    assert score(followed, 3, 5, serving=OLD).success
    assert [one.version for one in predicted(followed, 3, 4, 5)] == [OLD] * 3
    said_of_it = failure(score(followed, 4, 4, serving="9.9"))
    assert f"version 9.9 of late was never published; published are: {OLD}, {NEW}" in said_of_it


def test_a_day_without_features_is_named_and_none_is_scored(served: Workshop) -> None:
    told = failure(score(served, 5, 6))
    assert "day 2013-01-06" in told
    assert served.spark.scored == []


def test_new_days_are_scored_then_watched_without_a_click(served: Workshop) -> None:
    first = look(served)
    assert asked(first) == [(["predictions", "monitoring"], "04", "05")]
    launch(served, first)
    assert "from 2013-01-04 on" in said(look(served))
    served.land(6)
    served.compute(6, 6)
    assert asked(look(served)) == [(["predictions", "monitoring"], "06", "06")]


def test_the_same_look_asks_under_the_same_run_key(served: Workshop) -> None:
    keys = {request.run_key for _ in range(2) for request in look(served).run_requests or ()}
    assert len(keys) == 1


def test_late_data_is_scored_again_and_the_days_after_it_watched_again(watched: Workshop) -> None:
    watched.land(4, delay=0)
    watched.compute(4, 4)
    again = look(watched)
    assert asked(again) == [(["predictions", "monitoring"], "04", "04")]
    do(watched, again)
    after = look(watched)
    assert asked(after) == [(["monitoring"], "05", "05")]
    do(watched, after)
    assert asked(look(watched)) == []


def test_late_data_of_a_day_before_the_champion_is_scored_by_whose_day_it_is(
    watched: Workshop,
) -> None:
    watched.make(NEXT_REFIT)
    watched.land(4, delay=0)
    watched.compute(4, 4)
    again = look(watched)
    assert asked(again) == [(["predictions", "monitoring"], "04", "04")]
    launch(watched, again)
    (fourth,) = predicted(watched, 4)
    assert fourth.version == "1.0.20130104"


def test_features_that_change_back_are_scored_once_more(served: Workshop) -> None:
    keys: list[str | None] = []
    for delay in (30, 0, 30):
        served.land(4, delay=delay)
        served.compute(4, 4)
        found = look(served)
        keys += [request.run_key for request in found.run_requests or ()]
        do(served, found)
    assert len(keys) == len(set(keys)) == 3


def test_a_new_champion_scores_no_day_a_second_time(watched: Workshop) -> None:
    watched.make(NEXT_REFIT)
    assert asked(look(watched)) == []


def test_a_watched_day_has_its_figures_its_checks_and_its_page(scored: Workshop) -> None:
    result = watch(scored, 4, 5)
    found = read_monitored(scored.deployment.store, "late", day(5))
    assert found is not None
    assert (found.version, found.first, found.scored_days) == (OLD, day(1), 2)
    assert [drift.name for drift in found.inputs] == ["size", "kind"]
    assert found.scores is not None
    assert found.scores.rows == 24
    assert found.sentences == ()
    assert all(check.passed for check in checks(result).values())
    page = scored.deployment.store.storage.read(monitored_name("late", "2013-01-05", "report.html"))
    assert page is not None
    assert b"Everything is within its limits" in page
    shown = scored.instance.get_latest_materialization_event(dg.AssetKey(["late", "monitoring"]))
    assert shown is not None
    assert shown.asset_materialization is not None
    assert {"report", "found", "breaches"} <= shown.asset_materialization.metadata.keys()
    assert scored.data_version("monitoring", "2013-01-04") != found.made_of


def test_inputs_are_watched_against_the_training_window_without_the_holdout(
    refitted: Workshop,
) -> None:
    store = refitted.deployment.store
    (packaged,) = read_packaged(store, "late")
    made = need_reference(refitted.spec, store, packaged)
    assert (made.first, made.last) == ("2013-01-01", "2013-01-02")
    assert {one.rows for one in made.inputs} == {24}
    assert {len(one.tested) for one in made.inputs} == {1}


def test_a_poor_live_metric_fails_its_check_and_is_a_reason_to_refit(workshop: Workshop) -> None:
    workshop.spec = build_daily(
        monitoring={"live_metric": "auc", "live_floor": 0.9, "stretch_days": 9}
    )
    workshop.land(1, 2, 3)
    workshop.compute(1, 3)
    workshop.make()
    # Days on which large things come early: nine of them are labels enough.
    for number in range(4, 10):
        lines = [f"{number * 1000 + n},{1 + n % 12},a,{30 * (n % 12 < 6)}" for n in range(40)]
        content = "\n".join(["thing,size,kind,delay", *lines, ""]).encode()
        workshop.deployment.landing.write(f"things/{day(number)}.csv", content)
    workshop.compute(4, 9)
    predict(workshop, [day(number) for number in range(4, 10)])
    found = checks(watch(workshop, 4, 9))
    assert not found["live_metric"].passed
    assert found["live_metric"].severity == dg.AssetCheckSeverity.ERROR
    assert "the spec asks for at least 0.9" in str(found["live_metric"].description)
    assert any("at least 0.9" in sentence for sentence in state_of(workshop).breaches)


def state_of(workshop: Workshop) -> WindowState:
    """What the refit sensor knows of the newest window."""
    events = read_events(workshop.deployment.store.storage, "late")
    return window_states(workshop.spec, workshop.deployment, workshop.instance, events)[0]


def test_days_that_are_being_scored_are_not_asked_for_with_the_next(served: Workshop) -> None:
    (request,) = look(served).run_requests or ()
    run = begin(served.instance, tags=request.tags)
    served.land(6)
    served.compute(6, 6)
    assert said(look(served)) == "days of late are being scored or watched"
    served.instance.report_run_canceled(run)
    assert asked(look(served)) == [(["predictions", "monitoring"], "04", "06")]


def test_scoring_that_failed_rests_and_is_asked_for_by_another_run_key(served: Workshop) -> None:
    (first,) = look(served).run_requests or ()
    served.instance.report_run_failed(begin(served.instance, tags=first.tags))
    assert said(look(served)).startswith(
        "2013-01-04 to 2013-01-05 failed once, as the run says; again at "
    )
    (same,) = look_again(served, served.instance, timedelta(minutes=6))
    assert isinstance(same, dg.RunRequest)
    assert same.run_key != first.run_key


def look_again(
    workshop: Workshop, instance: dg.DagsterInstance, later: timedelta
) -> list[dg.RunRequest | str]:
    """What would be asked for later on, had nothing else happened."""
    other = dg.build_sensor_context(
        instance=dg.DagsterInstance.ephemeral(), resources={"deployment": workshop.deployment}
    )
    found: Any = build_predictions_sensor(workshop.spec)(other)
    now = datetime.now(UTC) + later
    return [request_again(instance, one, now) for one in found.run_requests]


def test_what_was_found_of_an_older_version_is_no_reason(followed: Workshop) -> None:
    predict(followed, [day(4)], OLD)
    assert watch(followed, 4, 4).success
    assert read_monitored(followed.deployment.store, "late", day(4)) is not None
    assert state_of(followed).breaches == ()


def test_a_rolled_back_model_leaves_scored_days_as_they_were(followed: Workshop) -> None:
    do(followed, look(followed))
    storage = followed.deployment.store.storage
    now = read_events(storage, "late")[-1].recorded_at
    append(
        storage,
        "late",
        lambda events: plan_rollback(events, OLD, by="me", reason="because", now=now),
    )
    assert asked(look(followed)) == []
    assert score(followed, 5, 5).success
    assert predicted(followed, 5)[0].version == OLD


def test_watching_a_day_that_was_not_scored_says_what_to_do(served: Workshop) -> None:
    expected = "late has no predictions of 2013-01-04: materialise late/predictions"
    assert expected in failure(watch(served, 4, 4))


def test_what_a_version_is_watched_against_is_that_of_its_own_refit(scored: Workshop) -> None:
    scored.land(1, delay=0)
    scored.compute(1, 1)
    scored.make(names=UP_TO_EVALUATION)
    told = failure(watch(scored, 4, 5))
    assert "refit 2013-01-04 of late was made again since 1.0.20130104" in told
    assert "release the new one" in told


def test_a_version_whose_jar_is_lost_says_from_where_to_restore_it(served: Workshop) -> None:
    shutil.rmtree(served.deployment.home / f"artefacts/models/late/jars/{OLD}")
    expected = f"the jar of late {OLD} is not in the store: restore models/late/jars/{OLD}/ from a"
    assert expected in failure(score(served, 4, 5))


def test_features_that_were_written_but_not_recorded_are_not_scored(served: Workshop) -> None:
    (record,) = served.deployment.home.glob("artefacts/models/late/days/2013-01-04*")
    kept = record.read_bytes()
    served.land(4, delay=0)
    served.compute(4, 4)
    record.write_bytes(kept)
    assert "2013-01-04" in failure(score(served, 4, 5))
    assert served.spark.scored == []
