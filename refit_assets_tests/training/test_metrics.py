"""Metrics against figures worked out by hand; thresholds with ties."""

import math

import numpy as np
import pytest

from refit_assets.errors import DataError
from refit_assets.training.metrics import (
    better,
    calibration_error,
    choose_threshold,
    measure,
    rank_key,
)

LABELS = np.array([1.0, 0.0, 1.0, 0.0])
SCORES = np.array([0.8, 0.6, 0.4, 0.2])


def test_metrics_of_four_rows_are_those_worked_out_by_hand() -> None:
    found = measure(LABELS, SCORES, classification=True)
    assert found["auc"] == 0.75
    assert found["brier"] == pytest.approx((0.04 + 0.36 + 0.36 + 0.04) / 4)
    assert found["log_loss"] == pytest.approx(-(math.log(0.8) + math.log(0.4)) / 2)
    assert found["pr_auc"] == pytest.approx(0.5 + 0.5 * 2 / 3)
    assert found["ks"] == 0.5


def test_metrics_of_numbers_are_those_worked_out_by_hand() -> None:
    found = measure(np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 6.0]), classification=False)
    assert found == {"rmse": pytest.approx(math.sqrt(3)), "mae": 1.0, "r2": pytest.approx(-3.5)}


def test_metrics_do_not_depend_on_the_order_of_the_rows() -> None:
    order = np.array([2, 0, 3, 1])
    shuffled = measure(LABELS[order], SCORES[order], classification=True)
    assert shuffled == pytest.approx(measure(LABELS, SCORES, classification=True))


def test_what_needs_both_labels_is_nan_where_one_is_missing() -> None:
    found = measure(np.ones(3), np.array([0.2, 0.5, 0.9]), classification=True)
    assert math.isnan(found["auc"])
    assert math.isnan(found["ks"])
    assert found["log_loss"] > 0


def test_a_calibrated_model_has_no_calibration_error_and_a_sure_wrong_one_has_one() -> None:
    labels = np.tile([1.0, 0.0], 50)
    assert calibration_error(labels, np.full(100, 0.5)) == 0.0
    assert calibration_error(np.zeros(100), np.ones(100)) == 1.0


def test_f1_takes_the_threshold_that_a_search_over_all_scores_finds() -> None:
    random = np.random.default_rng(3)
    labels = (random.random(200) < 0.3).astype(float)
    scores = np.round(random.random(200), 2)
    worth = {t: _f1(labels, scores >= t) for t in scores}
    best = max(worth.values())
    expected = max(t for t, value in worth.items() if value == best)
    assert choose_threshold(labels, scores, "f1") == expected


def test_youden_takes_the_highest_of_several_equally_good_thresholds() -> None:
    # 0.8 and 0.4 both give a Youden index of 0.5.
    assert choose_threshold(LABELS, SCORES, "youden") == 0.8


def test_a_fixed_threshold_is_taken_as_it_is() -> None:
    assert choose_threshold(LABELS, SCORES, 0.37) == 0.37


def test_an_unknown_rule_is_refused() -> None:
    with pytest.raises(DataError, match="no rule for a threshold"):
        choose_threshold(LABELS, SCORES, "luck")


@pytest.mark.parametrize(
    ("labels", "scores"),
    [
        (np.array([]), np.array([])),
        (np.array([1.0]), np.array([0.1, 0.2])),
        (np.array([1.0, 0.0]), np.array([0.1, np.nan])),
    ],
)
def test_what_cannot_be_measured_is_refused(labels: np.ndarray, scores: np.ndarray) -> None:
    with pytest.raises(DataError):
        measure(labels, scores, classification=True)


def test_better_knows_the_direction_and_puts_nan_last() -> None:
    assert better("auc", 0.8, 0.7)
    assert better("log_loss", 0.3, 0.4)
    assert better("auc", 0.5, math.nan)
    assert not better("auc", math.nan, 0.5)
    assert not better("rmse", 1.0, 1.0)


def test_the_rank_key_sorts_the_best_first_and_nan_last() -> None:
    values = [0.2, math.nan, 0.9]
    ranked = sorted(values, key=lambda value: rank_key("auc", {"auc": value}))
    assert ranked[:2] == [0.9, 0.2]


def _f1(labels: np.ndarray, called: np.ndarray) -> float:
    caught = labels[called].sum()
    return 2 * caught / (called.sum() + labels.sum())
