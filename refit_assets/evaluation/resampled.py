"""Metrics of many resamples at once, from how often each row was drawn.

The same definitions as `training.metrics`, which is exact and takes one set of rows; a test holds
the two together. Here a set is a row of counts, and sorting is done once for all resamples.
Belongs here: arithmetic on counts. Does not: draws and percentiles (`bootstrap`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from refit_assets.spec import Metric

Doubles: TypeAlias = NDArray[np.float64]

CALIBRATION_BINS = 10


@dataclass(frozen=True)
class _PositiveRuns:
    """Runs of equal scores that hold a positive row; rows with one score are never told apart.

    All that ranks is decided where positives are, and they are few: sums are looked up there only.
    """

    positives: NDArray[np.intp]
    starts: NDArray[np.intp]
    ends: NDArray[np.intp]
    """One past the last place of each run."""
    bounds: NDArray[np.intp]
    """How many positives are below each run, and at last all of them."""

    @classmethod
    def find(cls, labels: Doubles, scores: Doubles) -> "_PositiveRuns":
        positives = np.flatnonzero(labels == 1)
        scored = scores[positives]
        values, first = np.unique(scored, return_index=True)
        return cls(
            positives=positives,
            starts=np.searchsorted(scores, values, side="left"),
            ends=np.searchsorted(scores, values, side="right"),
            bounds=np.append(first, len(positives)),
        )


class _Draws:
    """Resamples of ranked rows; sums are made when a metric first needs them."""

    def __init__(self, measure: "Measure", counts: Doubles) -> None:
        self.labels = measure.labels
        self.scores = measure.scores
        self.runs = measure.runs
        self.counts = counts
        self.size = float(counts[0].sum())

    @cached_property
    def drawn(self) -> Doubles:
        """Rows drawn below each place, and at last all of them."""
        return _sums(self.counts)

    @cached_property
    def positive(self) -> Doubles:
        """Positive rows drawn below each run, and at last all of them."""
        return _sums(self.counts[:, self.runs.positives])[:, self.runs.bounds]

    @cached_property
    def all_positive(self) -> Doubles:
        return self.positive[:, -1]

    @cached_property
    def all_negative(self) -> Doubles:
        return self.size - self.all_positive

    @cached_property
    def drawn_below(self) -> Doubles:
        return self.drawn[:, self.runs.starts]

    @cached_property
    def negative_below(self) -> Doubles:
        return self.drawn_below - self.positive[:, :-1]

    @cached_property
    def negative_upto(self) -> Doubles:
        return self.drawn[:, self.runs.ends] - self.positive[:, 1:]

    def mean(self, values: Doubles) -> Doubles:
        # Not `@`: a product by BLAS depends on the machine in its last bits, and starts threads.
        return np.einsum("ij,j->i", self.counts, values) / self.size


@dataclass(frozen=True, kw_only=True)
class Measure:
    """Metrics of one model's answers, ready for any number of resamples."""

    metrics: tuple[Metric, ...]
    labels: Doubles
    scores: Doubles
    order: NDArray[np.intp] | slice
    """Where each of `labels` and `scores` stood originally: counts are brought in this order."""
    runs: _PositiveRuns

    def __call__(self, counts: Doubles) -> dict[Metric, Doubles]:
        """Metrics of each resample; `counts` is (resamples, rows), equally many drawn in each.

        NaN where a metric is undefined: no positives, no negatives, a target that does not vary.
        """
        draws = _Draws(self, counts)
        with np.errstate(divide="ignore", invalid="ignore"):
            return {metric: _MEASURES[metric](draws) for metric in self.metrics}


def build_measure(labels: Doubles, scores: Doubles, metrics: Sequence[Metric]) -> Measure:
    """Sort rows by score, once for all resamples, where a metric asks for that."""
    ranks = any(metric in _RANKING for metric in metrics)
    order = np.argsort(scores, kind="stable") if ranks else slice(None)
    ours, scored = labels[order], scores[order]
    runs = _PositiveRuns.find(ours if ranks else ours[:0], scored)
    return Measure(metrics=tuple(metrics), labels=ours, scores=scored, order=order, runs=runs)


