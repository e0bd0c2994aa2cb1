"""Findings by file, row and column, once it is known that landed values are bad.

Runs only then: Spark says which cells are bad, by the same rules that found them, and the files
are read again to tell the rows where they stand.
"""

import csv
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from refit_assets.errors import Finding
from refit_assets.features.landing import MOST_FINDINGS, Landing
from refit_assets.features.parsing import (
    CORRUPT,
    DAY,
    RawSource,
    Rule,
    identity,
    landed_day,
    parsed,
)

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

_FILE = "_file"
_MOST_SHOWN = 60


def name_findings(landing: Landing, raw: RawSource, rules: Sequence[Rule]) -> list[Finding]:
    """Name up to twenty bad cells or rows that stand twice, in the order of files and rows."""
    del landing
    findings = [*_bad_cells(raw, rules)]
    if raw.source.unique and len(findings) < MOST_FINDINGS:
        findings += _rows_twice(raw)
    return sorted(findings, key=lambda found: (found.where, found.row or 0))[:MOST_FINDINGS]


def _bad_cells(raw: RawSource, rules: Sequence[Rule]) -> Iterator[Finding]:
    from pyspark.sql import functions as f

    broken = f.array(*(rule.broken for rule in rules)).alias("_broken")
    frame = _with_file(raw.frame).select("*", broken)
    rows = frame.where(f.array_contains("_broken", value=True)).limit(MOST_FINDINGS).collect()
    places = _Places(raw)
    for row in rows:
        path = _path(row[_FILE])
        cells = {name: row[name] for name in raw.source.columns}
        corrupt = row[CORRUPT] if CORRUPT in row else None  # noqa: SIM401 - a Row has no get
        number = places.of_row(path, cells, corrupt)
        for rule, is_broken in zip(rules, row["_broken"], strict=True):
            if is_broken and not (corrupt is not None and rule.column):
                yield _finding(path, number, rule, cells, corrupt)


def _finding(
    path: Path, number: int | None, rule: Rule, cells: Mapping[str, Any], corrupt: str | None
) -> Finding:
    value = corrupt if rule.column is None else cells[rule.column]
    found = "nothing" if value is None else repr(str(value)[:_MOST_SHOWN])
    return Finding(
        where=str(path), row=number, column=rule.column, expected=rule.expected, found=found
    )


def _rows_twice(raw: RawSource) -> Iterator[Finding]:
    from pyspark.sql import functions as f

    source = raw.source
    frame = _with_file(raw.frame)
    typed = [parsed(source, name).alias(f"typed_{name}") for name in source.unique]
    if source.daily:
        typed.append(landed_day(source).alias(f"typed_{DAY}"))
    cells = f.struct(*(f.col(f"`{name}`").cast("string") for name in source.unique))
    groups = (
        frame.select(_FILE, cells.alias("cells"), *typed)
        .groupBy(*(f"typed_{name}" for name in identity(source)))
        .agg(f.count("*").alias("rows"), f.collect_set(f.struct(_FILE, "cells")).alias("seen"))
    )
    places = _Places(raw)
    for group in groups.where("rows > 1").limit(MOST_FINDINGS).collect():
        yield _twice(raw, group, places)


def _twice(raw: RawSource, group: Any, places: "_Places") -> Finding:  # noqa: ANN401 - a Row
    seen = [(_path(found[_FILE]), found["cells"].asDict()) for found in group["seen"]]
    rows = sorted({(path, row) for path, cells in seen for row in places.of_cells(path, cells)})
    path, number = rows[-1] if rows else (seen[0][0], None)
    values = ", ".join(str(value) for value in seen[0][1].values())
    before = f", first in row {rows[0][1]}" if rows else ""
    return Finding(
        where=str(path),
        row=number,
        column=", ".join(raw.source.unique),
        expected="each value once",
        found=f"({values}) {group['rows']} times{before}",
    )


def _with_file(frame: "DataFrame") -> "DataFrame":
    from pyspark.sql import functions as f

    return frame.withColumn(_FILE, f.col("_metadata.file_path"))


def _path(uri: str) -> Path:
    return Path(unquote(urlsplit(uri).path))


class _Places:
    """Rows of files, by what stands in them; each file is read once."""

    def __init__(self, raw: RawSource) -> None:
        self._source = raw.source
        self._files: dict[Path, list[tuple[int, tuple[str | None, ...]]]] = {}
        self._given: defaultdict[tuple[Path, object], int] = defaultdict(int)

    def of_row(self, path: Path, cells: Mapping[str, Any], corrupt: str | None) -> int | None:
        """Find the next row that holds just these cells, or just this unreadable text."""
        if self._source.format == "parquet":
            return None
        wanted = tuple(None if value is None else str(value) for value in cells.values())
        rows = self._of_text(path, corrupt) if corrupt else self._of_values(path, wanted)
        # Two rows with the same bad content are two findings, each with its own number.
        seen = self._given[path, corrupt or wanted]
        self._given[path, corrupt or wanted] += 1
        return rows[min(seen, len(rows) - 1)] if rows else None

    def of_cells(self, path: Path, cells: Mapping[str, str | None]) -> list[int]:
        """Find all rows that hold these texts in these columns."""
        if self._source.format == "parquet":
            return []
        names = [*self._source.columns]
        places = {names.index(name): text for name, text in cells.items()}
        return [
            number
            for number, row in self._rows(path)
            if len(row) == len(names)
            and all((row[place] or None) == (text or None) for place, text in places.items())
        ]

    def _of_values(self, path: Path, wanted: tuple[str | None, ...]) -> list[int]:
        empty = tuple(text or None for text in wanted)
        return [n for n, row in self._rows(path) if tuple(text or None for text in row) == empty]

    def _of_text(self, path: Path, corrupt: str) -> list[int]:
        lines = path.read_text(encoding="utf-8", errors="replace").split("\n")
        return [n for n, line in enumerate(lines, 1) if line.rstrip("\r") == corrupt]

    def _rows(self, path: Path) -> list[tuple[int, tuple[str | None, ...]]]:
        if path not in self._files:
            read = _csv_rows if self._source.format == "csv" else _json_rows
            self._files[path] = [*read(path, [*self._source.columns])]
        return self._files[path]


def _csv_rows(path: Path, names: Sequence[str]) -> Iterator[tuple[int, tuple[str | None, ...]]]:
    del names
    with path.open(encoding="utf-8", newline="") as file:
        lines = csv.reader(file)
        for row in lines:
            yield lines.line_num, tuple(row)


def _json_rows(path: Path, names: Sequence[str]) -> Iterator[tuple[int, tuple[str | None, ...]]]:
    for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), 1):
        try:
            values = json.loads(line, parse_int=str, parse_float=str)
        except ValueError:
            continue
        yield number, tuple(_json_text(values.get(name)) for name in names)


def _json_text(value: Any) -> str | None:  # noqa: ANN401 - whatever JSON holds
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value)
