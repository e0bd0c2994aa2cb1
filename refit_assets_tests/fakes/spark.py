"""Spark's seam without Spark: the landed things of `specs.py` become days of a real Iceberg table.

Written by pyiceberg into a SQLite catalogue, so that everything downstream reads what it would
read of Spark. The outside of landed files is inspected as always; values are taken as they are.
"""

import csv
import hashlib
import json
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from typing import Any

import pyarrow as pa

from refit_assets.artefacts import ArtefactStore
from refit_assets.features.contract import build_contract
from refit_assets.features.job import FeaturesRequest, FeaturesResult, inspect_request
from refit_assets.features.landing import Landing
from refit_assets.features.pinned import read_pinned
from refit_assets.features.recipe import recipe_digest
from refit_assets.features.table import (
    CATALOGUE,
    NAMESPACE,
    WRITE_PROPERTY,
    DayRecord,
    files_by_day,
)
from refit_assets.features.window import days_between
from refit_assets.predictions.job import PredictionsRequest, PredictionsResult
from refit_assets.predictions.table import NAMESPACE as PREDICTIONS
from refit_assets.predictions.table import PredictedDay
from refit_assets_tests.fakes.h2o import Curve, read_curve

LATE_FROM = 15
LINEAGE = {
    "thing": (("things", "thing"),),
    "size": (("things", "size"),),
    "kind": (("things", "kind"),),
    "arrival": (("things", "delay"),),
}
SCHEMA = pa.schema(
    [
        pa.field("day", pa.date32(), nullable=False),
        pa.field("thing", pa.int64()),
        pa.field("known_at", pa.timestamp("us", tz="UTC")),
        pa.field("size", pa.int32()),
        pa.field("kind", pa.string()),
        pa.field("arrival", pa.string()),
    ]
)
SCORED = (
    PREDICTIONS,
    pa.schema(
        [
            pa.field("day", pa.date32(), nullable=False),
            pa.field("thing", pa.int64()),
            pa.field("label", pa.string()),
            pa.field("score", pa.float64()),
            pa.field("model_version", pa.string()),
        ]
    ),
)


@dataclass(kw_only=True)
class FakeSpark:
    """Computes days in this process; remembers which ranges it was asked for."""

    asked: list[tuple[date, date]] = field(default_factory=list)
    scored: list[tuple[date, date, str]] = field(default_factory=list)
    """First and last day and version of each request for predictions, in order."""

    def features(self, request: FeaturesRequest, progress: Callable[[str], None]) -> FeaturesResult:
        self.asked.append((request.first, request.last))
        landing = inspect_request(request)
        progress(f"{len(landing.files)} landed files are whole")
        last = date.fromordinal(request.last.toordinal() + 1)
        rows = {day: read_things(landing, day) for day in days_between(request.first, last)}
        table = write_days(request, [row for found in rows.values() for row in found])
        snapshot_id = table.current_snapshot().snapshot_id
        files = files_by_day(table, request.first, request.last, snapshot_id)
        contract = build_contract(request.spec).digest
        records = [
            DayRecord(
                day=day,
                rows=len(found),
                labelled_rows=sum(row["arrival"] is not None for row in found),
                digest=digest_rows(found, contract),
                contract_digest=contract,
                recipe=recipe_digest(request.spec),
                nulls={"kind": sum(row["kind"] is None for row in found)},
                inputs=landing.inputs(day),
                files=files.get(day, ()),
                snapshot_id=snapshot_id,
                run_id=request.run_id,
            )
            for day, found in rows.items()
        ]
        return FeaturesResult(
            days=tuple(records), snapshot_id=snapshot_id, seconds=0.0, lineage=LINEAGE
        )

    def predictions(
        self, request: PredictionsRequest, store: ArtefactStore, progress: Callable[[str], None]
    ) -> PredictionsResult:
        self.scored.append((request.first, request.last, request.version))
        curve = read_curve(store.storage.read(request.jar) or b"")
        rows = {day.day: score_things(day, curve, request.version) for day in request.days}
        progress(f"{sum(map(len, rows.values()))} rows scored by {request.version}")
        table = write_days(request, [row for found in rows.values() for row in found], SCORED)
        snapshot_id = table.current_snapshot().snapshot_id
        files = files_by_day(table, request.first, request.last, snapshot_id)
        return PredictionsResult(
            days=tuple(
                PredictedDay(
                    day=day.day,
                    version=request.version,
                    rows=len(rows[day.day]),
                    digest=digest_rows(rows[day.day], request.mojo_sha256),
                    features_digest=day.digest,
                    files=files.get(day.day, ()),
                    snapshot_id=snapshot_id,
                    run_id=request.run_id,
                )
                for day in request.days
            )
        )

    def close(self) -> None:
        """Nothing runs."""


