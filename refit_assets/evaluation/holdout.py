"""The holdout: the labelled rows of the pinned files, sorted by key, as a frame and as CSV.

Belongs here: reading Parquet, labels as numbers, exact text for the jar. Does not: predictions
(`predictions`), and what they are worth (`metrics`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import compute

from refit_assets.errors import DataError
from refit_assets.features.contract import build_contract
from refit_assets.features.pinned import read_pinned
from refit_assets.spec import ModelSpec

# pyarrow carries no types.
Table: TypeAlias = Any
ArrowColumn: TypeAlias = Any
pc: Any = compute  # its functions are made at run time, where no checker sees them

_MUST_QUOTE = r'[",\r\n]'


@dataclass(frozen=True, kw_only=True)
class Holdout:
    """Labelled rows of one holdout; all parts have the same length and order."""

    rows: Table
    """Key, inputs and target as they are stored, sorted by key."""
    keys: NDArray[np.int64]
    labels: NDArray[np.float64]
    """1.0 for the positive label and 0.0 for the other, or the number itself."""
    unlabelled_rows: int
    """Rows of the same days that were left out because they have no label."""

    def __len__(self) -> int:
        """Count the labelled rows."""
        return len(self.keys)


def read_holdout(spec: ModelSpec, files: Sequence[str]) -> Holdout:
    """Read the pinned holdout files (URIs or paths) into labelled rows sorted by key.

    Raises:
        DataError: no files, no labelled rows, a key twice or missing, or a label that is neither
            of the target's two.

    """
    key, target = spec.features.key, spec.target.column
    columns = [key, *build_contract(spec).names, target]
    stored = _read_files(spec, files, columns)
    # Rows without a label are scored as any other, but there is nothing to measure them by
    # (decision 0006).
    labelled = stored.filter(pc.is_valid(stored[target])).sort_by(key)
    if not labelled.num_rows:
        message = f"{spec.name}: none of the {stored.num_rows} rows of the holdout has a label yet"
        raise DataError(message)
    return Holdout(
        rows=labelled,
        keys=_keys(spec, labelled[key]),
        labels=_labels(spec, labelled[target]),
        unlabelled_rows=stored.num_rows - labelled.num_rows,
    )


def write_inputs_csv(spec: ModelSpec, holdout: Holdout, path: Path) -> None:
    """Write the model's inputs as the jar reads them: UTF-8, exact decimals, empty for missing.

    The header holds the contract's names in their order; lines are in the order of the holdout.
    """
    names = build_contract(spec).names
    cells = [_cells(holdout.rows[name]) for name in names]
    lines = pc.binary_join_element_wise(*cells, ",")
    header = ",".join(_quoted(name) for name in names)
    path.write_text("\n".join([header, *lines.to_pylist(), ""]), encoding="utf-8", newline="\n")


def column_text(column: ArrowColumn) -> ArrowColumn:
    """Render a column as plain text, exactly and without exponents; missing stays missing."""
    text = column.combine_chunks().cast(pa.string())
    if not pa.types.is_decimal(column.type):
        return text
    # Arrow writes 1E-12 and 0E-12 where the scale is large; readers of plain decimals differ
    # on those. There are few distinct ones, so only the dictionary is rewritten.
    coded = text.dictionary_encode()
    plain = [_plain(value) for value in coded.dictionary.to_pylist()]
    return pa.array(plain, pa.string()).take(coded.indices)


def _plain(value: str) -> str:
    return format(Decimal(value), "f") if "E" in value else value


def _read_files(spec: ModelSpec, files: Sequence[str], columns: Sequence[str]) -> Table:
    if not files:
        message = (
            f"{spec.name}: the holdout has no files; materialise {spec.name}/training_set again"
        )
        raise DataError(message)
    try:
        table = read_pinned(files, columns)
    except (FileNotFoundError, KeyError, pa.ArrowInvalid) as error:
        message = (
            f"{spec.name}: a pinned holdout file can't be read ({error}); expire no snapshot that "
            f"a training set has tagged, and materialise {spec.name}/training_set again"
        )
        raise DataError(message) from error
    return table.combine_chunks()


def _keys(spec: ModelSpec, column: ArrowColumn) -> NDArray[np.int64]:
    if column.null_count:
        message = (
            f"{spec.name}: {column.null_count} rows of the holdout have no {spec.features.key}"
        )
        raise DataError(message)
    keys = column.combine_chunks().cast(pa.int64()).to_numpy(zero_copy_only=False)
    twice = keys[1:][keys[1:] == keys[:-1]]
    if len(twice):
        message = f"{spec.name}: {spec.features.key} {twice[0]} stands twice in the holdout"
        raise DataError(message)
    return keys


def _labels(spec: ModelSpec, column: ArrowColumn) -> NDArray[np.float64]:
    if not spec.classification:
        # By way of text: Arrow's own cast of a decimal is not always the nearest double.
        return column_text(column).cast(pa.float64()).to_numpy(zero_copy_only=False)
    text = column_text(column)
    known = pa.array(spec.target.classes)
    strange = text.filter(pc.invert(pc.is_in(text, known)))
    if len(strange):
        message = (
            f"{spec.name}: {spec.target.column} {strange[0].as_py()!r} in the holdout is neither "
            f"of the target's labels, {' and '.join(spec.target.classes)}"
        )
        raise DataError(message)
    return np.asarray(pc.equal(text, spec.target.positive), dtype=np.float64)


def _cells(column: ArrowColumn) -> ArrowColumn:
    text = column_text(column)
    special = pc.match_substring_regex(text, _MUST_QUOTE)
    if pc.any(special).as_py():
        doubled = pc.replace_substring(text, '"', '""')
        text = pc.if_else(special, pc.binary_join_element_wise('"', doubled, '"', ""), text)
    return pc.fill_null(text, "")


def _quoted(name: str) -> str:
    return f'"{name}"' if any(sign in name for sign in '",\r\n') else name
