"""Parity: golden rows, and whether two tables of predictions are the same to the last bit.

Belongs here: examples.csv (inputs with the cluster's predictions), comparing. Does not: scoring
(`score`), and what follows from a difference (`package`, the evaluation).
"""

import csv
import struct
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import TextIO, TypeAlias

from refit_assets.errors import DataError, Finding

Cell: TypeAlias = str | float | int | None
"""A value of a table; None and NaN are missing."""

PREDICTION = "predict"
PROBABILITY = "p:"
CALIBRATED = "cal:"


@dataclass(frozen=True, kw_only=True)
class ParityReport:
    """Whether a jar predicts what the training cluster predicted."""

    proven: bool
    """False where the cluster's predictions were not known, or differ."""
    golden_rows: int
    """Rows compared with the cluster's predictions."""
    adversarial_rows: int
    """Odd rows on which the fast path was compared with H2O's own scoring."""
    differing: int
    differences: tuple[str, ...] = ()
    """A line for every row that differs: its number from 0, column, expected, found."""


def is_prediction(name: str) -> bool:
    """Whether a column of an examples.csv holds a prediction rather than an input."""
    return name in {PREDICTION, "mean_length"} or name.startswith((PROBABILITY, CALIBRATED))


def prediction_names(columns: Sequence[str], classes: Sequence[str]) -> list[str]:
    """Rename the columns of H2O's prediction frame: `p0` to `p:0`, `cal_p0` to `cal:0`.

    H2O mangles class names; their order is that of the classes, always.
    """
    if not classes:
        return [PREDICTION, *columns[1:]]
    names = [f"{PROBABILITY}{label}" for label in classes]
    if len(columns) > 1 + len(classes):
        names += [f"{CALIBRATED}{label}" for label in classes]
    return [PREDICTION, *names]


def write_examples(path: Path, columns: Mapping[str, Sequence[Cell]]) -> None:
    """Write a table of named columns; doubles so that they read back as the same bits."""
    with path.open("w", newline="", encoding="utf-8") as stream:
        out = csv.writer(stream, lineterminator="\n")
        out.writerow(columns)
        rows = zip(*columns.values(), strict=True)
        out.writerows([render_cell(cell) for cell in row] for row in rows)


def render_cell(cell: Cell) -> str:
    """Render a value for a CSV file; missing ones are empty."""
    if cell is None or cell != cell:  # noqa: PLR0124 - NaN is what differs from itself
        return ""
    return repr(float(cell)) if isinstance(cell, float) else str(cell)


@contextmanager
def opened_table(path: Path) -> Generator[tuple[list[str], Iterator[list[str]]]]:
    """Open a CSV file and yield its header and its rows, as texts.

    Raises:
        DataError: there is no such file, or it has no header, or a name stands twice in it, or
            (while it is read) a row is longer or shorter, or not in UTF-8.

    """
    try:
        # Spreadsheets write a byte order mark before the first name.
        stream = path.open(newline="", encoding="utf-8-sig")
    except OSError as error:
        message = f"{path} can't be read: {error.strerror}"
        raise DataError(message) from error
    with stream:
        rows = _whole_rows(path, stream)
        header = next(rows, None)
        if not header:
            message = f"{path} is empty: expected a header with the input columns"
            raise DataError(message)
        twice = sorted({name for name in header if header.count(name) > 1})
        if twice:
            message = f"{path}: the header names {', '.join(twice)} twice"
            raise DataError(message)
        yield header, rows


def _whole_rows(path: Path, stream: TextIO) -> Iterator[list[str]]:
    """Yield the header and the rows that are as long; blank lines are no rows."""
    lines = csv.reader(stream)
    cells = 0
    try:
        for row in lines:
            if row and len(row) != (cells or len(row)):
                message = f"{path}, line {lines.line_num}: expected {cells} cells, found {len(row)}"
                raise DataError(message)
            cells = cells or len(row)
            if row:
                yield row
    except UnicodeDecodeError as error:
        message = f"{path}, after line {lines.line_num}: not in UTF-8 ({error.reason})"
        raise DataError(message, cure="save it as UTF-8") from error


def compare_predictions(expected: Path, actual: Path, *, adversarial_rows: int = 0) -> ParityReport:
    """Compare all prediction columns of two CSV files, row by row, bit by bit.

    Columns of inputs are left out; prediction columns of `expected` must all be in `actual`, and
    the other way round. Without any in `expected`, nothing is proven.
    """
    with opened_table(expected) as (wanted, rows), opened_table(actual) as (found, others):
        names = [name for name in wanted if is_prediction(name)]
        compared = _Compared(names=names, actual=actual, wanted=wanted, found=found)
        if not names:
            return ParityReport(
                proven=False, golden_rows=0, adversarial_rows=adversarial_rows, differing=0
            )
        differences: list[str] = []
        count = 0
        for row, other in zip_longest(rows, others):
            difference = compared.difference(count, row, other)
            differences += [] if difference is None else [difference]
            count += 1
    return ParityReport(
        proven=not differences and count > 0,
        golden_rows=count,
        adversarial_rows=adversarial_rows,
        differing=len(differences),
        differences=tuple(differences),
    )


class _Compared:
    """Where the compared columns stand in both files."""

    def __init__(
        self, *, names: Sequence[str], actual: Path, wanted: Sequence[str], found: Sequence[str]
    ) -> None:
        given = [name for name in found if is_prediction(name)]
        if names and set(names) != set(given):
            finding = Finding(where=str(actual), expected=", ".join(names), found=", ".join(given))
            message = "the prediction columns are not those of the examples"
            raise DataError(message, [finding])
        self.columns = [(name, wanted.index(name), found.index(name)) for name in names]

    def difference(
        self, number: int, row: Sequence[str] | None, other: Sequence[str] | None
    ) -> str | None:
        if row is None or other is None:
            return f"row {number}: stands in one of the two files only"
        unlike = [
            f"{name}: expected {row[at]}, found {other[there]}"
            for name, at, there in self.columns
            if row[at] != other[there] and not _same(row[at], other[there])
        ]
        return f"row {number}: {'; '.join(unlike)}" if unlike else None


def _same(expected: str, actual: str) -> bool:
    try:
        return _bits(expected) == _bits(actual)
    except ValueError:
        return False


def _bits(text: str) -> bytes:
    value = float(text) if text else float("nan")
    # All NaN are one answer, whatever their bits; zero and minus zero are two.
    return b"NaN" if value != value else struct.pack(">d", value)  # noqa: PLR0124 - see above