def _sums(counts: Doubles) -> Doubles:
    sums = np.zeros((len(counts), counts.shape[1] + 1))
    np.cumsum(counts, axis=1, out=sums[:, 1:])
    return sums


def _auc(draws: _Draws) -> Doubles:
    # A positive beats all negatives below its run, and ties with those in it, which count half.
    beaten = draws.negative_below + draws.negative_upto
    pairs = np.einsum("ij,ij->i", np.diff(draws.positive, axis=1), beaten)
    return pairs / (2 * draws.all_positive * draws.all_negative)


def _pr_auc(draws: _Draws) -> Doubles:
    flagged = draws.size - draws.drawn_below
    caught = draws.all_positive[:, None] - draws.positive[:, :-1]
    # Nothing flagged means nothing caught: those runs weigh 0 whatever they are divided by.
    precision = caught / np.maximum(flagged, 1)
    area = np.einsum("ij,ij->i", np.diff(draws.positive, axis=1), precision)
    return area / draws.all_positive


def _ks(draws: _Draws) -> Doubles:
    share = draws.positive / draws.all_positive[:, None]
    negatives = draws.all_negative[:, None]
    # The distance is extreme just before or just after a run with positives, nowhere else.
    behind = np.max(draws.negative_below / negatives - share[:, :-1], axis=1, initial=0.0)
    ahead = np.max(share[:, 1:] - draws.negative_upto / negatives, axis=1, initial=0.0)
    return np.where(draws.all_positive * draws.all_negative > 0, np.maximum(behind, ahead), np.nan)


def _calibration_error(draws: _Draws) -> Doubles:
    gaps = draws.scores - draws.labels
    size = int(draws.size)
    bins = min(CALIBRATION_BINS, size)
    bounds = np.cumsum([size // bins + (at < size % bins) for at in range(bins)])
    at = np.stack([np.searchsorted(drawn, bounds) for drawn in draws.drawn]) - 1
    # A bin may end between two copies of a row: what its last row adds too much is taken off.
    over = np.take_along_axis(draws.drawn, at + 1, axis=1) - bounds
    summed = np.cumsum(draws.counts * gaps, axis=1)
    upto = np.take_along_axis(summed, at, axis=1) - over * gaps[at]
    return np.abs(np.diff(upto, axis=1, prepend=0.0)).sum(axis=1) / size


def _log_loss(draws: _Draws) -> Doubles:
    tiny = np.finfo(np.float64).eps
    chances = np.clip(draws.scores, tiny, 1 - tiny)
    right = np.where(draws.labels == 1, chances, 1 - chances)
    return draws.mean(-np.log(right))


def _mean_square(draws: _Draws) -> Doubles:
    return draws.mean((draws.labels - draws.scores) ** 2)


def _rmse(draws: _Draws) -> Doubles:
    return np.sqrt(_mean_square(draws))


def _mae(draws: _Draws) -> Doubles:
    return draws.mean(np.abs(draws.labels - draws.scores))


def _r2(draws: _Draws) -> Doubles:
    # Around the mean of all rows, which keeps the difference of two large sums exact enough.
    centred = draws.labels - draws.labels.mean()
    spread = draws.mean(centred**2) - draws.mean(centred) ** 2
    return np.where(spread > 0, 1 - _mean_square(draws) / spread, np.nan)


_MEASURES: dict[Metric, Callable[[_Draws], Doubles]] = {
    "auc": _auc,
    "pr_auc": _pr_auc,
    "log_loss": _log_loss,
    "brier": _mean_square,
    "ks": _ks,
    "calibration_error": _calibration_error,
    "rmse": _rmse,
    "mae": _mae,
    "r2": _r2,
}
_RANKING = frozenset({"auc", "pr_auc", "ks", "calibration_error"})
