"""Percentile intervals by resampling rows, and the paired difference of two models.

Rows of a holdout are drawn with replacement, as often as there are rows, and the metric is taken
of each draw; the interval is that of the percentiles (Efron & Tibshirani, An Introduction to the
Bootstrap, 1993, chapter 13). Two models are compared on the *same* draws, so that what is hard
for both does not hide what is between them.

Belongs here: draws, percentiles, differences. Does not: a metric of one draw (`resampled`).
"""

import hashlib
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from refit_assets.evaluation.records import Interval, PairedDifference
from refit_assets.evaluation.resampled import Doubles, build_measure
from refit_assets.spec import HIGHER_IS_BETTER, Metric

# 1 MiB of doubles at a time: memory is bounded, and chunks stay in the cache, which halves the
# seconds against 8 MiB.
_CELLS = 1 << 17
FEWEST_DEFINED = 0.95
"""Share of resamples on which a metric must be defined for an interval to mean anything."""


def derive_seed(*parts: str) -> int:
    """Make a seed of 64 bits from digests and names: the same evidence, the same interval."""
    content = "\n".join(parts).encode()
    return int.from_bytes(hashlib.sha256(content).digest()[:8], "big")


def bootstrap(
    labels: Doubles,
    scores: Doubles,
    metrics: Sequence[Metric],
    *,
    seed: int,
    resamples: int = 1000,
    confidence: float = 0.95,
) -> dict[Metric, Interval | None]:
    """Intervals of metrics; None where a metric is undefined on too many resamples.

    Calibration error and KS are a sum of magnitudes and a maximum: noise of resampling adds to
    them, so their intervals lean upwards, which errs to the careful side.
    """
    measure = build_measure(labels, scores, metrics)
    # Rows are drawn at random, so drawing from the sorted ones is the same and saves a shuffle.
    chunks = [measure(counts) for counts in _draw(len(labels), resamples, seed)]
    tail = (1 - confidence) / 2
    intervals: dict[Metric, Interval | None] = {}
    for metric in metrics:
        values = _defined(np.concatenate([chunk[metric] for chunk in chunks]))
        if values is None:
            intervals[metric] = None
            continue
        low, high = np.quantile(values, [tail, 1 - tail])
        intervals[metric] = Interval(
            low=float(low), high=float(high), confidence=confidence, resamples=len(values)
        )
    return intervals


def paired_difference(
    labels: Doubles,
    challenger: Doubles,
    champion: Doubles,
    metric: Metric,
    *,
    seed: int,
    resamples: int = 1000,
    confidence: float = 0.9,
) -> PairedDifference | None:
    """Compare two models on the same rows, resample by resample; None where it is undefined."""
    sign = 1.0 if metric in HIGHER_IS_BETTER else -1.0
    measures = [build_measure(labels, scores, [metric]) for scores in (challenger, champion)]
    ones = np.ones((1, len(labels)))
    points = [float(measure(ones)[metric][0]) for measure in measures]
    chunks: list[Doubles] = []
    for counts in _draw(len(labels), resamples, seed):
        ours, theirs = (measure(counts[:, measure.order])[metric] for measure in measures)
        # Adding 0.0 turns the -0.0 of a tie into 0.0.
        chunks.append(sign * (ours - theirs) + 0.0)
    values = _defined(np.concatenate(chunks))
    if values is None or not np.isfinite(points).all():
        return None
    # No interpolation: the bound is the difference on a real resample, and ties stay exactly 0.
    at_least, at_most = np.quantile(values, [1 - confidence, confidence], method="nearest")
    return PairedDifference(
        metric=metric,
        challenger=points[0],
        champion=points[1],
        improvement=sign * (points[0] - points[1]) + 0.0,
        at_least=float(at_least),
        at_most=float(at_most),
        share_better=float(np.mean(values > 0)),
        confidence=confidence,
        resamples=len(values),
    )


def _draw(rows: int, resamples: int, seed: int) -> Iterator[Doubles]:
    """How often each row is in each resample: chunks of (resamples, rows), in all `resamples`."""
    # PCG64 by name: what `default_rng` draws by may change with NumPy.
    generator = np.random.Generator(np.random.PCG64(seed))
    at_once = max(1, _CELLS // rows)
    for start in range(0, resamples, at_once):
        chunk = min(at_once, resamples - start)
        drawn = generator.integers(0, rows, (chunk, rows))
        # Each resample in a range of its own, so that one call counts all of the chunk.
        drawn += np.arange(0, chunk * rows, rows)[:, np.newaxis]
        counts = np.bincount(drawn.ravel(), minlength=chunk * rows)
        yield counts.reshape(chunk, rows).astype(np.float64)


def _defined(values: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Leave out undefined resamples (a draw without positives has no AUC); None if too many."""
    defined = values[np.isfinite(values)]
    return defined if len(defined) >= FEWEST_DEFINED * len(values) else None
