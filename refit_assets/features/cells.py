"""Cells of landed files as values: one strict conversion for every format, and who breaks it.

Whole columns are converted by Arrow, several hundred MB a second; only where that fails is each
cell asked by the very same conversion, so that what is refused and what is named cannot differ.
Belongs here: text to typed columns, and bad cells. Does not: files (`reading`), the files' outside
(`landing`).
"""

# pyarrow.compute makes its functions when it is imported; no stub lists them.
# pyright: reportAttributeAccessIssue=false

import csv
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from refit_assets.column_types import read_decimal
from refit_assets.spec import Source

if TYPE_CHECKING:
    import pyarrow as pa

NULL = "\\N"
"""How a missing JSON value is spelled on its way through the conversion."""
_SIMPLE = {
    "int": "int32",
    "bigint": "int64",
    "double": "float64",
    "string": "string",
    "date": "date32",
    "boolean": "bool_",
}


@dataclass(frozen=True, kw_only=True)
class Row:
    """A row of text and the line on which it ends; None where JSON has null or nothing."""

    line: int
    cells: tuple[str | None, ...]


@dataclass(frozen=True, kw_only=True)
class BadCell:
    """A cell that is not what its column declares."""

    line: int
    column: str
    text: str | None
    expected: str


def arrow_type(declared: str) -> "pa.DataType":
    """Return Arrow's type of a declared one, as the spec spells it."""
    import pyarrow as pa

    if declared == "timestamp":
        # Spark's instants have no more digits.
        return pa.timestamp("us", tz="UTC")
    if declared in _SIMPLE:
        return getattr(pa, _SIMPLE[declared])()
    # A spec has no other types left.
    precision, scale = read_decimal(declared) or (0, 0)
    return pa.decimal128(precision, scale)


def arrow_schema(source: Source) -> "pa.Schema":
    """Return the columns of a source, as every reader gives them."""
    import pyarrow as pa

    return pa.schema([(name, arrow_type(kind)) for name, kind in source.columns.items()])


def convert(content: bytes, source: Source, nulls: Sequence[str] | None = None) -> "pa.Table":
    """Convert CSV with its header.

    Raises:
        pyarrow.ArrowInvalid: a cell does not parse, or a row has another number of columns.

    """
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    wanted = arrow_schema(source)
    # Arrow wants every instant with a zone, or none: read as text, they may say either.
    read = {f.name: pa.string() if pa.types.is_timestamp(f.type) else f.type for f in wanted}
    options = arrow_csv.ConvertOptions(
        column_types=read,
        null_values=list(source.nulls if nulls is None else nulls),
        # By default Arrow takes no text for missing, not even one of `nulls`.
        strings_can_be_null=True,
        quoted_strings_can_be_null=True,
    )
    rows = arrow_csv.read_csv(
        io.BytesIO(content),
        # One block, as Arrow refuses a row that does not fit into one.
        read_options=arrow_csv.ReadOptions(
            use_threads=False, block_size=max(len(content), 1 << 20)
        ),
        parse_options=arrow_csv.ParseOptions(newlines_in_values=True),
        convert_options=options,
    )
    columns = [_exact(rows[f.name].combine_chunks(), f.type) for f in wanted]
    return pa.Table.from_arrays(columns, schema=wanted)


def bad_cells(rows: Sequence[Row], source: Source, nulls: Sequence[str]) -> Iterator[BadCell]:
    """Name every cell that does not parse, or is missing where it must not be."""
    for place, (name, declared) in enumerate(source.columns.items()):
        # Arrow stops at the first cell that it cannot convert: so a column, and a text, at a time.
        one = source.model_copy(update={"columns": {name: declared}})
        # Each question is a whole CSV of one cell: a text that stands again is asked about once.
        parses: dict[str | None, bool] = {None: True}
        for row in rows:
            text = row.cells[place]
            if text not in parses:
                parses[text] = _parses(text, one, nulls)
            if not parses[text]:
                yield BadCell(line=row.line, column=name, text=text, expected=declared)
            elif name in source.required and (text is None or text in nulls):
                yield BadCell(line=row.line, column=name, text=None, expected="a value")


def csv_rows(text: str) -> list[Row]:
    """Read the rows below the header, whatever their length."""
    lines = csv.reader(io.StringIO(text, newline=""))
    next(lines, None)
    # Arrow skips empty lines, too.
    return [Row(line=lines.line_num, cells=tuple(row)) for row in lines if row]


def json_rows(text: str, names: Sequence[str]) -> list[Row]:
    """Read one object a line; numbers keep the digits that they are written with.

    Raises:
        ValueError: a line is no JSON object; its second argument is the line's number.

    """
    rows: list[Row] = []
    # Not `splitlines`: it also cuts at U+2028, which a JSON text may hold.
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            values = json.loads(line, parse_int=str, parse_float=str)
            cells = tuple(_text_of(values.get(name)) for name in names)
        except (ValueError, AttributeError) as error:
            raise ValueError(line, number) from error
        rows.append(Row(line=number, cells=cells))
    return rows


def as_csv(rows: Sequence[Row], names: Sequence[str]) -> bytes:
    """Spell rows as the CSV that `convert` reads, with `NULL` where a value is missing."""
    content = io.StringIO(newline="")
    writer = csv.writer(content, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow(names)
    writer.writerows([[NULL if cell is None else cell for cell in row.cells] for row in rows])
    return content.getvalue().encode()


def _parses(text: str | None, one: Source, nulls: Sequence[str]) -> bool:
    from pyarrow import ArrowInvalid

    try:
        convert(as_csv([Row(line=1, cells=(text,))], [*one.columns]), one, nulls)
    except ArrowInvalid:
        return False
    return True


def _exact(column: "pa.Array", wanted: "pa.DataType") -> "pa.Array":
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_timestamp(wanted):
        return _instants(column, wanted)
    # Arrow reads `inf` and `nan` from text, and H2O would make infinity a missing value.
    if pa.types.is_floating(wanted) and pc.any(pc.invert(pc.is_finite(column))).as_py():
        message = "neither infinity nor NaN is a number here"
        raise pa.ArrowInvalid(message)
    return column


def _instants(column: "pa.Array", wanted: "pa.DataType") -> "pa.Array":
    """Parse ISO instants; those without a zone are in UTC."""
    import pyarrow as pa
    import pyarrow.compute as pc

    zoned = pc.match_substring_regex(column, r"(Z|[+-]\d\d:?\d\d)$")
    # Not `is True`: where every cell is missing the answer is null, and all can be cast at once.
    if pc.all(zoned).as_py() is not False:
        return pc.cast(column, wanted)
    if not pc.any(zoned).as_py():
        return pc.assume_timezone(pc.cast(column, pa.timestamp("us")), "UTC")
    with_zone = pc.if_else(zoned, column, pc.binary_join_element_wise(column, "Z", ""))
    return pc.cast(with_zone, wanted)


def _text_of(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value)
