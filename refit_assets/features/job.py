"""The features program: landed days in, days of the feature table and their records out.

One Spark job for any range of days. Everything is checked, and every day's digest known, before
the first byte of the table changes.
"""

import importlib
import tempfile
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from refit_assets.errors import DataError, SpecError
from refit_assets.features.conform import (
    BAD,
    Conformed,
    broken_rules,
    conform,
    table_types,
    twice,
)
from refit_assets.features.contract import build_contract
from refit_assets.features.digest import SUMS, aggregate_days, digest_of_day
from refit_assets.features.landing import CURE, Landing, inspect_landing, landing_folder
from refit_assets.features.lineage import Lineage, marked, read_lineage
from refit_assets.features.memory import memory_named
from refit_assets.features.reading import staged, staged_types
from refit_assets.features.recipe import module_name, recipe_digest
from refit_assets.features.table import (
    DayRecord,
    FeatureTable,
    files_by_day,
    find_snapshot,
    spark_catalogue,
)
from refit_assets.features.telling import render_days, render_tasks, telling
from refit_assets.features.window import days_between
from refit_assets.features.writing import fitted, prepare_table, replace_days
from refit_assets.spec import ModelSpec

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


@dataclass(frozen=True, kw_only=True)
class FeaturesRequest:
    """Which days of which model, and where everything lies; both days are included."""

    spec: ModelSpec
    first: date
    last: date
    landing_uri: str
    catalogue_uri: str
    """As SQLAlchemy spells it."""
    warehouse_uri: str
    run_id: str


@dataclass(frozen=True, kw_only=True)
class FeaturesResult:
    """What the table now holds of each asked day, in order; empty days included."""

    days: tuple[DayRecord, ...]
    snapshot_id: int
    seconds: float
    lineage: Lineage = field(default_factory=dict[str, tuple[tuple[str, str], ...]])
    """What the features of these days were computed from."""


@dataclass(frozen=True, kw_only=True)
class _DayRows:
    rows: int = 0
    labelled_rows: int = 0
    nulls: Mapping[str, int] = field(default_factory=dict[str, int])
    sums: tuple[int, ...] = (0,) * len(SUMS)


def inspect_request(request: FeaturesRequest) -> Landing:
    """Look at the landed files from outside; needs no Spark.

    Raises:
        DataError: see `landing.inspect_landing`; or the days are the wrong way round, or
            outside the model's data.

    """
    spec, first, last = request.spec, request.first, request.last
    ends = spec.end is not None and last >= spec.end
    if not spec.start <= first <= last or ends:
        reach = f"from {spec.start} on" if spec.end is None else f"{spec.start} to {spec.end}"
        message = f"no days {first} to {last} of {spec.name}: its data is {reach} (end exclusive)"
        raise DataError(message)
    return inspect_landing(landing_folder(request.landing_uri), spec, first, last)


def compute_features(
    spark: "SparkSession | Callable[[], SparkSession]",
    request: FeaturesRequest,
    progress: Callable[[str], None],
    *,
    landing: Landing | None = None,
    share: Callable[[Path], str] = Path.as_uri,
) -> FeaturesResult:
    """Compute days of the feature table and replace them whole.

    Args:
        spark: Any session with Iceberg's jars, or who starts one once the landed rows hold; the
            catalogue is set on a session of its own.
        request: The days.
        progress: Told one line at a time.
        landing: What `inspect_request` found, where it ran before Spark was started.
        share: Makes a staged file readable for all executors, and returns its address.

    Raises:
        DataError: the landed files or the features are not what the spec says. Nothing was
            replaced.
        SpecError: the model has no features.py.
        WorkloadFailed: Spark's memory was short.

    """
    started = time.monotonic()
    compute = find_features(request.spec)
    landing = landing or inspect_request(request)
    progress(f"{len(landing.files)} landed files are whole")
    with staged(landing, _staging(request)) as files:
        progress("landed rows hold, computing features")
        started_spark = spark() if callable(spark) else spark
        session = open_catalogue(started_spark, request.catalogue_uri, request.warehouse_uri)
        landed = {
            name: marked(_staged_frame(session, request, name, share(path)), name)
            for name, path in files.items()
        }
        conformed = _conformed(compute, landed, request)
        with memory_named(f"features of {request.first} to {request.last}"):
            found, snapshot_id, written = _checked_and_replaced(
                session, conformed, request, progress
            )
        lineage = read_lineage(conformed.answered)
    return FeaturesResult(
        days=_records(request, landing, found, snapshot_id, written),
        snapshot_id=snapshot_id,
        seconds=round(time.monotonic() - started, 2),
        lineage=lineage,
    )


def find_features(spec: ModelSpec) -> "Callable[[Mapping[str, DataFrame]], DataFrame]":
    """Find the model's own `features`.

    Raises:
        SpecError: there is no such module, or it lacks the function.

    """
    module = module_name(spec)
    try:
        found: Any = importlib.import_module(module)
    except ModuleNotFoundError as error:
        message = f"model {spec.name} has no features.py: no module {error.name}"
        raise SpecError(message) from error
    if not callable(getattr(found, "features", None)):
        message = f"{module} has no function features(landed)"
        raise SpecError(message)
    return found.features


def open_catalogue(spark: "SparkSession", catalogue_uri: str, warehouse_uri: str) -> "SparkSession":
    """Open a session that shares Spark but neither settings nor catalogue with any other."""
    session = spark.newSession()
    settings = dict(spark_catalogue(catalogue_uri, warehouse_uri))
    # Else the day of an instant would be this machine's.
    settings["spark.sql.session.timeZone"] = "UTC"
    # What is broadcast may be made of all landed rows: a run has a limit, five minutes are none.
    settings["spark.sql.broadcastTimeout"] = "86400"
    for key, value in settings.items():
        session.conf.set(key, value)
    return session


