"""What an evaluation found, as frozen records that are stored as JSON and read by the release.

Belongs here: shapes and look-ups; no numpy, so that whoever only reads records loads quickly. Does
not: how anything is computed, and whether it is good enough.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from refit_assets.spec import Metric

CurveName: TypeAlias = Literal["roc", "precision_recall", "lift"]


@dataclass(frozen=True, kw_only=True)
class Interval:
    """A central percentile interval."""

    low: float
    high: float
    confidence: float
    resamples: int
    """On how many the metric was defined."""


@dataclass(frozen=True, kw_only=True)
class PairedDifference:
    """How much better the challenger is than the champion; positive is better, for every metric."""

    metric: Metric
    challenger: float
    champion: float
    improvement: float
    at_least: float
    """One-sided: with `confidence`, the improvement is no smaller than this."""
    at_most: float
    """One-sided: with `confidence`, the improvement is no larger than this."""
    share_better: float
    """Share of resamples on which the challenger is strictly better."""
    confidence: float
    resamples: int


@dataclass(frozen=True, kw_only=True)
class Difference:
    """A row on which the jar and the training cluster disagree."""

    key: int
    column: str
    cluster: float
    jar: float

    def __str__(self) -> str:
        """Render as one line, with every digit."""
        return f"key {self.key}, {self.column}: cluster {self.cluster!r}, jar {self.jar!r}"


@dataclass(frozen=True, kw_only=True)
class Parity:
    """Outcome of comparing two sets of predictions bit for bit."""

    rows: int
    values: int
    differing: tuple[Difference, ...]
    """All of them, in the order of keys."""

    @property
    def proven(self) -> bool:
        """Whether something was compared and nothing differs."""
        return self.values > 0 and not self.differing


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


@dataclass(frozen=True, kw_only=True)
class Compared:
    """One metric of both."""

    metric: Metric
    challenger: float | None
    champion: float | None


@dataclass(frozen=True, kw_only=True)
class Migration:
    """Decisions of both models on the same rows, each by its own cut-off."""

    both_flagged: int
    neither_flagged: int
    newly_flagged: int
    """By the challenger alone."""
    newly_flagged_positives: int
    """Of those, how many really are positive."""
    no_longer_flagged: int
    """By the champion alone."""
    no_longer_flagged_positives: int

    @property
    def rows(self) -> int:
        """All rows."""
        return self.both_flagged + self.neither_flagged + self.flipped

    @property
    def flipped(self) -> int:
        """Decisions that change when the challenger replaces the champion."""
        return self.newly_flagged + self.no_longer_flagged

    @property
    def share(self) -> float:
        """Share of decisions that change."""
        return self.flipped / self.rows

    @property
    def right(self) -> int:
        """How many of the changed decisions are right with the challenger."""
        dropped_rightly = self.no_longer_flagged - self.no_longer_flagged_positives
        return self.newly_flagged_positives + dropped_rightly


@dataclass(frozen=True, kw_only=True)
class ScoreBands:
    """How rows move between bands of the score; the bands are fifths of the champion's scores."""

    edges: tuple[float, ...]
    """Inner edges, ascending; a score on an edge belongs to the band above it."""
    rows: tuple[tuple[int, ...], ...]
    """`rows[champion's band][challenger's band]`."""


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Challenger against champion on the challenger's holdout."""

    challenger: str
    """Version."""
    champion: str
    rows: int
    metrics: tuple[Compared, ...]
    difference: PairedDifference | None
    """In the gate's metric; None where it is undefined."""
    migration: Migration | None
    """None for a number, which has no cut-off."""
    bands: ScoreBands
    mean_change: float
    """Mean of the challenger's score less the champion's."""
    largest_change: float
    """Largest absolute change of a score."""
