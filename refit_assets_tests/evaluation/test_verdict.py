"""The verdict on real evaluations: each gate held, failed, and impossible to compute."""

from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from refit_assets.artefacts import record_from_json, record_to_json
from refit_assets.evaluation.comparison import Contender, compare
from refit_assets.evaluation.records import Comparison, Difference, Evaluation, Parity
from refit_assets.evaluation.verdict import (
    GateResult,
    JarFigures,
    Verdict,
    judge,
    judge_evaluation,
    plan_gates,
)
from refit_assets.spec import Gates, ModelSpec
from refit_assets_tests.evaluation.flights import (
    air_spec,
    evaluated,
    evaluated_air,
    flights_spec,
    holdout,
    predictions,
)

SLICE = {"columns": ["origin"], "metric": "auc", "minimum_rows": 100}
JAR = JarFigures(mib=2.0, rows_a_second=50_000)
CHAMPION = "1.0.20130408"


@cache
def evaluation() -> Evaluation:
    return evaluated(with_gates(slices=[{**SLICE, "floor": 0.5}]))


@cache
def against(model: str = "champion") -> Comparison:
    spec = flights_spec()
    ours = Contender(version="1.0.20130415", mojo_sha256="a", predictions=predictions())
    theirs = Contender(
        version=CHAMPION,
        mojo_sha256="b",
        predictions=predictions(model, 0.3 if model == "challenger" else 0.28),
    )
    return compare(spec, holdout(spec), ours, theirs)


def with_gates(**gates: Any) -> ModelSpec:  # noqa: ANN401
    return flights_spec(gates=gates)


def judged(name: str, champion: str | None = CHAMPION, **gates: Any) -> GateResult:  # noqa: ANN401
    verdict = judge(Gates.model_validate(gates), evaluation(), against(), JAR, champion=champion)
    return next(gate for gate in verdict.gates if gate.name == name)


def test_every_planned_gate_is_judged_in_its_order_under_its_name() -> None:
    gates = Gates.model_validate(
        {
            "floors": {"auc": 0.5},
            "ceilings": {"log_loss": 0.9},
            "slices": [{**SLICE, "floor": 0.1, "ceiling": 1.0}],
            "champion": {"metric": "log_loss", "margin": 0.5},
            "migration": {"largest_share": 0.9},
            "jar": {"largest_mib": 3, "fewest_rows_a_second": 10},
        }
    )
    planned = plan_gates(gates)
    verdict = judge(gates, evaluation(), against(), JAR, champion=CHAMPION)
    assert [gate.name for gate in verdict.gates] == [gate.name for gate in planned]
    assert [gate.name for gate in judge_evaluation(gates, evaluation())] == [
        gate.name for gate in planned if gate.needs == "evaluation"
    ]
    assert len({gate.name for gate in planned}) == len(planned) == 9
    assert all(gate.name.replace("_", "").isalnum() and gate.description for gate in planned)
    assert verdict.promote
    assert verdict.reasons[0].startswith("All 9 gates hold. Log loss is ")
    assert record_from_json(Verdict, record_to_json(verdict), "verdict.json") == verdict


@pytest.mark.parametrize(("limit", "held"), [(0.5, True), (0.99, False)])
def test_a_floor_says_what_was_found_how_surely_and_what_is_asked(
    *, limit: float, held: bool
) -> None:
    gate = judged("floor_auc", floors={"auc": limit})
    assert gate.held is held
    assert gate.limit == limit
    assert "% interval 0." in gate.sentence
    assert gate.sentence.endswith(f"the spec asks for at least {limit:g}.")


def test_a_value_on_its_limit_holds_floor_and_ceiling() -> None:
    found = evaluation().measured("auc")
    assert found is not None
    assert found.value is not None
    limits = {"floors": {"auc": found.value}, "ceilings": {"auc": found.value}}
    assert judged("floor_auc", **limits).held
    assert judged("ceiling_auc", **limits).held
    assert not judged("ceiling_auc", ceilings={"auc": found.value - 1e-9}).held


def test_an_undefined_metric_fails_its_gate() -> None:
    undefined = tuple(replace(one, value=None) for one in evaluation().metrics)
    gates = Gates.model_validate({"floors": {"auc": 0.1}})
    for metrics in (undefined, ()):
        gate = judge_evaluation(gates, replace(evaluation(), metrics=metrics))[1]
        assert not gate.held
        assert "AUC is undefined" in gate.sentence
        assert "cannot be computed fails" in gate.sentence


