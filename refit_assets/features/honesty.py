"""Whether features use only what was known: mutates the future, computes again, and compares.

The instants are knowledge times of the day's own rows. Everything that the spec says became known
after such an instant is altered or forgotten; a row known by then must come out as it was. Owners
write no test for this: `known` and `row_known` of their sources are all that it needs.
Belongs here: the mutation and the comparison. Does not: suspicions without proof (`leakage`).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from refit_assets.artefacts import Folder
from refit_assets.errors import DataError, Finding
from refit_assets.features.job import find_features
from refit_assets.features.landing import inspect_landing
from refit_assets.features.reading import staged, staged_types
from refit_assets.spec import ModelSpec, Source

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, SparkSession

INSTANTS = 3

_MICROS = "honesty__known"

Row = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Honesty:
    """What was compared, all of it equal."""

    model: str
    days: tuple[date, ...]
    instants: tuple[datetime, ...]
    rows: int
    """Rows compared, summed over the instants."""
    touched: int
    """Rows that did change, as rows known later or targets should: the mutation had an effect."""


def check_honesty(
    spark: "SparkSession",
    spec: ModelSpec,
    landing: Folder,
    days: Sequence[date],
    *,
    staging: Path,
    instants: int = INSTANTS,
) -> Honesty:
    """Mutate what lies after some instants of each day; the features known by then must not change.

    Args:
        spark: Any session; one of its own is opened over it.
        spec: The model.
        landing: The landing zone, with all that the days read.
        days: Each is computed alone, `instants` + 1 times. Its rows are collected.
        staging: A folder for Parquet files, emptied afterwards.
        instants: How many knowledge times of each day are tried.

    Raises:
        DataError: features changed (names day, row and feature), or nothing was put to the test.

    """
    session = spark.newSession()
    session.conf.set("spark.sql.session.timeZone", "UTC")
    checked = [_check_day(session, spec, landing, day, staging, instants=instants) for day in days]
    findings = [finding for one in checked for finding in one.findings]
    if findings:
        summary = f"features of {spec.name} use what was not known yet"
        cure = "Correct features.py, or the `known` of the source if it says too late an instant."
        raise DataError(summary, findings, cure=cure)
    honesty = Honesty(
        model=spec.name,
        days=tuple(days),
        instants=tuple(_instant(micros) for one in checked for micros in one.instants),
        rows=sum(one.rows for one in checked),
        touched=sum(one.touched for one in checked),
    )
    if not honesty.rows or not honesty.touched:
        message = (
            f"{spec.name}: nothing was put to the test, {honesty.rows} rows compared and "
            f"{honesty.touched} touched: say in the sources when columns become `known`"
        )
        raise DataError(message)
    return honesty


def sample_days(days: Sequence[date], number: int) -> tuple[date, ...]:
    """Choose days spread evenly, the last one included; always the same ones."""
    step = max(len(days) / number, 1)
    return tuple(sorted({days[-1 - int(n * step)] for n in range(min(number, len(days)))}))


def mutate(source: Source, frame: "DataFrame", micros: int) -> "DataFrame":
    """Alter or forget what became known after an instant, in microseconds since 1970.

    Of the rows with such values one half has them altered and the other lacks them, so that
    neither a wrong value nor a missing one can hide. Columns that tell when something became known
    are forgotten only: altered, they would date it anew, and honest features would believe them.
    """
    from pyspark.sql import functions as f

    columns = frame.columns
    if source.row_known is not None:
        # Forgotten as a whole; what never becomes known is not there either.
        frame = frame.where(~_is_later(source.row_known, micros))
    later = {name: _is_later(one.at, micros) for one in source.known for name in one.columns}
    # By a hash and not by chance, so that a finding comes again for whoever looks into it.
    forget = f.pmod(f.xxhash64(*columns), f.lit(2)) == 0
    clocks = {name for name in columns if any(_names(one.at, name) for one in source.known)}
    return frame.select(
        *(
            f.when(later[name] & forget, None)
            .when(later[name], f.col(name) if name in clocks else f.expr(_another(name, source)))
            .otherwise(f.col(name))
            .alias(name)
            if name in later
            else f.col(name)
            for name in columns
        )
    )


@dataclass(frozen=True, kw_only=True)
class _Checked:
    instants: tuple[int, ...]
    rows: int
    touched: int
    findings: tuple[Finding, ...]


def _check_day(
    session: "SparkSession",
    spec: ModelSpec,
    landing: Folder,
    day: date,
    staging: Path,
    *,
    instants: int,
) -> _Checked:
    compute = find_features(spec)
    findings: list[Finding] = []
    compared = touched = 0
    with staged(inspect_landing(landing, spec, day, day), staging) as files:
        frames = {
            name: _read(session, source, files[name]) for name, source in spec.sources.items()
        }
        honest = _rows(compute(frames), spec, day)
        tried = _sample_instants(honest, instants)
        for micros in tried:
            mutated = {
                name: mutate(spec.sources[name], frame, micros) for name, frame in frames.items()
            }
            again = _rows(compute(mutated), spec, day)
            known = [key for key, row in honest.items() if row[_MICROS] <= micros]
            compared += len(known)
            touched += sum(row != again.get(key) for key, row in honest.items())
            findings += _compare(spec, day, micros, honest, again)
    return _Checked(instants=tried, rows=compared, touched=touched, findings=tuple(findings))


def _read(session: "SparkSession", source: Source, path: Path) -> "DataFrame":
    schema = ", ".join(f"`{name}` {kind}" for name, kind in staged_types(source).items())
    return session.read.schema(schema).parquet(path.as_uri())


def _rows(answered: "DataFrame", spec: ModelSpec, day: date) -> dict[int, Row]:
    """Rows of a day by key. Instants are numbers: Python's would be in this machine's zone."""
    from pyspark.sql import functions as f

    features = spec.features
    known = f.col(features.knowledge_time).cast("timestamp")
    names = [features.key, *features.columns, spec.target.column]
    rows = answered.where(f.col("day") == f.lit(day)).select(
        *names, f.unix_micros(known).alias(_MICROS)
    )
    return {row[features.key]: row.asDict() for row in rows.collect()}


def _sample_instants(rows: Mapping[int, Row], number: int) -> tuple[int, ...]:
    known = sorted({row[_MICROS] for row in rows.values()})
    # The earliest is one of them: against it the most is still to come.
    places = {len(known) * n // number for n in range(number)}
    return tuple(known[place] for place in sorted(places)) if known else ()


def _compare(
    spec: ModelSpec, day: date, micros: int, honest: Mapping[int, Row], again: Mapping[int, Row]
) -> list[Finding]:
    """What differs among the rows that one or the other takes to be known by the instant."""
    findings: list[Finding] = []
    for key in sorted({*honest, *again}):
        before, after = honest.get(key), again.get(key)
        if not any(row is not None and row[_MICROS] <= micros for row in (before, after)):
            continue
        for name in (spec.features.key, _MICROS, *spec.features.columns):
            one, other = (row and row[name] for row in (before, after))
            if one != other:
                findings.append(
                    Finding(
                        where=f"{spec.name} {day}, key {key}, as of {_instant(micros):%H:%M:%S}Z",
                        column=spec.features.knowledge_time if name == _MICROS else name,
                        expected=f"{one} as before" if before else "no row, as before",
                        found=f"{other} once the future was changed" if after else "no row",
                    )
                )
                break  # the first feature of a row tells where to look
    return findings


def _is_later(at: str, micros: int) -> "Column":
    """Whether an instant lies after the given one, or never comes."""
    from pyspark.sql import functions as f

    instant = f.unix_micros(f.expr(at).cast("timestamp"))
    return f.coalesce(instant > micros, f.lit(True))  # noqa: FBT003 - a literal of Spark


def _names(expression: str, column: str) -> bool:
    # By words: a column taken for a clock by mistake is still forgotten in half of its rows.
    return re.search(rf"\b{re.escape(column)}\b", expression) is not None


def _another(name: str, source: Source) -> str:
    """Spark SQL for another value of the same type; whole numbers move far up, as delays would."""
    match source.columns[name].strip().lower():
        case "int" | "bigint":
            return f"`{name}` + 997"
        case "string":
            return f"concat('~', `{name}`)"
        case "boolean":
            return f"not `{name}`"
        case "date":
            return f"date_add(`{name}`, 1)"
        case "timestamp":
            return f"`{name}` + interval 1 day"
        case _:
            return f"-`{name}`"


def _instant(micros: int) -> datetime:
    return datetime.fromtimestamp(micros / 1e6, UTC)
