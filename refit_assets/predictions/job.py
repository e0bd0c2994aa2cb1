"""The predictions program: days of the feature table in, days of scores and their records out.

Spark scores by the jar's own function, so what serves is what scored. Days are replaced whole, in
one commit, once every row of them has a score. Belongs here: the Spark side. Does not: the
choice of the version (`release.serving`), where the jar comes from (`resources.spark`).
"""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from refit_assets.errors import DataError, Finding
from refit_assets.features.digest import SUMS, aggregate_days, digest_of_day
from refit_assets.features.job import open_catalogue
from refit_assets.features.memory import memory_named
from refit_assets.features.table import DayRecord, files_by_day, find_snapshot
from refit_assets.features.writing import prepare_table, replace_days, spark_name
from refit_assets.predictions.jar import SparkFunction, read_function
from refit_assets.predictions.table import (
    LABEL,
    NAMESPACE,
    SCORE,
    VERSION,
    PredictedDay,
    prediction_types,
    predictions_table,
)
from refit_assets.spec import ModelSpec

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, SparkSession

FUNCTION = "refit_score"


@dataclass(frozen=True, kw_only=True)
class PredictionsRequest:
    """Which days are to be scored by which jar; the days follow each other without a gap."""

    spec: ModelSpec
    days: tuple[DayRecord, ...]
    """The days of the feature table as they were recorded, in order."""
    snapshot_id: int
    """Of the feature table, in which those days lie."""
    version: str
    mojo_sha256: str
    jar: str
    """Name of the runnable jar in the store."""
    catalogue_uri: str
    warehouse_uri: str
    run_id: str

    @property
    def first(self) -> date:
        """The first day."""
        return self.days[0].day

    @property
    def last(self) -> date:
        """The last day."""
        return self.days[-1].day


@dataclass(frozen=True, kw_only=True)
class PredictionsResult:
    """What the table now holds of each asked day, in order; empty days included."""

    days: tuple[PredictedDay, ...]


def predict_days(
    spark: "SparkSession", request: PredictionsRequest, jar: Path, progress: Callable[[str], None]
) -> PredictionsResult:
    """Score days of the feature table and replace them whole in the table of predictions.

    Args:
        spark: Any session with Iceberg's jars, to which no other version of this jar was added.
        request: The days and the version.
        jar: The runnable jar, fetched; it must stay where it is as long as Spark runs.
        progress: Told one line at a time.

    Raises:
        DataError: a row cannot be scored, or the days are not the recorded ones. Nothing was
            replaced.
        WorkloadFailed: Spark's memory was short.

    """
    session = open_catalogue(spark, request.catalogue_uri, request.warehouse_uri)
    scored = _scored(session, request, _register(session, jar))
    with memory_named(f"predictions of {request.first} to {request.last}"):
        # Persisted: what is digested and what is written must be the same rows, scored once.
        scored.persist()
        try:
            found = _checked(scored, request)
            progress(f"{sum(rows for rows, _ in found.values())} rows scored by {request.version}")
            return PredictionsResult(days=_replace(session, scored, request, found))
        finally:
            scored.unpersist()


def _register(session: "SparkSession", jar: Path) -> SparkFunction:
    """Make the jar's function known to the session, and its classes to every executor."""
    function = read_function(jar)
    # One version an application: another's classes have the same names, and those that were
    # loaded first would score (decision 0012).
    session.sql(f"ADD JAR '{jar.as_posix()}'").collect()
    # Spark's Python has no door to the classes of an added jar: its loader is the JVM's.
    jvm: Any = session
    loader = jvm._jsparkSession.artifactManager().classloader()  # noqa: SLF001
    answer_type = loader.loadClass(function.class_name).getMethod("answerType", None)
    session.udf.registerJavaFunction(FUNCTION, function.class_name, answer_type.invoke(None, None))
    return function


