"""Challenger against champion on the same holdout: what each is worth, and which decisions flip.

Pure; both sets of predictions were made by the models' own jars. What follows from a comparison
is `verdict`'s.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from refit_assets.evaluation.bootstrap import derive_seed, paired_difference
from refit_assets.evaluation.holdout import Holdout
from refit_assets.evaluation.metrics import measure_exactly, metrics_of
from refit_assets.evaluation.predictions import Predictions, positive_name
from refit_assets.evaluation.records import Compared, Comparison, Migration, ScoreBands
from refit_assets.evaluation.resampled import Doubles
from refit_assets.spec import ChampionGate, ModelSpec

BANDS = 5


@dataclass(frozen=True, kw_only=True)
class Contender:
    """One of the two models: its version, its MOJO's digest, its answers for the holdout."""

    version: str
    mojo_sha256: str
    predictions: Predictions


def compare(
    spec: ModelSpec, holdout: Holdout, challenger: Contender, champion: Contender
) -> Comparison:
    """Compare two models on the same rows.

    The paired bootstrap takes metric, confidence and resamples from the champion's gate, or from
    its defaults and `trials.choose_by` where the spec has none.
    """
    labels, name = holdout.labels, positive_name(spec)
    ours, theirs = challenger.predictions.columns[name], champion.predictions.columns[name]
    gate = spec.gates.champion or ChampionGate(metric=spec.trials.choose_by)
    difference = paired_difference(
        labels,
        ours,
        theirs,
        gate.metric,
        seed=derive_seed(challenger.mojo_sha256, champion.mojo_sha256),
        resamples=gate.resamples,
        confidence=gate.confidence,
    )
    return Comparison(
        challenger=challenger.version,
        champion=champion.version,
        rows=len(holdout),
        metrics=_compared(spec, labels, ours, theirs),
        difference=difference,
        migration=_migration(spec, labels, challenger.predictions, champion.predictions),
        bands=_bands(ours, theirs),
        mean_change=float((ours - theirs).mean()),
        largest_change=float(np.abs(ours - theirs).max()),
    )


def _compared(
    spec: ModelSpec, labels: Doubles, ours: Doubles, theirs: Doubles
) -> tuple[Compared, ...]:
    metrics = metrics_of(spec)
    mine = measure_exactly(labels, ours, metrics, classification=spec.classification)
    other = measure_exactly(labels, theirs, metrics, classification=spec.classification)
    return tuple(
        Compared(metric=metric, challenger=mine[metric], champion=other[metric])
        for metric in metrics
    )


def _migration(
    spec: ModelSpec, labels: Doubles, challenger: Predictions, champion: Predictions
) -> Migration | None:
    now, before = challenger.flagged(spec), champion.flagged(spec)
    if now is None or before is None:
        return None
    positive = labels == 1
    return Migration(
        both_flagged=_count(now & before),
        neither_flagged=_count(~now & ~before),
        newly_flagged=_count(now & ~before),
        newly_flagged_positives=_count(now & ~before & positive),
        no_longer_flagged=_count(~now & before),
        no_longer_flagged_positives=_count(~now & before & positive),
    )


def _count(rows: NDArray[np.bool_]) -> int:
    return int(np.count_nonzero(rows))


def _bands(ours: Doubles, theirs: Doubles) -> ScoreBands:
    # The champion's fifths; where many rows share a score, there are fewer bands.
    inner = np.unique(np.quantile(theirs, np.linspace(0, 1, BANDS + 1)[1:-1], method="lower"))
    bands = len(inner) + 1
    place = np.searchsorted(inner, theirs, side="right") * bands
    place += np.searchsorted(inner, ours, side="right")
    counts = np.bincount(place, minlength=bands * bands).reshape(bands, bands)
    return ScoreBands(
        edges=tuple(inner.tolist()), rows=tuple(tuple(row) for row in counts.tolist())
    )
