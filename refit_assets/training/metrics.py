"""Metrics of predictions, computed exactly from every row: H2O's own come from histograms.

Belongs here: what a metric's number is, the threshold, which of two numbers is better. Does not:
intervals, slices and verdicts (`evaluation`).
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from refit_assets.errors import DataError
from refit_assets.spec import (
    CLASSIFICATION_METRICS,
    HIGHER_IS_BETTER,
    REGRESSION_METRICS,
    Metric,
)

Doubles = NDArray[np.float64]
CALIBRATION_BINS = 10


def measure(labels: Doubles, scores: Doubles, *, classification: bool) -> dict[Metric, float]:
    """Measure scores against labels.

    Args:
        labels: Shape (rows,): 1.0 for the positive label and 0.0 for the other, or the number.
        scores: Shape (rows,): probability of the positive label, or the predicted number.
        classification: Which of the two it is.

    Returns:
        Every metric of its kind; those that need both labels (auc, pr_auc, ks) are NaN where
        only one is there, r2 is NaN for a constant label.

    Raises:
        DataError: no rows, or a label or score that is no number.

    """
    _refuse_strange(labels, scores)
    found = _classified(labels, scores) if classification else _regressed(labels, scores)
    names = CLASSIFICATION_METRICS if classification else REGRESSION_METRICS
    return {name: float(found[name]) for name in names}


def choose_threshold(labels: Doubles, scores: Doubles, rule: str | float) -> float:
    """Choose the probability from which on a row counts as positive.

    `rule` is f1, youden, or a fixed probability. The threshold is one of the scores. Of several
    that are equally good the highest is taken: it calls the fewest rows positive.
    """
    if not isinstance(rule, str):
        return float(rule)
    _refuse_strange(labels, scores)
    # Counts are whole numbers, so that equal thresholds compare equal on every machine.
    cuts, caught, called = _cut_everywhere(labels, scores)
    positives = float(labels.sum())
    worth = _worth(rule, caught, called, positives, float(len(labels)) - positives)
    return float(cuts[int(np.argmax(worth))])


def better(metric: Metric, one: float, other: float) -> bool:
    """Whether `one` is strictly better than `other`; a NaN is never better, and always worse."""
    if np.isnan(one):
        return False
    if np.isnan(other):
        return True
    return one > other if metric in HIGHER_IS_BETTER else one < other


def rank_key(metric: Metric, metrics: Mapping[Metric, float]) -> tuple[bool, float]:
    """Sort key that brings the best first and NaN last."""
    value = metrics[metric]
    if np.isnan(value):
        return (True, 0.0)
    return (False, -value if metric in HIGHER_IS_BETTER else value)


def calibration_error(labels: Doubles, scores: Doubles) -> float:
    """Expected calibration error over ten bins of equal counts, rows in the order of their scores.

    Equal scores keep the order of the rows; a bin counts by its share of the rows.
    """
    order = np.argsort(scores, kind="stable")
    bins = min(CALIBRATION_BINS, len(scores))
    parts = np.array_split(order, bins)
    gaps = [len(part) * abs(labels[part].mean() - scores[part].mean()) for part in parts]
    return float(sum(gaps) / len(scores))


def _worth(
    rule: str, caught: Doubles, called: Doubles, positives: float, negatives: float
) -> Doubles:
    if rule == "f1":
        return 2 * caught / np.maximum(called + positives, 1.0)
    if rule == "youden":
        return caught / max(positives, 1.0) - (called - caught) / max(negatives, 1.0)
    message = f"{rule!r} is no rule for a threshold: f1, youden or a probability"
    raise DataError(message)


def _classified(labels: Doubles, scores: Doubles) -> dict[str, float]:
    # Certain and wrong would cost infinitely much: scikit-learn's bound, so that figures compare.
    smallest = np.finfo(np.float64).eps
    bounded = np.clip(scores, smallest, 1 - smallest)
    found = {
        "log_loss": float(-np.mean(np.where(labels == 1, np.log(bounded), np.log(1 - bounded)))),
        "brier": float(np.mean((labels - scores) ** 2)),
        "calibration_error": calibration_error(labels, scores),
    }
    return found | _ranked(labels, scores)


def _ranked(labels: Doubles, scores: Doubles) -> dict[str, float]:
    """Metrics of the order alone, with a straight line through each group of equal scores."""
    positives = labels.sum()
    negatives = len(labels) - positives
    if not 0 < positives < len(labels):
        return dict.fromkeys(("auc", "pr_auc", "ks"), np.nan)
    _, caught, called = _cut_everywhere(labels, scores)
    missed = called - caught
    # Whole numbers up to the last division: the same on every machine.
    area = np.sum(np.diff(missed, prepend=0.0) * (caught + np.append([0.0], caught[:-1]))) / 2
    precision = np.sum(np.diff(caught, prepend=0.0) / positives * (caught / called))
    return {
        "auc": float(area / (positives * negatives)),
        "pr_auc": float(precision),
        "ks": float(np.max(np.abs(caught / positives - missed / negatives))),
    }


def _cut_everywhere(labels: Doubles, scores: Doubles) -> tuple[Doubles, Doubles, Doubles]:
    """Each distinct score, highest first: positives from it on, and rows from it on."""
    order = np.argsort(-scores, kind="stable")
    ordered = scores[order]
    last_of_its_score = np.append(ordered[1:] != ordered[:-1], [True])
    caught = np.cumsum(labels[order])[last_of_its_score]
    called = (np.flatnonzero(last_of_its_score) + 1).astype(np.float64)
    return ordered[last_of_its_score], caught, called


def _regressed(labels: Doubles, scores: Doubles) -> dict[str, float]:
    errors = labels - scores
    spread = np.sum((labels - labels.mean()) ** 2)
    # Not by the spread: a mean of equal numbers can be a last bit off them.
    constant = bool(np.all(labels == labels[0]))
    return {
        "rmse": float(np.sqrt(np.mean(errors**2))),
        "mae": float(np.mean(np.abs(errors))),
        "r2": np.nan if constant else float(1 - np.sum(errors**2) / spread),
    }


def _refuse_strange(labels: Doubles, scores: Doubles) -> None:
    if labels.shape != scores.shape or not len(labels):
        message = f"{len(labels)} labels and {len(scores)} scores: expected one each, at least one"
        raise DataError(message)
    for name, values in (("label", labels), ("score", scores)):
        strange = np.flatnonzero(~np.isfinite(values))
        if len(strange):
            message = f"{name} {strange[0] + 1} of {len(values)} is {values[strange[0]]}, no number"
            raise DataError(message)
