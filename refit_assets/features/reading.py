"""Landed files, checked cell by cell and staged as one Parquet file a source for Spark.

Without Spark: bad input is refused before a JVM starts, and Spark reads the staged columns many
times faster than text. Belongs here: files into tables, findings by file, row and column. Does
not: the conversion of a cell (`cells`), the files' outside (`landing`).
"""

# pyarrow.compute makes its functions when it is imported; no stub lists them.
# pyright: reportAttributeAccessIssue=false

import shutil
import time
import uuid
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from refit_assets.errors import DataError, Finding
from refit_assets.features.cells import (
    NULL,
    Row,
    arrow_schema,
    as_csv,
    bad_cells,
    convert,
    csv_rows,
    json_rows,
)
from refit_assets.features.landing import CURE, MOST_FINDINGS, LandedFile, Landing
from refit_assets.spec import Source

if TYPE_CHECKING:
    import pyarrow as pa

DAY = "landed_day"
_GROUP_ROWS = 1 << 17
_STALE_SECONDS = 24 * 60 * 60
_MOST_SHOWN = 60


@contextmanager
def staged(landing: Landing, staging: Path) -> Generator[dict[str, Path]]:
    """Check all cells and give one Parquet file a source; it is removed afterwards.

    The columns are those of the source, and `landed_day` where a file lands every day.

    Raises:
        DataError: values do not parse, are missing where they are required, or rows stand twice.

    """
    _remove_stale(staging)
    # Two runs may stage days of one model at the same time.
    folder = staging / uuid.uuid4().hex
    folder.mkdir(parents=True)
    findings: list[Finding] = []
    try:
        for name in landing.spec.sources:
            findings += _stage(landing, name, folder / f"{name}.parquet")
        if findings:
            spec = landing.spec
            days = f"{landing.first} to {landing.last}"
            summary = f"landed files of {spec.name} for {days} hold bad values"
            raise DataError(summary, findings[:MOST_FINDINGS], cure=CURE)
        yield {name: folder / f"{name}.parquet" for name in landing.spec.sources}
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def staged_types(source: Source) -> dict[str, str]:
    """Return names and Spark SQL types of a staged source."""
    return {**source.columns, **({DAY: "date"} if source.daily else {})}


def _stage(landing: Landing, name: str, target: Path) -> list[Finding]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    source = landing.spec.sources[name]
    schema = arrow_schema(source)
    if source.daily:
        schema = schema.append(pa.field(DAY, pa.date32()))
    findings: list[Finding] = []
    with pq.ParquetWriter(target, schema) as writer:
        # A day is small, and a row group has costs of its own: many days share one.
        waiting: list[pa.Table] = []
        for file in landing.of_source(name):
            rows, wrong = _read(landing.folder.path(file.name), source)
            findings += wrong
            # No more of them are shown: the rest need not be read.
            if len(findings) >= MOST_FINDINGS:
                break
            if rows is not None:
                waiting.append(_with_day(rows, file, schema))
            if sum(len(rows) for rows in waiting) >= _GROUP_ROWS:
                writer.write_table(pa.concat_tables(waiting))
                waiting = []
        if waiting:
            writer.write_table(pa.concat_tables(waiting))
    return findings


def _with_day(rows: "pa.Table", file: LandedFile, schema: "pa.Schema") -> "pa.Table":
    import pyarrow as pa

    if file.day is None:
        return rows
    day = pa.repeat(pa.scalar(file.day, pa.date32()), len(rows))
    return rows.append_column(schema.field(DAY), day)


def _read(path: Path, source: Source) -> "tuple[pa.Table | None, list[Finding]]":
    """Read a file; its rows, or what is wrong with it."""
    match source.format:
        case "csv":
            return _read_csv(path, source)
        case "json_lines":
            return _read_json(path, source)
        case "parquet":
            return _read_parquet(path, source)


def _read_csv(path: Path, source: Source) -> "tuple[pa.Table | None, list[Finding]]":
    from pyarrow import ArrowInvalid

    content = path.read_bytes()
    try:
        rows = convert(content, source)
    except ArrowInvalid as error:
        # Arrow stops at the first bad cell; whoever mends the file wants all of them.
        named = _wrong_cells(path, csv_rows(content.decode()), source, source.nulls)
        return None, named or [_unnamed(path, error)]
    if _lacks(rows, source):
        return None, _wrong_cells(path, csv_rows(content.decode()), source, source.nulls)
    if _repeats(rows, source):
        return None, _repeated(path, rows, source, [r.line for r in csv_rows(content.decode())])
    return rows, []