def score_things(day: DayRecord, curve: Curve, version: str) -> list[dict[str, Any]]:
    things = read_pinned(day.files, ["thing", "size"]).to_pylist() if day.files else []
    rows: list[dict[str, Any]] = []
    for thing in things:
        label, score, _ = curve.answer(thing["size"])
        scored = {"label": label, "score": score, "model_version": version}
        rows.append({"day": day.day, "thing": thing["thing"], **scored})
    return rows


def read_things(landing: Landing, day: date) -> list[dict[str, Any]]:
    (file,) = (one for one in landing.of_source("things") if one.day == day)
    lines = landing.folder.path(file.name).read_text().splitlines()
    known = datetime.combine(day, time(), UTC)
    return [
        {
            "day": day,
            "thing": int(row["thing"]),
            "known_at": known,
            "size": int(row["size"]),
            "kind": row["kind"] or None,
            "arrival": None if not row["delay"] else arrival(int(row["delay"])),
        }
        for row in csv.DictReader(lines)
    ]


def arrival(delay: int) -> str:
    return "late" if delay > LATE_FROM else "on_time"


def digest_rows(rows: list[dict[str, Any]], contract: str) -> str:
    said = sorted(json.dumps(row, default=str) for row in rows)
    return hashlib.sha256(json.dumps([contract, said]).encode()).hexdigest()


def write_days(
    request: FeaturesRequest | PredictionsRequest,
    rows: list[dict[str, Any]],
    kind: tuple[str, pa.Schema] = (NAMESPACE, SCHEMA),
) -> Any:  # noqa: ANN401
    """Replace the days of the request; returns the table."""
    from pyiceberg.expressions import And, GreaterThanOrEqual, LessThanOrEqual

    namespace, schema = kind
    table = open_table(request, namespace, schema)
    content = pa.Table.from_pylist(rows, schema=schema)
    told = {WRITE_PROPERTY: uuid.uuid4().hex}
    snapshot = table.current_snapshot()
    if snapshot and files_by_day(table, request.first, request.last, snapshot.snapshot_id):
        days = And(
            GreaterThanOrEqual("day", request.first.isoformat()),
            LessThanOrEqual("day", request.last.isoformat()),
        )
        table.overwrite(content, overwrite_filter=days, snapshot_properties=told)
    else:
        table.append(content, snapshot_properties=told)
    return table


def open_table(
    request: FeaturesRequest | PredictionsRequest, namespace: str, schema: pa.Schema
) -> Any:  # noqa: ANN401
    from pyiceberg.catalog.sql import SqlCatalog
    from pyiceberg.exceptions import NoSuchTableError
    from pyiceberg.partitioning import PartitionField, PartitionSpec
    from pyiceberg.schema import assign_fresh_schema_ids
    from pyiceberg.transforms import IdentityTransform

    catalogue = SqlCatalog(CATALOGUE, uri=request.catalogue_uri, warehouse=request.warehouse_uri)
    name = f"{namespace}.{request.spec.name}"
    with suppress(NoSuchTableError):
        return catalogue.load_table(name)
    catalogue.create_namespace_if_not_exists(namespace)
    numbered = assign_fresh_schema_ids(catalogue._convert_schema_if_needed(schema))
    day = PartitionField(source_id=1, field_id=1000, transform=IdentityTransform(), name="day")
    return catalogue.create_table(name, numbered, partition_spec=PartitionSpec(day))
