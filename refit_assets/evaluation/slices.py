"""Levels of a column, to slice a holdout by: a category's own, a number's values or quarters."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from refit_assets.evaluation.holdout import ArrowColumn, column_text, pc

MISSING = "(missing)"
MOST_VALUES = 12
"""Numbers with more distinct values are cut into quarters of about the same number of rows."""


@dataclass(frozen=True, kw_only=True)
class Level:
    """Rows of one level."""

    name: str
    places: NDArray[np.intp]


def slice_levels(column: ArrowColumn) -> Sequence[Level]:
    """Split rows by a column's levels, in the order of the alphabet or of the numbers.

    Every row is in exactly one level; missing values are a level of their own, the last.
    """
    present = column.drop_null()
    number = not pa.types.is_string(column.type)
    if number and len(pc.unique(present)) > MOST_VALUES:
        return _quarters(column)
    return _values(column, number=number)


def _values(column: ArrowColumn, *, number: bool) -> Sequence[Level]:
    coded = column_text(column).dictionary_encode()
    codes = pc.fill_null(coded.indices, -1).to_numpy(zero_copy_only=False)
    names: list[str] = coded.dictionary.to_pylist()
    # Numbers by their value: as texts, 10 comes before 9.
    places = sorted(range(len(names)), key=lambda at: float(names[at]) if number else names[at])
    levels = [_level(names[at], codes == at) for at in places]
    return [*levels, *_missing(codes == -1)]


def _quarters(column: ArrowColumn) -> Sequence[Level]:
    text = column_text(column)
    values = text.cast(pa.float64()).to_numpy(zero_copy_only=False)
    present = values[~np.isnan(values)]
    # Bounds are values that occur, so that their exact text can name the level.
    bounds = np.unique(np.quantile(present, [0, 0.25, 0.5, 0.75, 1], method="lower"))
    quarter = np.searchsorted(bounds[1:-1], values, side="right")
    texts = [_plain(bound) for bound in bounds]
    levels: list[Level] = []
    for at, low in enumerate(texts[:-1]):
        last = at == len(texts) - 2
        name = f"{low} to {texts[at + 1]}" if last else f"{low} to below {texts[at + 1]}"
        levels.append(_level(name, (quarter == at) & ~np.isnan(values)))
    return [*levels, *_missing(np.isnan(values))]


def _plain(value: np.float64) -> str:
    return np.format_float_positional(value, trim="-")


def _level(name: str, held: NDArray[np.bool_]) -> Level:
    return Level(name=name, places=np.flatnonzero(held))


def _missing(held: NDArray[np.bool_]) -> Sequence[Level]:
    return [_level(MISSING, held)] if held.any() else []