def _scored(
    session: "SparkSession", request: PredictionsRequest, function: SparkFunction
) -> "DataFrame":
    from pyspark.sql import functions as f

    spec = request.spec
    rows = session.read.option("versionAsOf", str(request.snapshot_id)).table(spark_name(spec.name))
    inputs = ", ".join(f"`{name}`" for name in function.inputs)
    days = f.col("day").between(f.lit(request.first), f.lit(request.last))
    answered = rows.where(days).select(
        "day", spec.features.key, f.expr(f"{FUNCTION}(struct({inputs}))").alias("answer")
    )
    return answered.select("day", spec.features.key, *_answers(spec, request.version))


def _answers(spec: ModelSpec, version: str) -> "list[Column]":
    from pyspark.sql import functions as f

    answers = {SCORE: f"p:{spec.target.positive}" if spec.classification else "predict"}
    if spec.classification:
        answers = {LABEL: "predict", **answers}
    columns = [f.col("answer").getField(field).alias(name) for name, field in answers.items()]
    return [*columns, f.lit(version).alias(VERSION)]


def _checked(
    scored: "DataFrame", request: PredictionsRequest
) -> dict[date, tuple[int, tuple[int, ...]]]:
    """Score every row and digest each day, in one pass that also fills the cache."""
    from pyspark.errors import PySparkException

    try:
        # A score is a double, but nothing sums it: the bits of each are hashed as they are.
        days = aggregate_days(scored, [*prediction_types(request.spec)], {})
    except PySparkException as error:
        message = f"{request.version} of {request.spec.name} cannot score: {_reason(error)}"
        raise DataError(message) from error
    found = {day["day"]: (day["rows"], tuple(day[name] for name in SUMS)) for day in days}
    _refuse_lost(request, found)
    return found


def _reason(error: Exception) -> str:
    """Find the line of the jar's own in what Spark says, which is long."""
    lines = str(error).splitlines()
    own = [line for line in lines if "BadRowException" in line or "BadModelException" in line]
    return (own or lines or [type(error).__name__])[0].strip()


def _refuse_lost(
    request: PredictionsRequest, found: Mapping[date, tuple[int, tuple[int, ...]]]
) -> None:
    lost = [
        Finding(
            where=f"predictions of {request.spec.name}, day {day.day}",
            expected=f"{day.rows} rows, as the features have",
            found=f"{found.get(day.day, (0, ()))[0]} rows",
        )
        for day in request.days
        if found.get(day.day, (0, ()))[0] != day.rows
    ]
    if lost:
        summary = f"snapshot {request.snapshot_id} is not what the days' records say"
        cure = f"Materialise {request.spec.name}/features for these days. Nothing was replaced."
        raise DataError(summary, lost, cure=cure)


def _replace(
    session: "SparkSession",
    scored: "DataFrame",
    request: PredictionsRequest,
    found: Mapping[date, tuple[int, tuple[int, ...]]],
) -> tuple[PredictedDay, ...]:
    # An id of this write alone finds its snapshot: the latest may be another writer's, and a retry
    # has the run id of the attempt before.
    spec, write_id = request.spec, uuid.uuid4().hex
    types = prediction_types(spec)
    prepare_table(session, spec.name, types, namespace=NAMESPACE)
    replace_days(
        scored.select(*types),
        model=spec.name,
        first=request.first,
        last=request.last,
        write_id=write_id,
        run_id=request.run_id,
        namespace=NAMESPACE,
    )
    table = predictions_table(request.catalogue_uri, request.warehouse_uri, spec.name).load()
    snapshot_id = find_snapshot(table, write_id)
    files = files_by_day(table, request.first, request.last, snapshot_id)
    records: list[PredictedDay] = []
    for day in request.days:
        rows, sums = found.get(day.day, (0, (0,) * len(SUMS)))
        # The MOJO stands where a contract would: equal rows by an equal model, an equal digest.
        digest = digest_of_day(
            rows=rows, sums=sums, types=types, contract_digest=request.mojo_sha256
        )
        record = PredictedDay(
            day=day.day,
            version=request.version,
            rows=rows,
            digest=digest,
            features_digest=day.digest,
            files=files.get(day.day, ()),
            snapshot_id=snapshot_id,
            run_id=request.run_id,
        )
        records.append(record)
    return tuple(records)
