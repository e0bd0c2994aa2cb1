"""Trial and candidate: what was fitted and how good it is, as records.

A trial's key is a digest of all that decides its bytes; a candidate is the best trial of a refit.
Belongs here: the records, the key, which of several trials is best. Does not: fitting (`fit`),
which trials there are to be (`plan`).
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from refit_assets.spec import Algorithm, Metric
from refit_assets.training.metrics import rank_key

H2O_VERSION = "3.46.0.11"
"""The one whose arithmetic and MOJOs the keys stand for; 3.46.0.12 exports none."""
LEADERBOARD = "trials.json"
"""Name of the record, among a refit's files."""

# Means, gradients and coefficients are summed node by node: another number of nodes, other bits.
NODE_DEPENDENT: frozenset[Algorithm] = frozenset(
    {"glm", "xgboost", "deep_learning", "stacked_ensemble"}
)


@dataclass(frozen=True, kw_only=True)
class CurvePoint:
    """A model as it was after so many trees, iterations or epochs."""

    step: float
    training: float | None
    validation: float | None


@dataclass(frozen=True, kw_only=True)
class TrialPlan:
    """What a trial is made of, and its key."""

    key: str
    algorithm: Algorithm
    parameters: dict[str, Any]
    """As H2O spells them, with those that reproducibility needs."""
    seed: int
    nodes: int | None
    """Where the algorithm's arithmetic depends on it; None for GBM and DRF."""
    base: tuple[str, ...] = ()
    """Keys of the trials that an ensemble stacks."""

    @property
    def model_id(self) -> str:
        """H2O's name of the model: it ends up in the MOJO, so it follows from the key."""
        return f"{self.algorithm}_{self.key}"

    @property
    def title(self) -> str:
        """What a person calls it."""
        return f"{self.algorithm}-{self.key[:6]}"

    @property
    def settings(self) -> str:
        """Its parameters on one line."""
        return ", ".join(f"{name}={value}" for name, value in self.parameters.items())


@dataclass(frozen=True, kw_only=True)
class Trial(TrialPlan):
    """A fitted trial; its model lies beside the record, canonical and as H2O's own binary."""

    h2o_version: str
    training_set_digest: str
    metrics: dict[Metric, float]
    """Computed exactly, from predictions on validation rows or out of fold."""
    measured_rows: int
    threshold: float | None
    """Rows whose positive label is at least as probable count as positive; None for numbers."""
    seconds: float
    """Wall seconds of the fit, next to whatever ran beside it."""
    mojo_sha256: str
    importance: tuple[tuple[str, float], ...]
    """Inputs with their share of all importance, largest first."""
    learning_curve: tuple[CurvePoint, ...]
    curve_metric: str | None
    ranges: dict[str, tuple[float, float]]
    """Smallest and largest value of each numeric input in the rows that it was fitted on."""


@dataclass(frozen=True, kw_only=True)
class Leaderboard:
    """All trials of a refit."""

    training_set_digest: str
    choose_by: Metric
    trials: tuple[Trial, ...]
    """The best first."""
    searched_in: str
    """The refit whose search chose what was fitted: this one's, or one before it."""
    search: tuple[Trial, ...] = ()
    """What that search fitted, the best first; empty where it is this refit's own."""


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """The best trial of a refit, with what its jar will be tested against."""

    trial_key: str
    algorithm: Algorithm
    parameters: dict[str, Any]
    seed: int
    nodes: int | None
    h2o_version: str
    training_set_digest: str
    mojo_sha256: str
    threshold: float | None
    metrics: dict[Metric, float]
    importance: tuple[tuple[str, float], ...]
    learning_curve: tuple[CurvePoint, ...]
    curve_metric: str | None
    key_column: str
    golden_rows: int
    golden_sha256: str
    holdout_rows: int
    holdout_predictions_sha256: str

    @property
    def identity(self) -> tuple[str, str, str]:
        """What decides its files: trial, training set and the key that the holdout is listed by."""
        return (self.trial_key, self.training_set_digest, self.key_column)


def trial_key(parts: Mapping[str, Any]) -> str:
    """Sixteen hex digits over everything that decides a trial's bytes."""
    # Sorted, at every depth: parameters in another order are the same trial.
    content = json.dumps({**parts, "h2o": H2O_VERSION}, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(content.encode()).hexdigest()[:16]


def rank_trials(trials: Sequence[Trial], metric: Metric) -> tuple[Trial, ...]:
    """Order trials, best first; of equally good ones the one that was planned first wins."""
    return tuple(sorted(trials, key=lambda trial: rank_key(metric, trial.metrics)))
