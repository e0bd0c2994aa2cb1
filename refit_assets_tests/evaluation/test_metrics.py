"""An evaluation of real flights, as a whole."""

import numpy as np
import pyarrow as pa
import pytest

from refit_assets.artefacts import record_from_json, record_to_json
from refit_assets.evaluation.metrics import evaluate
from refit_assets.evaluation.records import Evaluation
from refit_assets.evaluation.slices import MISSING, slice_levels
from refit_assets_tests.evaluation.flights import (
    ORIGIN,
    air_spec,
    evaluated,
    evaluated_air,
    flights_spec,
    holdout,
    predictions,
)


def test_an_evaluation_survives_its_json() -> None:
    for found in (evaluated(flights_spec()), evaluated_air(air_spec())):
        assert record_from_json(Evaluation, record_to_json(found), "evaluation.json") == found


def test_a_regression_has_errors_and_no_cut_offs() -> None:
    found = evaluated_air(air_spec())
    assert [one.metric for one in found.metrics] == ["rmse", "mae", "r2"]
    assert (found.cut_offs, found.curves, found.chosen) == ((), (), None)
    assert sum(one.negatives for one in found.residuals) == found.rows


def test_cut_offs_count_every_row_once_and_the_chosen_one_is_the_jars_own() -> None:
    found = evaluated(flights_spec())
    assert all(one.rows == found.rows for one in found.cut_offs)
    flagged = [one.flagged for one in found.cut_offs]
    assert flagged == sorted(flagged, reverse=True)
    chosen = found.chosen
    assert chosen is not None
    assert chosen.flagged == (predictions().labels or ()).count("late")
    assert len(found.cut_offs) == 19


def test_slices_hold_every_row_once_and_small_ones_are_not_measured() -> None:
    spec = flights_spec(
        gates={
            "slices": [{"columns": ["carrier"], "metric": "auc", "floor": 0, "minimum_rows": 60}]
        }
    )
    found = evaluated(spec)
    for column in ("origin", "carrier"):
        assert sum(one.rows for one in found.slices if one.column == column) == found.rows
    for one in found.slices:
        assert bool(one.metrics) == (one.rows >= 60)


def test_curves_begin_and_end_where_they_must_and_are_thin() -> None:
    roc, recall, lift = evaluated(flights_spec()).curves
    assert (roc.x[0], roc.y[0], roc.x[-1], roc.y[-1]) == (0, 0, 1, 1)
    assert recall.x[-1] == 1
    assert lift.y[-1] == pytest.approx(1)
    assert all(len(curve.x) <= 201 for curve in (roc, recall, lift))


def test_one_label_alone_leaves_ranks_undefined_and_draws_no_curves() -> None:
    spec = flights_spec()
    rows = holdout(spec)
    rows.labels[:] = 0.0
    found = evaluate(spec, rows, predictions(), origin=ORIGIN, threshold=0.3, resamples=100)
    auc = found.measured("auc")
    assert auc is not None
    assert (auc.value, auc.interval, found.curves, found.parity) == (None, None, (), None)
    assert found.cut_offs[0].recall is None


def test_a_number_with_many_values_is_cut_into_quarters() -> None:
    column = pa.chunked_array([pa.array([*range(100), None])])
    levels = slice_levels(column)
    assert [level.name for level in levels] == [
        "0 to below 24",
        "24 to below 49",
        "49 to below 74",
        "74 to 99",
        MISSING,
    ]
    places = np.concatenate([level.places for level in levels])
    assert sorted(places.tolist()) == list(range(101))


def test_a_number_with_few_values_has_one_level_each_in_their_order() -> None:
    levels = slice_levels(pa.chunked_array([pa.array([10, 9, None, 10])]))
    assert [(one.name, len(one.places)) for one in levels] == [("9", 1), ("10", 2), (MISSING, 1)]