def test_a_value_without_an_interval_is_told_without_one() -> None:
    bare = tuple(replace(one, interval=None) for one in evaluation().metrics)
    gates = Gates.model_validate({"floors": {"auc": 0.1}})
    gate = judge_evaluation(gates, replace(evaluation(), metrics=bare))[1]
    assert "interval" not in gate.sentence


def test_the_worst_slice_decides_by_floor_and_by_ceiling() -> None:
    found = {one.level: one.measured("auc") for one in evaluation().slices}
    values = {level: one.value for level, one in found.items() if one and one.value is not None}
    worst, best = min(values.values()), max(values.values())
    floor = judged("slice_floor_auc_origin", slices=[{**SLICE, "floor": worst}])
    ceiling = judged("slice_ceiling_auc_origin", slices=[{**SLICE, "ceiling": best - 1e-9}])
    assert (floor.held, floor.value) == (True, worst)
    assert (ceiling.held, ceiling.value) == (False, best)
    level = min(values, key=lambda name: values[name])
    assert f"by origin is worst at {level}" in floor.sentence


def test_small_slices_are_counted_and_not_judged() -> None:
    rows = sorted(one.rows for one in evaluation().slices)
    gate = {**SLICE, "floor": 0.1, "minimum_rows": rows[-1]}
    assert (
        "Of 3 slices, 2 are too small" in judged("slice_floor_auc_origin", slices=[gate]).sentence
    )


def test_a_slice_gate_without_a_large_enough_slice_fails() -> None:
    gate = {**SLICE, "floor": 0.1, "minimum_rows": 1000}
    found = judged("slice_floor_auc_origin", slices=[gate])
    assert not found.held
    assert "no slice of origin has 1,000 rows" in found.sentence.lower()


def test_a_slice_on_which_the_metric_is_undefined_fails() -> None:
    slices = tuple(
        replace(one, metrics=tuple(replace(each, value=None) for each in one.metrics))
        for one in evaluation().slices
    )
    unmeasured = tuple(replace(one, metrics=()) for one in evaluation().slices)
    gates = Gates.model_validate({"slices": [{**SLICE, "floor": 0.1}]})
    for found in (slices, unmeasured):
        gate = judge_evaluation(gates, replace(evaluation(), slices=found))[1]
        assert not gate.held
        assert "undefined in origin = EWR" in gate.sentence


def test_parity_fails_where_rows_differ_and_where_nothing_was_compared() -> None:
    difference = Difference(key=7, column="p:late", cluster=0.1, jar=0.2)
    differs = Parity(rows=540, values=1080, differing=(difference, difference))
    empty = Parity(rows=0, values=0, differing=())
    for parity, says in ((differs, "differ on 1 of 540"), (empty, "no in-"), (None, "no in-")):
        gate = judge_evaluation(Gates(), replace(evaluation(), parity=parity))[0]
        assert (gate.name, gate.held) == ("parity", False)
        assert says in gate.sentence


def test_the_first_refit_needs_no_champion() -> None:
    gates = Gates.model_validate(
        {"champion": {"metric": "auc"}, "migration": {"largest_share": 0.01}}
    )
    verdict = judge(gates, evaluation(), None, None, champion=None)
    assert verdict.promote
    assert verdict.reasons == ("First release of this model; all 3 gates hold.",)
    assert judge(Gates(), evaluation(), None, None, champion=None).reasons == (
        "First release of this model; parity holds.",
    )


def test_a_champion_that_could_not_score_fails_both_of_its_gates() -> None:
    gates = Gates.model_validate(
        {"champion": {"metric": "auc"}, "migration": {"largest_share": 0.9}}
    )
    verdict = judge(gates, evaluation(), None, None, champion=CHAMPION)
    assert not verdict.promote
    assert len(verdict.reasons) == 2
    assert all(CHAMPION in reason and "fails" in reason for reason in verdict.reasons)


def test_without_a_gate_on_the_champion_the_reason_says_so() -> None:
    for comparison, says in ((against(), f"against champion {CHAMPION}"), (None, "; the spec")):
        verdict = judge(Gates(), evaluation(), comparison, None, champion=CHAMPION)
        assert verdict.promote
        assert says in verdict.reasons[0]
        assert "no gate on the champion" in verdict.reasons[0]


