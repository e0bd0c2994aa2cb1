"""Landed files into Spark, with every value that is not what the spec says refused.

Each source is read as text, parsed by expressions and cached; one pass over the cache finds
whether anything is wrong. Only then are rows named, by `naming`.
Belongs here: frames of sources, in the cache. Does not: expressions (`parsing`), the files'
outside (`landing`), the model's own columns (`conform`).
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from refit_assets.errors import DataError, Finding
from refit_assets.features.landing import CURE, MOST_FINDINGS, Landing
from refit_assets.features.naming import name_findings
from refit_assets.features.parsing import (
    BAD,
    CORRUPT,
    DAY,
    RawSource,
    cell_rules,
    identity,
    landed_day,
    parsed,
)
from refit_assets.spec import Source

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


@contextmanager
def read_landed(spark: "SparkSession", landing: Landing) -> "Iterator[dict[str, DataFrame]]":
    """Give each source's rows, typed and cached, with `landed_day`; free them afterwards.

    Raises:
        DataError: values do not parse, are missing where they are required, or rows stand twice.

    """
    cached: dict[str, DataFrame] = {}
    wrong: list[RawSource] = []
    try:
        for name, source in landing.spec.sources.items():
            raw = RawSource(name=name, source=source, frame=_raw_frame(spark, landing, name))
            cached[name] = _typed(raw).persist()
            if not _sound(cached[name], source):
                wrong.append(raw)
        if wrong:
            _refuse(landing, wrong)
        yield {name: frame.drop(BAD) for name, frame in cached.items()}
    finally:
        for frame in cached.values():
            frame.unpersist()


def _raw_frame(spark: "SparkSession", landing: Landing, name: str) -> "DataFrame":
    source = landing.spec.sources[name]
    paths = [str(landing.folder.path(file.name)) for file in landing.of_source(name)]
    reader = spark.read.schema(_raw_schema(source))
    if source.format == "parquet":
        return reader.parquet(*paths)
    reader = reader.option("mode", "PERMISSIVE").option("columnNameOfCorruptRecord", CORRUPT)
    if source.format == "json_lines":
        return reader.json(paths)
    # Quotes are doubled as RFC 4180 has it; Spark's default is a backslash.
    return reader.option("header", value=True).option("escape", '"').csv(paths)


def _raw_schema(source: Source) -> str:
    if source.format == "parquet":
        return ", ".join(f"`{name}` {kind}" for name, kind in source.columns.items())
    return ", ".join(f"`{name}` string" for name in (*source.columns, CORRUPT))


def _typed(raw: RawSource) -> "DataFrame":
    from pyspark.sql import functions as f

    source = raw.source
    columns = [parsed(source, name).alias(name) for name in source.columns]
    if source.daily:
        columns.append(landed_day(source).alias(DAY))
    bad = f.expr("false")
    for rule in cell_rules(source):
        bad = bad | rule.broken
    return raw.frame.select(*columns, bad.alias(BAD))


def _sound(typed: "DataFrame", source: Source) -> bool:
    from pyspark.sql import functions as f

    bad = f.coalesce(f.bool_or(f.col(BAD)), f.expr("false"))
    if not source.unique:
        return not typed.agg(bad).collect()[0][0]
    groups = typed.groupBy(*identity(source)).agg(f.count("*").alias("rows"), bad.alias(BAD))
    twice = f.coalesce(f.bool_or(f.col("rows") > 1), f.expr("false"))
    return not groups.agg(bad | twice).collect()[0][0]


def _refuse(landing: Landing, wrong: Sequence[RawSource]) -> None:
    findings: list[Finding] = []
    for raw in wrong:
        findings += name_findings(landing, raw, cell_rules(raw.source))
    spec = landing.spec
    summary = f"landed files of {spec.name} for {landing.first} to {landing.last} hold bad values"
    raise DataError(summary, findings[:MOST_FINDINGS], cure=CURE)
