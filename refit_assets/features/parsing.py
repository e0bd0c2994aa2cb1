"""How text of a landed file becomes values: expressions of Spark, and the rules cells must keep.

Belongs here: parsing one cell, what makes a row bad. Does not: reading files (`reading`), naming
the rows that are bad (`naming`).
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from refit_assets.spec import Source

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

CORRUPT = "_corrupt"
BAD = "_bad"
DAY = "landed_day"
_SHORTEST_TIMESTAMP = len("2013-01-01T00:00")
_ISO_DATE = len("2013-01-01")
_MOST_DIGITS = 38


@dataclass(frozen=True, kw_only=True)
class RawSource:
    """A source as Spark sees its files: all text, or Parquet's own types."""

    name: str
    source: Source
    frame: "DataFrame"


def parsed(source: Source, name: str) -> "Column":
    """Parse one column of text; null where it is missing, and where it does not parse."""
    from pyspark.sql import functions as f

    text = _text(source, name)
    declared = source.columns[name].lower().replace(" ", "")
    if source.format == "parquet" or declared == "string":
        return text
    value = text.try_cast(declared)
    doubtful = _doubtful(text, value, declared)
    return value if doubtful is None else f.when(~doubtful, value)


def _doubtful(text: "Column", value: "Column", declared: str) -> "Column | None":
    """Say where Spark's cast is more lenient than a file has reason to be."""
    from pyspark.sql import functions as f

    if declared == "timestamp":
        return f.length(text) < _SHORTEST_TIMESTAMP
    if declared == "date":
        return f.length(text) != _ISO_DATE
    if declared in {"double", "float"}:
        return f.isnan(value) | (f.abs(value) == f.lit(float("inf")))
    if declared.startswith("decimal"):
        # A cast alone rounds what has more digits after the point than declared.
        return text.try_cast(_widest(declared)) != value
    return None


def unparsable(source: Source, name: str) -> "Column":
    """Say whether a cell holds a text that does not parse."""
    return _text(source, name).isNotNull() & parsed(source, name).isNull()


def missing(source: Source, name: str) -> "Column":
    """Say whether a cell is missing, parsable or not."""
    return _text(source, name).isNull()


def identity(source: Source) -> tuple[str, ...]:
    """Columns that identify a row over all files of a source."""
    return (*source.unique, *((DAY,) if source.daily else ()))


def _text(source: Source, name: str) -> "Column":
    from pyspark.sql import functions as f

    raw = f.col(f"`{name}`")
    if source.format != "csv":
        return raw
    # Spark's reader has one null text only, and gives an empty cell as null whatever it is.
    if "" not in source.nulls:
        raw = f.coalesce(raw, f.lit(""))
    texts = [text for text in source.nulls if text]
    return f.when(~raw.isin(texts), raw) if texts else raw


def _widest(declared: str) -> str:
    precision, scale = map(int, declared.removeprefix("decimal(").removesuffix(")").split(","))
    return f"decimal({_MOST_DIGITS},{_MOST_DIGITS - precision + scale})"


def landed_day(source: Source) -> "Column":
    """Take the day from the file's name: it stands at a fixed distance from the end."""
    from pyspark.sql import functions as f

    after = quote(source.path.rsplit("{day}", 1)[1])
    place = -(len(after) + _ISO_DATE)
    return f.substring(f.col("_metadata.file_path"), place, _ISO_DATE).cast("date")


@dataclass(frozen=True, kw_only=True)
class Rule:
    """What a cell of a row must be; `broken` is never null."""

    column: str | None
    expected: str
    broken: "Column"


def cell_rules(source: Source) -> list[Rule]:
    """Build the rules of all cells of a source's row, and of the row as such."""
    from pyspark.sql import functions as f

    rules: list[Rule] = []
    if source.format != "parquet":
        shape = f"{len(source.columns)} columns" if source.format == "csv" else "a JSON object"
        broken = f.col(CORRUPT).isNotNull()
        rules.append(Rule(column=None, expected=shape, broken=broken))
    for name, declared in source.columns.items():
        if source.format != "parquet" and declared != "string":
            broken = unparsable(source, name)
            rules.append(Rule(column=name, expected=declared, broken=broken))
        if name in source.required:
            rules.append(Rule(column=name, expected="a value", broken=missing(source, name)))
    return rules
