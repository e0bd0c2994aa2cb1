"""In-cluster predictions as numbers, under the names that jar and evaluation use for them.

Belongs here: H2O's prediction frames, `p:<label>` and `predict`. Does not: comparing with the
jar's (`packaging.parity`, `evaluation.predictions`).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from refit_assets.errors import WorkloadFailed
from refit_assets.spec import ModelSpec
from refit_assets.training.session import Frame, H2OSession


@dataclass(frozen=True, kw_only=True)
class ClusterPredictions:
    """What the cluster predicted, row by row."""

    columns: dict[str, NDArray[np.float64]]
    """`p:<label>` of every label, or `predict` of a number; shape (rows,) each."""
    labels: tuple[str, ...] | None
    """The label that H2O answers at its threshold; None for a number."""

    def __len__(self) -> int:
        """Count the rows."""
        return len(next(iter(self.columns.values())))


def prediction_names(spec: ModelSpec) -> tuple[str, ...]:
    """Names of the numbers that a model answers."""
    return tuple(f"p:{label}" for label in spec.target.classes) or ("predict",)


def read_predictions(session: H2OSession, spec: ModelSpec, frame: Frame) -> ClusterPredictions:
    """Download a frame of predictions to the last bit.

    Raises:
        WorkloadFailed: H2O answered other columns than the target has labels, or no numbers.

    """
    names = {name: name.removeprefix("p:") for name in prediction_names(spec)}
    table = session.download(frame)
    columns: dict[str, NDArray[np.float64]] = {}
    for ours, theirs in names.items():
        # A label that is no name in H2O's eyes, e.g. 0 or 1, comes as p0, p1.
        found = theirs if theirs in table.column_names else f"p{theirs}"
        if found not in table.column_names:
            message = f"H2O predicts {', '.join(table.column_names)}, expected {theirs}"
            raise WorkloadFailed(message)
        columns[ours] = np.ascontiguousarray(table[found].to_numpy(), dtype=np.float64)
        if not np.isfinite(columns[ours]).all():
            message = f"H2O predicts {theirs} that are no numbers"
            raise WorkloadFailed(message)
    labels = tuple(table["predict"].to_pylist()) if spec.classification else None
    return ClusterPredictions(columns=columns, labels=labels)


def positive_scores(spec: ModelSpec, predicted: ClusterPredictions) -> NDArray[np.float64]:
    """Probability of the positive label, or the number."""
    name = f"p:{spec.target.positive}" if spec.classification else "predict"
    return predicted.columns[name]