def _read_json(path: Path, source: Source) -> "tuple[pa.Table | None, list[Finding]]":
    from pyarrow import ArrowInvalid

    names = [*source.columns]
    try:
        texts = json_rows(path.read_text(encoding="utf-8"), names)
    except ValueError as error:
        found = repr(str(error.args[0])[:_MOST_SHOWN])
        row = int(error.args[1])
        return None, [Finding(where=str(path), row=row, expected="a JSON object", found=found)]
    try:
        rows = convert(as_csv(texts, names), source, [NULL])
    except ArrowInvalid as error:
        return None, _wrong_cells(path, texts, source, [NULL]) or [_unnamed(path, error)]
    if _lacks(rows, source):
        return None, _wrong_cells(path, texts, source, [NULL])
    if _repeats(rows, source):
        return None, _repeated(path, rows, source, [row.line for row in texts])
    return rows, []


def _read_parquet(path: Path, source: Source) -> "tuple[pa.Table | None, list[Finding]]":
    import pyarrow.compute as pc
    import pyarrow.parquet as pq
    from pyarrow import ArrowException

    try:
        rows = pq.read_table(path, columns=[*source.columns]).cast(arrow_schema(source))
    except (ArrowException, OSError) as error:
        return None, [_unnamed(path, error)]
    findings: list[Finding] = []
    for name in source.required:
        empty = pc.indices_nonzero(pc.is_null(rows[name])).to_pylist()
        findings += [_missing(path, int(index) + 1, name) for index in empty[:MOST_FINDINGS]]
    if not findings and _repeats(rows, source):
        findings = _repeated(path, rows, source, range(1, len(rows) + 1))
    return (None if findings else rows), findings


def _lacks(rows: "pa.Table", source: Source) -> bool:
    return any(rows[name].null_count for name in source.required)


def _repeats(rows: "pa.Table", source: Source) -> bool:
    if not source.unique or not len(rows):
        return False
    return len(rows.group_by([*source.unique]).aggregate([])) < len(rows)


def _wrong_cells(
    path: Path, rows: Iterable[Row], source: Source, nulls: tuple[str, ...] | list[str]
) -> list[Finding]:
    wanted = len(source.columns)
    whole: list[Row] = []
    findings: list[Finding] = []
    for row in rows:
        if len(row.cells) == wanted:
            whole.append(row)
            continue
        found = f"{len(row.cells)}"
        expected = f"{wanted} columns"
        findings.append(Finding(where=str(path), row=row.line, expected=expected, found=found))
    findings += [
        Finding(
            where=str(path),
            row=cell.line,
            column=cell.column,
            expected=cell.expected,
            found="nothing" if cell.text is None else repr(cell.text[:_MOST_SHOWN]),
        )
        for cell in bad_cells(whole, source, nulls)
    ]
    return sorted(findings, key=lambda finding: finding.row or 0)


def _repeated(path: Path, rows: "pa.Table", source: Source, lines: Iterable[int]) -> list[Finding]:
    return [*_each_repeated(path, rows, source, [*lines])][:MOST_FINDINGS]


def _each_repeated(
    path: Path, rows: "pa.Table", source: Source, lines: list[int]
) -> Iterator[Finding]:
    seen: dict[tuple[object, ...], int] = {}
    columns = [rows[name].to_pylist() for name in source.unique]
    for line, values in zip(lines, zip(*columns, strict=True), strict=True):
        if values in seen:
            shown = ", ".join(str(value) for value in values)
            yield Finding(
                where=str(path),
                row=line,
                column=", ".join(source.unique),
                expected="each value once",
                found=f"({shown}) again, first in row {seen[values]}",
            )
        seen.setdefault(values, line)


def _missing(path: Path, row: int, name: str) -> Finding:
    return Finding(where=str(path), row=row, column=name, expected="a value", found="nothing")


def _unnamed(path: Path, error: Exception) -> Finding:
    found = str(error).splitlines()[0]
    return Finding(where=str(path), expected="values of the declared types", found=found)


def _remove_stale(staging: Path) -> None:
    """A killed run leaves its folder behind; a day later nobody can still be reading it."""
    for folder in staging.glob("*"):
        if time.time() - folder.stat().st_mtime > _STALE_SECONDS:
            shutil.rmtree(folder, ignore_errors=True)