def _staging(request: FeaturesRequest) -> Path:
    """Beside the tables, where everything that reads them can read; else they are shared."""
    parts = urlsplit(request.warehouse_uri)
    root = Path(unquote(parts.path) if parts.scheme == "file" else tempfile.gettempdir())
    return root / "staging" / request.spec.name


def _staged_frame(
    session: "SparkSession", request: FeaturesRequest, name: str, uri: str
) -> "DataFrame":
    types = staged_types(request.spec.sources[name])
    # Told, since Spark would start a job to read it off the file.
    schema = ", ".join(f"`{column}` {kind}" for column, kind in types.items())
    return session.read.schema(schema).parquet(uri)


def _conformed(
    compute: "Callable[[Mapping[str, DataFrame]], DataFrame]",
    landed: "Mapping[str, DataFrame]",
    request: FeaturesRequest,
) -> Conformed:
    from pyspark.errors import PySparkException

    try:
        answered = compute(landed)
    except PySparkException as error:
        first_line = str(error).splitlines()[0]
        message = f"features.py of {request.spec.name} cannot run: {first_line}"
        raise DataError(message) from error
    return conform(answered, request.spec, request.first, request.last)


def _checked_and_replaced(
    session: "SparkSession",
    conformed: Conformed,
    request: FeaturesRequest,
    progress: Callable[[str], None],
) -> tuple[dict[date, _DayRows], int, dict[date, tuple[str, ...]]]:
    """Check all rows, then write them: what was found, the snapshot, files by day."""
    count = (request.last - request.first).days + 1
    tracker = session.sparkContext.statusTracker()
    # The check and the write must see the same rows, and compute them once.
    conformed.frame.persist()
    try:
        with telling(lambda: render_tasks(tracker), f"computing {count} days", progress):
            found = _checked(conformed)
        rows = sum(day.rows for day in found.values())
        progress(f"{rows} rows hold, writing them")
        with telling(lambda: render_days(tracker, count), "writing", progress):
            snapshot_id, written = _replace(session, conformed, request)
    finally:
        conformed.frame.unpersist()
    return found, snapshot_id, written


def _checked(conformed: Conformed) -> dict[date, _DayRows]:
    """Check the whole frame and digest each day, in one pass that also fills the cache."""
    from pyspark.errors import PySparkException

    spec = conformed.spec
    aggregates = {
        "labelled_rows": f"count(`{spec.target.column}`)",
        BAD: f"bool_or({BAD})",
        **{f"no {name}": f"count_if(`{name}` is null)" for name in _nullable(spec)},
    }
    try:
        days = aggregate_days(conformed.frame, [*table_types(spec)], aggregates)
    except PySparkException as error:
        first_line = str(error).splitlines()[0]
        message = f"features of {spec.name} cannot be computed: {first_line}"
        raise DataError(message, cure=CURE) from error
    _refuse(conformed, bad=any(day[BAD] for day in days))
    return {
        day["day"]: _DayRows(
            rows=day["rows"],
            labelled_rows=day["labelled_rows"],
            nulls={name: day[f"no {name}"] for name in _nullable(spec)},
            sums=tuple(day[name] for name in SUMS),
        )
        for day in days
    }


def _refuse(conformed: Conformed, *, bad: bool) -> None:
    findings = broken_rules(conformed) if bad else twice(conformed)
    if findings:
        summary = f"features of {conformed.spec.name} break their contract"
        cure = "Nothing was replaced: correct features.py, the contract or the landed files."
        raise DataError(summary, findings, cure=cure)


def _replace(
    session: "SparkSession", conformed: Conformed, request: FeaturesRequest
) -> tuple[int, dict[date, tuple[str, ...]]]:
    spec = request.spec
    columns = prepare_table(session, spec.name, table_types(spec))
    # Not the run's id: one run may write several times, for other days or by another attempt.
    write_id = uuid.uuid4().hex
    replace_days(
        fitted(conformed.frame.drop(BAD), columns),
        model=spec.name,
        first=request.first,
        last=request.last,
        write_id=write_id,
        run_id=request.run_id,
    )
    table = FeatureTable(
        catalogue_uri=request.catalogue_uri,
        warehouse_uri=request.warehouse_uri,
        model=spec.name,
    ).load()
    snapshot_id = find_snapshot(table, write_id)
    return snapshot_id, files_by_day(table, request.first, request.last, snapshot_id)


def _records(
    request: FeaturesRequest,
    landing: Landing,
    found: Mapping[date, _DayRows],
    snapshot_id: int,
    files: Mapping[date, tuple[str, ...]],
) -> tuple[DayRecord, ...]:
    contract_digest = build_contract(request.spec).digest
    types, recipe = table_types(request.spec), recipe_digest(request.spec)
    records: list[DayRecord] = []
    # Days without rows, too: an empty day is recorded as empty, and not due again.
    for day in days_between(request.first, date.fromordinal(request.last.toordinal() + 1)):
        rows = found.get(day, _DayRows())
        digest = digest_of_day(
            rows=rows.rows, sums=rows.sums, types=types, contract_digest=contract_digest
        )
        record = DayRecord(
            day=day,
            rows=rows.rows,
            labelled_rows=rows.labelled_rows,
            digest=digest,
            contract_digest=contract_digest,
            recipe=recipe,
            nulls={**rows.nulls},
            inputs=landing.inputs(day),
            files=files.get(day, ()),
            snapshot_id=snapshot_id,
            run_id=request.run_id,
        )
        records.append(record)
    return tuple(records)


def _nullable(spec: ModelSpec) -> list[str]:
    return [name for name, feature in spec.features.columns.items() if feature.nullable]
