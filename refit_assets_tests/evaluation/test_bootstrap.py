"""Intervals by resampling, held to the exact metrics and to known answers."""

import math
from collections.abc import Sequence

import numpy as np
import pytest

from refit_assets.evaluation.bootstrap import bootstrap, derive_seed, paired_difference
from refit_assets.evaluation.resampled import build_measure
from refit_assets.spec import CLASSIFICATION_METRICS, REGRESSION_METRICS, Metric
from refit_assets.training.metrics import measure
from refit_assets_tests.evaluation.flights import air_spec, flights_spec, holdout, predictions

LABELS = holdout(flights_spec()).labels
SCORES = predictions().columns["p:late"]
OTHERS = predictions("champion").columns["p:late"]
MINUTES = holdout(air_spec()).labels
PREDICTED = predictions("air_time").columns["predict"]


def resampled(labels: np.ndarray, scores: np.ndarray, counts: np.ndarray) -> dict[Metric, float]:
    names = CLASSIFICATION_METRICS if set(labels) <= {0.0, 1.0} else REGRESSION_METRICS
    found = build_measure(labels, scores, names)
    values = found(counts[None, found.order].astype(float))
    return {name: float(value[0]) for name, value in values.items()}


@pytest.mark.parametrize("digits", [17, 1])
def test_a_resample_measures_what_its_rows_written_out_would(digits: int) -> None:
    """With one digit nearly all scores are tied."""
    scores = np.round(SCORES, digits)
    draws = np.random.default_rng(1).integers(0, len(LABELS), (5, len(LABELS)))
    for drawn in (np.arange(len(LABELS)), *draws):
        counts = np.bincount(drawn, minlength=len(LABELS))
        exact = measure(LABELS[drawn], scores[drawn], classification=True)
        found = resampled(LABELS, scores, counts)
        # Which of two tied rows is in which calibration bin depends on their order.
        compared = [name for name in exact if digits > 1 or name != "calibration_error"]
        assert [found[name] for name in compared] == pytest.approx([exact[n] for n in compared])


def test_a_resample_of_numbers_measures_what_its_rows_would() -> None:
    drawn = np.random.default_rng(1).integers(0, len(MINUTES), len(MINUTES))
    counts = np.bincount(drawn, minlength=len(MINUTES))
    exact = measure(MINUTES[drawn], PREDICTED[drawn], classification=False)
    assert resampled(MINUTES, PREDICTED, counts) == pytest.approx(exact)


def test_ranks_are_undefined_without_both_labels() -> None:
    for label in (0.0, 1.0):
        found = resampled(np.full(4, label), np.array([0.1, 0.2, 0.2, 0.9]), np.ones(4))
        undefined = {name for name, value in found.items() if math.isnan(value)}
        assert {"auc", "ks"} <= undefined
        assert not {"log_loss", "brier"} & undefined


def test_r2_of_a_constant_target_is_undefined() -> None:
    found = build_measure(np.full(3, 5.0), np.arange(3.0), ["r2"])(np.ones((1, 3)))
    assert math.isnan(found["r2"][0])


def test_the_interval_of_a_mean_is_that_of_the_normal_distribution() -> None:
    generator = np.random.default_rng(3)
    errors = generator.normal(0, 1, 2000)
    found = bootstrap(errors, np.zeros(2000), ["mae"], seed=1, resamples=2000)["mae"]
    assert found is not None
    spread = np.abs(errors).std() / math.sqrt(2000)
    centre = np.abs(errors).mean()
    assert found.low == pytest.approx(centre - 1.96 * spread, abs=0.2 * spread)
    assert found.high == pytest.approx(centre + 1.96 * spread, abs=0.2 * spread)
    assert (found.confidence, found.resamples) == (0.95, 2000)


def test_intervals_cover_the_truth_as_often_as_they_say() -> None:
    covered = 0
    for seed in range(200):
        values = np.random.default_rng(seed).normal(2, 1, 150)
        found = bootstrap(
            values, np.zeros(150), ["rmse"], seed=seed, resamples=200, confidence=0.8
        )["rmse"]
        assert found is not None
        covered += found.low <= math.sqrt(5) <= found.high
    assert 0.72 <= covered / 200 <= 0.88


def test_the_same_seed_gives_the_same_interval_and_another_seed_another() -> None:
    def interval(seed: int) -> object:
        return bootstrap(LABELS, SCORES, ["auc"], seed=seed, resamples=100)["auc"]

    assert interval(derive_seed("a", "b")) == interval(derive_seed("a", "b"))
    assert interval(derive_seed("a", "b")) != interval(derive_seed("ab"))


@pytest.mark.parametrize("metrics", [("auc",), ("auc", "log_loss")])
def test_what_is_undefined_too_often_has_no_interval(metrics: Sequence[Metric]) -> None:
    labels = np.array([1.0, 0, 0, 0])
    found = bootstrap(labels, np.arange(4) / 4, metrics, seed=1, resamples=100)
    assert found["auc"] is None
    assert all(found[metric] is not None for metric in metrics[1:])


@pytest.mark.parametrize("metric", CLASSIFICATION_METRICS)
def test_a_model_against_itself_is_a_tie_on_every_resample(metric: Metric) -> None:
    found = paired_difference(LABELS, SCORES, SCORES.copy(), metric, seed=1, resamples=100)
    assert found is not None
    assert (found.improvement, found.at_least, found.at_most, found.share_better) == (0, 0, 0, 0)
    assert math.copysign(1, found.at_least) == 1


@pytest.mark.parametrize("metric", ["auc", "log_loss"])
def test_better_is_positive_whichever_way_the_metric_points(metric: Metric) -> None:
    wise = np.where(LABELS == 1, 0.8, 0.1)
    found = paired_difference(LABELS, wise, SCORES, metric, seed=1, resamples=100)
    turned = paired_difference(LABELS, SCORES, wise, metric, seed=1, resamples=100)
    assert found is not None
    assert turned is not None
    assert found.improvement == -turned.improvement > 0
    assert 0 < found.at_least <= found.improvement <= found.at_most
    assert (found.share_better, turned.share_better) == (1, 0)


def test_what_is_hard_for_both_models_does_not_widen_the_difference() -> None:
    """The paired bound is far inside what two separate intervals would leave."""
    alike = np.clip(SCORES + 0.001, 0, 1)
    found = paired_difference(LABELS, alike, SCORES, "log_loss", seed=1, resamples=200)
    alone = bootstrap(LABELS, SCORES, ["log_loss"], seed=1, resamples=200)["log_loss"]
    assert found is not None
    assert alone is not None
    assert found.at_most - found.at_least < (alone.high - alone.low) / 20


def test_a_difference_on_one_label_only_is_undefined() -> None:
    ones = np.ones(50)
    assert paired_difference(ones, SCORES[:50], OTHERS[:50], "auc", seed=1, resamples=100) is None
