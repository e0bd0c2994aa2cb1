"""What reports draw and tabulate: calibration, cut-offs, ROC, precision-recall, lift, histograms.

Belongs here: pure functions of labels and scores that answer small records. Does not: drawing.
"""

import math

import numpy as np
from numpy.typing import NDArray

from refit_assets.evaluation.records import (
    CalibrationBin,
    Curve,
    CurveName,
    CutOff,
    HistogramBin,
)
from refit_assets.evaluation.resampled import CALIBRATION_BINS, Doubles

# Rounded, because three times 0.05 is not quite the 0.15 that a spec says.
CUT_OFFS = tuple(round(at * 0.05, 2) for at in range(1, 20))
CURVE_POINTS = 201
SHARE_OF_NOISE = 0.01
HISTOGRAM_BINS = 40
_Z = 1.959963984540054  # two-sided 95 %


def build_calibration(
    labels: Doubles, scores: Doubles, *, classification: bool
) -> tuple[CalibrationBin, ...]:
    """Ten bins of neighbouring scores with equally many rows: mean score against mean label."""
    order = np.argsort(scores, kind="stable")
    parts = np.array_split(order, min(CALIBRATION_BINS, len(order)))
    interval = _wilson if classification else _around_mean
    return tuple(
        CalibrationBin(
            rows=len(part),
            mean_score=float(scores[part].mean()),
            mean_label=float(labels[part].mean()),
            low=interval(labels[part])[0],
            high=interval(labels[part])[1],
        )
        for part in parts
    )


def build_cut_offs(
    labels: Doubles, scores: Doubles, threshold: float | None, flagged: NDArray[np.bool_] | None
) -> tuple[CutOff, ...]:
    """Decisions at 19 cut-offs, and at the chosen one as the jar itself decided them."""
    rows = [_cut_off(labels, scores >= at, at, chosen=False) for at in CUT_OFFS if at != threshold]
    if threshold is not None:
        decided = scores >= threshold if flagged is None else flagged
        rows.append(_cut_off(labels, decided, threshold, chosen=True))
    return tuple(sorted(rows, key=lambda row: row.threshold))


def build_curves(labels: Doubles, scores: Doubles) -> tuple[Curve, ...]:
    """ROC, precision-recall and lift; empty where only one label occurs."""
    positives = float(labels.sum())
    negatives = len(labels) - positives
    if not positives or not negatives:
        return ()
    order = np.argsort(-scores, kind="stable")
    ranked = scores[order]
    # A point only where the score changes: rows of one score are flagged together or not at all.
    ends = np.append(np.flatnonzero(ranked[1:] != ranked[:-1]), len(ranked) - 1)
    flagged = ends + 1.0
    caught = np.cumsum(labels[order])[ends]
    recall, precision = caught / positives, caught / flagged
    false_alarms = (flagged - caught) / negatives
    # The first hundredth of the rows is noise: one row more or less moves it across the picture.
    seen = flagged / len(labels) >= SHARE_OF_NOISE
    lift = precision / (positives / len(labels))
    return (
        _curve("roc", np.append(0, false_alarms), np.append(0, recall)),
        _curve("precision_recall", recall[seen], precision[seen]),
        _curve("lift", flagged[seen] / len(labels), lift[seen]),
    )


def build_label_histogram(labels: Doubles, scores: Doubles) -> tuple[HistogramBin, ...]:
    """Probabilities in equal steps from 0 to 1, by label."""
    edges = np.linspace(0, 1, HISTOGRAM_BINS + 1)
    positives, _ = np.histogram(scores[labels == 1], edges)
    negatives, _ = np.histogram(scores[labels != 1], edges)
    return tuple(
        HistogramBin(
            low=float(edges[at]),
            high=float(edges[at + 1]),
            negatives=int(negatives[at]),
            positives=int(positives[at]),
        )
        for at in range(HISTOGRAM_BINS)
    )


def build_histogram(values: Doubles) -> tuple[HistogramBin, ...]:
    """Numbers in equal steps between the 0.5th and 99.5th percentile; the ends hold the rest."""
    low, high = np.quantile(values, [0.005, 0.995])
    if low == high:
        low, high = low - 0.5, high + 0.5
    edges = np.linspace(low, high, HISTOGRAM_BINS + 1)
    counts, _ = np.histogram(np.clip(values, low, high), edges)
    return tuple(
        HistogramBin(low=float(edges[at]), high=float(edges[at + 1]), negatives=int(counts[at]))
        for at in range(HISTOGRAM_BINS)
    )


def _cut_off(
    labels: Doubles, flagged: NDArray[np.bool_], threshold: float, *, chosen: bool
) -> CutOff:
    positive = labels == 1
    return CutOff(
        threshold=threshold,
        true_positives=int((flagged & positive).sum()),
        false_positives=int((flagged & ~positive).sum()),
        false_negatives=int((~flagged & positive).sum()),
        true_negatives=int((~flagged & ~positive).sum()),
        chosen=chosen,
    )


def _curve(name: CurveName, x: Doubles, y: Doubles) -> Curve:
    """Keep points at even steps of x: no two are nearer than a pen is wide."""
    wanted = np.searchsorted(x, np.linspace(x[0], x[-1], CURVE_POINTS))
    kept = np.unique(np.clip(wanted, 0, len(x) - 1))
    return Curve(name=name, x=tuple(x[kept].tolist()), y=tuple(y[kept].tolist()))


def _wilson(labels: Doubles) -> tuple[float, float]:
    """Interval of a share (Wilson, JASA 22, 1927): sane for few rows, and near 0 and 1."""
    rows, share = len(labels), float(labels.mean())
    centre = (share + _Z**2 / (2 * rows)) / (1 + _Z**2 / rows)
    reach = math.sqrt(share * (1 - share) / rows + _Z**2 / (4 * rows**2)) * _Z / (1 + _Z**2 / rows)
    return max(0.0, centre - reach), min(1.0, centre + reach)


def _around_mean(labels: Doubles) -> tuple[float, float]:
    rows, mean = len(labels), float(labels.mean())
    reach = _Z * float(labels.std(ddof=1)) / math.sqrt(rows) if rows > 1 else 0.0
    return mean - reach, mean + reach
