"""What an evaluation found, as frozen records that are stored as JSON and read by the release.

Belongs here: shapes and look-ups. Does not: how anything is computed, and whether it is good enough.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from refit_assets.evaluation.bootstrap import Interval
from refit_assets.evaluation.predictions import Parity
from refit_assets.spec import Metric

CurveName: TypeAlias = Literal["roc", "precision_recall", "lift"]


@dataclass(frozen=True, kw_only=True)
class Measured:
    """A metric and how sure it is."""

    metric: Metric
    value: float | None
    """None where it is undefined, for example the AUC of rows with one label only."""
    interval: Interval | None


@dataclass(frozen=True, kw_only=True)
class Slice:
    """The rows of one level of one column."""

    column: str
    level: str
    rows: int
    mean_label: float
    """Share of positive labels, or the mean of the target."""
    mean_score: float
    metrics: tuple[Measured, ...]
    """Empty where there are fewer rows than the spec judges."""

    def measured(self, metric: Metric) -> Measured | None:
        """Return a metric of this slice, or None where it was not measured."""
        return next((one for one in self.metrics if one.metric == metric), None)


@dataclass(frozen=True, kw_only=True)
class CalibrationBin:
    """Rows of neighbouring scores: what was said against what came."""

    rows: int
    mean_score: float
    mean_label: float
    low: float
    """Wilson interval of the share at 95 %; for a number, the mean ± 1.96 standard errors."""
    high: float


@dataclass(frozen=True, kw_only=True)
class CutOff:
    """What a cut-off on the score would decide."""

    threshold: float
    true_positives: int
    false_positives: int
    false_negatives: int
    true_negatives: int
    chosen: bool = False
    """Whether these are the decisions that the jar itself makes."""

    @property
    def flagged(self) -> int:
        """Rows at or above the cut-off."""
        return self.true_positives + self.false_positives

    @property
    def rows(self) -> int:
        """All rows."""
        return self.flagged + self.false_negatives + self.true_negatives

    @property
    def flagged_share(self) -> float:
        """Share of rows at or above the cut-off."""
        return self.flagged / self.rows

    @property
    def precision(self) -> float | None:
        """Share of the flagged rows that are positive; None where none is flagged."""
        return self.true_positives / self.flagged if self.flagged else None

    @property
    def recall(self) -> float | None:
        """Share of the positive rows that are flagged; None where there are none."""
        positives = self.true_positives + self.false_negatives
        return self.true_positives / positives if positives else None


@dataclass(frozen=True, kw_only=True)
class Curve:
    """A line to draw; thinned so that no point is further off than can be seen."""

    name: CurveName
    x: tuple[float, ...]
    y: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class HistogramBin:
    """Rows with a value from `low` up to `high`, by label."""

    low: float
    high: float
    negatives: int
    """Of a number: all rows."""
    positives: int = 0


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """What a model is worth on a holdout, by scores that its own jar made."""

    model: str
    refit: str
    version: str
    classification: bool
    target: str
    positive: str | None
    rows: int
    unlabelled_rows: int
    mean_label: float
    """Share of positive labels, or the mean of the target."""
    metrics: tuple[Measured, ...]
    slices: tuple[Slice, ...]
    calibration: tuple[CalibrationBin, ...]
    cut_offs: tuple[CutOff, ...]
    """Empty for a number."""
    curves: tuple[Curve, ...]
    """Empty for a number."""
    scores: tuple[HistogramBin, ...]
    residuals: tuple[HistogramBin, ...]
    """Prediction less truth; empty for a classification."""
    threshold: float | None
    """On the probability of the positive label."""
    parity: Parity | None
    """Over the whole holdout; None where there were no in-cluster predictions to compare with."""
    training_set_digest: str
    mojo_sha256: str
    confidence: float
    resamples: int

    def measured(self, metric: Metric) -> Measured | None:
        """Return a metric, or None where this kind of model has none such."""
        return next((one for one in self.metrics if one.metric == metric), None)

    @property
    def chosen(self) -> CutOff | None:
        """The cut-off at which the jar decides; None for a number."""
        return next((one for one in self.cut_offs if one.chosen), None)