@pytest.mark.parametrize(("margin", "held"), [(0.004, True), (0.0039, False), (0.0, False)])
def test_the_champion_gate_asks_for_certainty_within_the_margin(
    *, margin: float, held: bool
) -> None:
    found = against().difference
    assert found is not None
    unsure = replace(against(), difference=replace(found, at_least=-0.004))
    gates = Gates.model_validate({"champion": {"metric": "log_loss", "margin": margin}})
    gate = judge(gates, evaluation(), unsure, None, champion=CHAMPION).gates[-1]
    assert gate.held is held
    assert "at most 0.0040 worse" in gate.sentence
    assert margin or gate.sentence.endswith("the spec allows it to be no worse.")


def test_a_tie_holds_without_any_margin() -> None:
    gates = Gates.model_validate({"champion": {"metric": "log_loss"}})
    verdict = judge(gates, evaluation(), against("challenger"), None, champion=CHAMPION)
    assert verdict.promote
    assert "exactly as good" in verdict.reasons[0]


def test_a_challenger_that_is_surely_better_is_told_by_how_much() -> None:
    found = against().difference
    assert found is not None
    better = replace(against(), difference=replace(found, at_least=0.01, at_most=0.03))
    gates = Gates.model_validate({"champion": {"metric": "log_loss"}})
    verdict = judge(gates, evaluation(), better, None, champion=CHAMPION)
    assert "better by 0.0100 or more" in verdict.reasons[0]


@pytest.mark.parametrize("lost", ["undefined", "another metric"])
def test_a_difference_that_is_not_known_fails(lost: str) -> None:
    found = None if lost == "undefined" else against().difference
    comparison = replace(against(), difference=found)
    gates = Gates.model_validate({"champion": {"metric": "ks"}})
    verdict = judge(gates, evaluation(), comparison, None, champion=CHAMPION)
    assert "difference in KS" in verdict.reasons[0]


def test_the_migration_gate_says_which_way_decisions_flip() -> None:
    moved = against().migration
    assert moved is not None
    uneven = replace(against(), migration=replace(moved, newly_flagged=3, no_longer_flagged=5))
    gates = Gates.model_validate({"migration": {"largest_share": 0.9}})
    gate = judge(gates, evaluation(), uneven, None, champion=CHAMPION).gates[-1]
    assert "3 rows are newly flagged and 5 no longer" in gate.sentence


def test_migration_counts_flips_both_ways_and_whether_they_are_right() -> None:
    moved = against().migration
    assert moved is not None
    labels = holdout(flights_spec()).labels == 1
    now, before = (
        [label == "late" for label in found.labels or ()]
        for found in (predictions(), predictions("champion", 0.28))
    )
    flips = [(n, b, y) for n, b, y in zip(now, before, labels, strict=True) if n != b]
    assert moved.flipped == len(flips) > 0
    assert moved.newly_flagged == sum(n for n, _, _ in flips)
    assert moved.right == sum(n == y for n, _, y in flips)
    assert moved.rows == 540
    assert judged("migration", migration={"largest_share": moved.share}).held
    assert not judged("migration", migration={"largest_share": moved.share - 1e-9}).held


def test_bands_hold_every_row_and_a_regression_has_no_migration() -> None:
    assert sum(map(sum, against().bands.rows)) == 540
    spec = air_spec()
    contender = Contender(version="1", mojo_sha256="a", predictions=predictions("air_time"))
    found = compare(spec, holdout(spec), contender, contender)
    assert found.migration is None
    assert (found.mean_change, found.largest_change) == (0, 0)
    assert record_from_json(Comparison, record_to_json(found), "comparison.json") == found
    gates = Gates.model_validate({"migration": {"largest_share": 0.5}})
    verdict = judge(gates, evaluated_air(spec), found, None, champion="1")
    assert "the decisions of champion 1 are not known" in verdict.reasons[0].lower()


@pytest.mark.parametrize(
    ("gate", "name"),
    [({"largest_mib": 1.9}, "jar_size"), ({"fewest_rows_a_second": 60_000}, "jar_speed")],
)
def test_the_jars_gates_hold_fail_and_need_figures(gate: dict[str, float], name: str) -> None:
    assert not judged(name, jar=gate).held
    assert judged(name, jar=dict.fromkeys(gate, 2.0)).held
    gates = Gates.model_validate({"jar": gate})
    for figures in (None, JarFigures(mib=None, rows_a_second=None)):
        verdict = judge(gates, evaluation(), None, figures, champion=None)
        assert "the jar was not measured" in verdict.reasons[0].lower()
