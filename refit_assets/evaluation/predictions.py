"""Predictions of one model on one set of rows: reading them, and comparing them bit for bit.

The jar answers as CSV in the order of its input, the training cluster as Parquet with keys.
Belongs here: both formats, and parity over a whole holdout. Golden rows are the jar's own test.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
from numpy.typing import NDArray

from refit_assets.errors import DataError, ParityError
from refit_assets.evaluation.holdout import Holdout
from refit_assets.evaluation.records import Difference, Parity
from refit_assets.spec import ModelSpec


@dataclass(frozen=True, kw_only=True)
class Predictions:
    """What one model answers for each row of a holdout, in the holdout's order."""

    columns: Mapping[str, NDArray[np.float64]]
    """`p:<class>` of every class, or `predict` of a number; finite doubles."""
    labels: tuple[str, ...] | None = None
    """The decision on each row, made by the model's own cut-off; None for a number."""

    def flagged(self, spec: ModelSpec) -> NDArray[np.bool_] | None:
        """Whether the model itself decided for the positive label, row by row."""
        if self.labels is None:
            return None
        return np.array([label == spec.target.positive for label in self.labels])


def prediction_names(spec: ModelSpec) -> tuple[str, ...]:
    """Names of the columns of doubles that a model of this spec answers."""
    return tuple(f"p:{label}" for label in spec.target.classes) or ("predict",)


def positive_name(spec: ModelSpec) -> str:
    """Name of the column that metrics are about: the positive label's, or the number."""
    return f"p:{spec.target.positive}" if spec.classification else "predict"


def read_jar_predictions(spec: ModelSpec, path: Path, *, rows: int) -> Predictions:
    """Read what the jar wrote: a line for each of `rows` inputs, in order.

    Raises:
        DataError: another number of lines, a column missing, or a value that is no finite number.

    """
    names = prediction_names(spec)
    types = dict.fromkeys(names, pa.float64())
    if spec.classification:
        # Else labels such as 0 and 1 would be read as numbers.
        types["predict"] = pa.string()
    wanted = pacsv.ConvertOptions(column_types=types, include_columns=[*types])
    try:
        table = pacsv.read_csv(path, convert_options=wanted)
    except (pa.ArrowInvalid, KeyError) as error:
        message = f"{path.name}, written by the jar, does not hold {', '.join(types)}: {error}"
        raise DataError(message) from error
    if table.num_rows != rows:
        message = f"{path.name}: expected {rows} predictions, one a row, found {table.num_rows}"
        raise DataError(message)
    labels = tuple(table["predict"].to_pylist()) if spec.classification else None
    return Predictions(columns=_doubles(table, names, path.name), labels=labels)


def read_cluster_predictions(spec: ModelSpec, holdout: Holdout, path: Path) -> Predictions:
    """Read the training cluster's predictions on the holdout, and bring them into its order.

    Raises:
        DataError: they are not about exactly the holdout's keys.

    """
    names, key = prediction_names(spec), spec.features.key
    table = pq.read_table(path)
    lost = [name for name in (key, *names) if name not in table.column_names]
    if lost:
        message = f"{path.name} lacks {', '.join(lost)}; it has {', '.join(table.column_names)}"
        raise DataError(message)
    table = table.sort_by(key)
    if not np.array_equal(table[key].to_numpy(), holdout.keys):
        message = (
            f"{path.name} holds in-cluster predictions of {table.num_rows} rows, the holdout has "
            f"{len(holdout)} labelled rows, and their keys are not the same: was the training set "
            f"pinned again? Materialise {spec.name}/candidate"
        )
        raise DataError(message)
    return Predictions(columns=_doubles(table, names, path.name))


def compare_bits(
    keys: Sequence[int] | NDArray[np.int64], cluster: Predictions, jar: Predictions
) -> Parity:
    """Compare two sets of predictions at difference 0.0: by bits, so that -0.0 is not 0.0."""
    found: list[Difference] = []
    for name, expected in cluster.columns.items():
        answered = jar.columns[name]
        for at in np.flatnonzero(expected.view(np.int64) != answered.view(np.int64)).tolist():
            pair = (float(expected[at]), float(answered[at]))
            found.append(Difference(key=int(keys[at]), column=name, cluster=pair[0], jar=pair[1]))
    found.sort(key=lambda difference: difference.key)
    values = sum(len(column) for column in cluster.columns.values())
    return Parity(rows=len(keys), values=values, differing=tuple(found))


def require_parity(parity: Parity, name: str) -> None:
    """Raise unless the jar predicts what the cluster predicted.

    Raises:
        ParityError: carries every row that differs.

    """
    if parity.proven:
        return
    differing = len({difference.key for difference in parity.differing})
    message = (
        f"{name}: the jar differs from the training cluster on {differing} of {parity.rows} rows"
    )
    raise ParityError(message, [str(difference) for difference in parity.differing])


def _doubles(table: pa.Table, names: Sequence[str], where: str) -> dict[str, NDArray[np.float64]]:
    columns: dict[str, NDArray[np.float64]] = {}
    for name in names:
        column = table[name].cast(pa.float64()).combine_chunks().to_numpy(zero_copy_only=False)
        strange = np.flatnonzero(~np.isfinite(column))
        if len(strange):
            message = f"{where}, row {strange[0] + 1}: {name} is {column[strange[0]]}, no number"
            raise DataError(message)
        columns[name] = np.ascontiguousarray(column)
    return columns
