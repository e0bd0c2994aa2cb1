"""Measure a model on its holdout: every metric with its interval, slices, curves, cut-offs.

Joins the parts: exact metrics are `training.metrics`, intervals `bootstrap`, points to draw
`curves`, levels of columns `slices`. Whether the figures are good enough is `verdict`'s.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from refit_assets.evaluation.bootstrap import bootstrap, derive_seed
from refit_assets.evaluation.curves import (
    build_calibration,
    build_curves,
    build_cut_offs,
    build_histogram,
    build_label_histogram,
)
from refit_assets.evaluation.holdout import Holdout
from refit_assets.evaluation.predictions import Predictions, compare_bits, positive_name
from refit_assets.evaluation.records import Evaluation, Measured, Slice
from refit_assets.evaluation.resampled import Doubles
from refit_assets.evaluation.slices import slice_levels
from refit_assets.spec import CLASSIFICATION_METRICS, REGRESSION_METRICS, Metric, ModelSpec
from refit_assets.training.metrics import measure

CONFIDENCE = 0.95
RESAMPLES = 1000
# Intervals of slices are read beside one another and not to the third digit.
SLICE_RESAMPLES = 300
DEFAULT_MINIMUM_ROWS = 500


@dataclass(frozen=True, kw_only=True)
class Origin:
    """What was evaluated; stands in the record and in the report's header."""

    refit: str
    version: str
    training_set_digest: str
    mojo_sha256: str


@dataclass(frozen=True, kw_only=True)
class _Sampling:
    seed: int
    resamples: int
    classification: bool


def evaluate(
    spec: ModelSpec,
    holdout: Holdout,
    jar: Predictions,
    *,
    origin: Origin,
    threshold: float | None = None,
    cluster: Predictions | None = None,
    resamples: int = RESAMPLES,
) -> Evaluation:
    """Measure what the jar answered for the holdout.

    `threshold` is the candidate's decision cut-off on the positive label's probability (None for
    a number), `cluster` the training cluster's predictions on the same rows, for parity.
    """
    labels, scores = holdout.labels, jar.columns[positive_name(spec)]
    # The same data and the same model draw the same resamples, on any machine.
    seed = derive_seed(origin.training_set_digest, origin.mojo_sha256)
    sampling = _Sampling(seed=seed, resamples=resamples, classification=spec.classification)
    number = not spec.classification
    return Evaluation(
        model=spec.name,
        refit=origin.refit,
        version=origin.version,
        classification=spec.classification,
        target=spec.target.column,
        positive=spec.target.positive,
        rows=len(holdout),
        unlabelled_rows=holdout.unlabelled_rows,
        mean_label=float(labels.mean()),
        metrics=measure_all(labels, scores, metrics_of(spec), sampling),
        slices=_slices(spec, holdout, scores, sampling),
        calibration=build_calibration(labels, scores, classification=spec.classification),
        cut_offs=() if number else build_cut_offs(labels, scores, threshold, jar.flagged(spec)),
        curves=() if number else build_curves(labels, scores),
        scores=build_histogram(scores) if number else build_label_histogram(labels, scores),
        residuals=build_histogram(scores - labels) if number else (),
        threshold=threshold,
        parity=None if cluster is None else compare_bits(holdout.keys, cluster, jar),
        training_set_digest=origin.training_set_digest,
        mojo_sha256=origin.mojo_sha256,
        confidence=CONFIDENCE,
        resamples=resamples,
    )


def metrics_of(spec: ModelSpec) -> tuple[Metric, ...]:
    """All metrics of a model of this kind; the one that trials are chosen by comes first."""
    names = CLASSIFICATION_METRICS if spec.classification else REGRESSION_METRICS
    first = spec.trials.choose_by
    return first, *(name for name in names if name != first)


def slice_metrics(spec: ModelSpec) -> tuple[Metric, ...]:
    """The metrics that slices are measured by: those of the gates, else what trials compete in."""
    gated: list[Metric] = [gate.metric for gate in spec.gates.slices]
    return (*dict.fromkeys(gated or [spec.trials.choose_by]),)


def sliced_columns(spec: ModelSpec) -> tuple[str, ...]:
    """The spec's slice columns and those of its gates, each once."""
    gated = [column for gate in spec.gates.slices for column in gate.columns]
    return tuple(dict.fromkeys([*spec.slices, *gated]))


def measure_all(
    labels: Doubles, scores: Doubles, metrics: Sequence[Metric], sampling: _Sampling
) -> tuple[Measured, ...]:
    """Measure exactly, with intervals; what is undefined on these rows is None."""
    exact = measure_exactly(labels, scores, metrics, classification=sampling.classification)
    intervals = bootstrap(
        labels,
        scores,
        metrics,
        seed=sampling.seed,
        resamples=sampling.resamples,
        confidence=CONFIDENCE,
    )
    return tuple(
        Measured(
            metric=metric,
            value=exact[metric],
            interval=None if exact[metric] is None else intervals[metric],
        )
        for metric in metrics
    )


def measure_exactly(
    labels: Doubles, scores: Doubles, metrics: Sequence[Metric], *, classification: bool
) -> dict[Metric, float | None]:
    """Measure without intervals; None where a metric is undefined on these rows."""
    found = measure(labels, scores, classification=classification)
    return {
        metric: None if math.isnan(found[metric]) else float(found[metric]) for metric in metrics
    }


def _slices(
    spec: ModelSpec, holdout: Holdout, scores: Doubles, sampling: _Sampling
) -> tuple[Slice, ...]:
    smallest = min((gate.minimum_rows for gate in spec.gates.slices), default=DEFAULT_MINIMUM_ROWS)
    metrics = slice_metrics(spec)
    found: list[Slice] = []
    for column in sliced_columns(spec):
        for level in slice_levels(holdout.rows[column]):
            labels, scored = holdout.labels[level.places], scores[level.places]
            # A seed of its own: one slice more or less leaves the intervals of the others alone.
            seed = derive_seed(str(sampling.seed), column, level.name)
            own = _Sampling(
                seed=seed,
                resamples=min(SLICE_RESAMPLES, sampling.resamples),
                classification=sampling.classification,
            )
            judged = len(labels) >= smallest
            found.append(
                Slice(
                    column=column,
                    level=level.name,
                    rows=len(labels),
                    mean_label=float(labels.mean()),
                    mean_score=float(scored.mean()),
                    metrics=measure_all(labels, scored, metrics, own) if judged else (),
                )
            )
    return tuple(found)
