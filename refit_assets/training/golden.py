"""Golden rows: what the jar's parity is tested on, a sample of the holdout and rows at the edges.

Cells are exact text; None is a missing value. Pure. Belongs here: which rows, their text. Does not:
their predictions and files (`candidate`).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from refit_assets.features.contract import Column, InputContract

Row: TypeAlias = dict[str, str | None]

SAMPLED_ROWS = 300
UNSEEN_LEVEL = "no such level"

# 2^64 / golden ratio, odd: neighbours among keys end up far apart.
_SPREAD = np.uint64(0x9E3779B97F4A7C15)
# Within the 32 bits of an int.
_FARTHEST_INT = 2_000_000_000
_EXACT_DIGITS = 15
"""Every decimal with so many digits is another double, and comes back from it."""


@dataclass(frozen=True, kw_only=True)
class GoldenInputs:
    """What golden rows are made of."""

    contract: InputContract
    sample: Sequence[Row]
    """Rows of the holdout, at least one."""
    ranges: Mapping[str, tuple[float, float]]
    """Smallest and largest value of each number in the training window."""
    levels: Mapping[str, Sequence[str]]
    """Levels that the model knows of each category."""


def choose_sample(keys: NDArray[np.int64], rows: int = SAMPLED_ROWS) -> NDArray[np.int64]:
    """Choose rows by their keys alone: positions, in the order of the keys."""
    spread = keys.astype(np.uint64) * _SPREAD
    chosen = np.argsort(spread, kind="stable")[:rows]
    return chosen[np.argsort(keys[chosen], kind="stable")]


def build_golden_rows(inputs: GoldenInputs) -> tuple[Row, ...]:
    """Build the rows: the sample, then the edges around its most complete row; no row twice."""
    base = min(inputs.sample, key=_missing)
    rows = [*inputs.sample, *_missing_rows(inputs, base), *_unseen_rows(inputs, base)]
    rows += [*_extreme_rows(inputs, base), *_level_rows(inputs, base)]
    unique = {tuple(row[name] for name in inputs.contract.names): row for row in rows}
    return tuple(unique.values())


def cell_text(column: Column, value: float | str | None) -> str | None:
    """Write a value of H2O's as exact text in the notation of its type."""
    if value is None or (isinstance(value, float) and np.isnan(value)):
        return None
    match column.type.kind:
        case "category":
            return str(value)
        case "int":
            return str(int(value))
        case _:
            # By `repr`, the shortest text of that double: its binary value would have a long tail.
            step = Decimal(1).scaleb(-column.type.scale)
            return format(Decimal(repr(float(value))).quantize(step), "f")


def _missing(row: Row) -> int:
    return sum(cell is None for cell in row.values())


def _missing_rows(inputs: GoldenInputs, base: Row) -> Iterator[Row]:
    """Everything missing at once that may be, then one by one."""
    nullable = [column.name for column in inputs.contract.columns if column.nullable]
    yield base | dict.fromkeys(nullable, None)
    for name in nullable:
        yield base | {name: None}


def _unseen_rows(inputs: GoldenInputs, base: Row) -> Iterator[Row]:
    names = [column.name for column in _categories(inputs.contract)]
    unseen: Row = dict.fromkeys(names, UNSEEN_LEVEL)
    yield base | unseen
    for name in names:
        yield base | {name: UNSEEN_LEVEL}


def _extreme_rows(inputs: GoldenInputs, base: Row) -> Iterator[Row]:
    values = {column.name: _extremes(column, inputs.ranges) for column in _numbers(inputs.contract)}
    for name, extremes in values.items():
        for cell in extremes:
            yield base | {name: cell}
    for together in zip(*values.values(), strict=True):
        yield base | dict(zip(values, together, strict=True))


def _extremes(column: Column, ranges: Mapping[str, tuple[float, float]]) -> tuple[str | None, ...]:
    """Far below, smallest, zero, largest, far beyond."""
    low, high = ranges.get(column.name, (0.0, 0.0))
    if column.type.kind == "int":
        farthest = str(max(_FARTHEST_INT, 2 * int(max(abs(low), abs(high)))))
    else:
        digits = min(column.type.precision, _EXACT_DIGITS)
        farthest = format(Decimal("9" * digits).scaleb(-column.type.scale), "f")
    smallest, largest = cell_text(column, low), cell_text(column, high)
    return (f"-{farthest}", smallest, cell_text(column, 0.0), largest, farthest)


def _level_rows(inputs: GoldenInputs, base: Row) -> Iterator[Row]:
    for column in _categories(inputs.contract):
        for level in inputs.levels.get(column.name, ()):
            # An empty cell is a missing value; a level that is empty can't be written.
            if level:
                yield base | {column.name: level}


def _categories(contract: InputContract) -> list[Column]:
    return [column for column in contract.columns if column.type.kind == "category"]


def _numbers(contract: InputContract) -> list[Column]:
    return [column for column in contract.columns if column.type.kind != "category"]
