"""The landing sensor: days whose landed files are new or changed become runs of the features.

What is due is found by comparing the landing zone with what is recorded, so a lost tick, a crash
or a restored backup loses no day. The cursor only remembers what was asked for already. What
landed is told on `landing/<source>` before the runs that read it start, so that the UI takes
features of changed files for what they are: out of date.
"""

import base64
import hashlib
import zlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TypeAlias, TypeVar

import dagster as dg

from refit_assets.artefacts import record_from_json, record_to_json
from refit_assets.assets.partitions import day_partitions, range_tags
from refit_assets.assets.runs import has_unfinished_run
from refit_assets.errors import DataError
from refit_assets.features.landed import (
    Found,
    compare_with_seen,
    identify,
    last_landed_day,
    list_landing,
    read_seen,
    see,
    seen_name,
)
from refit_assets.features.landing import LandedFile
from refit_assets.features.refused import read_refused
from refit_assets.release.asking import Asking, Memory, plan_asking, render_waiting
from refit_assets.release.due import complete_inputs
from refit_assets.resources.deployment import Deployment
from refit_assets.spec import ModelSpec

FEATURES_TAG = "refit/features"
"""On every run that computes features: which model's."""

MOST_TOLD = 1000
"""Events of one tick; each is a row in Dagster's database. The rest is told at the next."""

_MOST_NAMED = 5


Told: TypeAlias = dg.AssetMaterialization | dg.AssetObservation
Located = TypeVar("Located", Found, LandedFile)


@dataclass(frozen=True, kw_only=True)
class Look:
    """What one look at the landing zone found."""

    files: tuple[LandedFile, ...]
    last: date | None
    """The last day of which all has landed, and of which the features have a partition."""
    events: tuple[Told, ...]
    remarks: tuple[str, ...]
    """Files that grow or are gone, in sentences."""


def build_landing_sensor(spec: ModelSpec) -> dg.SensorDefinition:
    """Build the sensor that computes what landed."""
    features = dg.AssetKey([spec.name, "features"])

    @dg.sensor(
        name=f"{spec.name}__landing",
        asset_selection=dg.AssetSelection.assets(features),
        minimum_interval_seconds=30,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Computes the features of days whose landed files are new or changed.",
    )
    def landing_sensor(
        context: dg.SensorEvaluationContext, deployment: dg.ResourceParam[Deployment]
    ) -> dg.SensorResult:
        now = datetime.now(UTC)
        look = look_at_landing(spec, deployment, now)
        if look.last is None:
            nothing = f"nothing has landed for {spec.name} yet"
            said = "; ".join([nothing, *look.remarks])
            return dg.SensorResult(skip_reason=said, asset_events=look.events)
        inputs = complete_inputs(spec, look.files, look.last)
        asking = plan_asking(
            spec,
            deployment.store,
            inputs,
            read_cursor(context.cursor),
            now,
            refused=read_refused(deployment.store, spec.name),
            busy=lambda: has_unfinished_run(context.instance, {FEATURES_TAG: spec.name}),
        )
        remarks = [*look.remarks, *render_waiting(asking)]
        if asking.days and remarks:
            # A tick that asks for runs shows no reason of its own.
            context.log.info("; ".join(remarks))
        computed = f"{len(inputs)} days have landed up to {look.last}"
        if not asking.waiting:
            computed += ", all are computed"
        return dg.SensorResult(
            run_requests=_requests(spec, features, asking),
            skip_reason=None if asking.days else "; ".join([computed, *remarks]),
            asset_events=look.events,
            cursor=write_cursor(asking.memory),
        )

    return landing_sensor


def look_at_landing(spec: ModelSpec, deployment: Deployment, now: datetime) -> Look:
    """List the landing zone once, tell what arrived and what is gone, and remember it."""
    found = list_landing(deployment.landing, spec)
    instant = int(now.timestamp() * 1e9)
    growing = [one for one in found if one.is_growing(instant)]
    settled = [one for one in found if not one.is_growing(instant)]
    seen = read_seen(deployment.store, spec)
    files = identify(deployment.landing, settled, seen)
    changes = compare_with_seen(found, files, seen)
    listed, whole = _by_source(found), _by_source(files)
    events: list[Told] = []
    gone: list[str] = []
    for source, change in changes.items():
        most = MOST_TOLD - len(events)
        events += [_arrived(one) for one in change.arrived[:most]]
        # What waits to be told keeps its digest here: no file is read twice for that.
        now_seen = see(seen[source], listed[source], whole[source], change.arrived[most:])
        if now_seen != seen[source]:
            deployment.store.write_record(seen_name(source), now_seen)
        if change.gone:
            events.append(_gone(source, change.gone))
            gone += change.gone
    remarks = [*_remark("still growing, left for the next tick", [f.listed.name for f in growing])]
    remarks += _remark("gone; their days keep the features that they have", gone)
    return Look(
        files=files,
        last=_existing(spec, last_landed_day(spec, settled)),
        events=tuple(events),
        remarks=tuple(remarks),
    )


def read_cursor(cursor: str | None) -> Memory:
    """Read what was asked for; a cursor that is none asks again, which costs little."""
    if not cursor:
        return Memory()
    try:
        content = zlib.decompress(base64.b85decode(cursor))
        return record_from_json(Memory, content, "the sensor's cursor")
    except (ValueError, zlib.error, DataError):
        return Memory()


def write_cursor(memory: Memory) -> str:
    """Render compactly: a cursor of many years stays small."""
    return base64.b85encode(zlib.compress(record_to_json(memory))).decode()


def _requests(spec: ModelSpec, features: dg.AssetKey, asking: Asking) -> list[dg.RunRequest]:
    return [_request(spec, features, asking, first, last) for first, last in asking.ranges]


def _request(
    spec: ModelSpec, features: dg.AssetKey, asking: Asking, first: date, last: date
) -> dg.RunRequest:
    days = [mark for day, mark in sorted(asking.days.items()) if first <= day <= last]
    # The same days and content at two ticks are one run, whatever was lost in between.
    content = hashlib.sha256("".join(days).encode()).hexdigest()[:16]
    return dg.RunRequest(
        run_key=f"{spec.name}:{first}:{last}:{content}",
        asset_selection=[features],
        tags={
            **range_tags(first, last),
            FEATURES_TAG: spec.name,
        },
    )


def _by_source(files: Iterable[Located]) -> defaultdict[str, list[Located]]:
    grouped: defaultdict[str, list[Located]] = defaultdict(list)
    for one in files:
        grouped[one.source].append(one)
    return grouped


def _existing(spec: ModelSpec, last: date | None) -> date | None:
    """A feed east of Greenwich lands a day before the day's partition exists: it has to wait."""
    key = day_partitions(spec).get_last_partition_key()
    if last is None or key is None:
        return None
    return min(last, date.fromisoformat(key))


def _arrived(file: LandedFile) -> dg.AssetMaterialization:
    return dg.AssetMaterialization(
        ["landing", file.source],
        partition=file.day and file.day.isoformat(),
        metadata={"name": file.name, "bytes": file.size, "etag": file.etag},
        tags={"dagster/data_version": file.etag},
    )


def _gone(source: str, names: Sequence[str]) -> dg.AssetObservation:
    # Observed and not materialised: a new data version would make the features out of date.
    return dg.AssetObservation(
        ["landing", source],
        description=f"{len(names)} files are gone",
        metadata={"gone": dg.MetadataValue.md("\n".join(f"- {name}" for name in names))},
    )


def _remark(what: str, names: Iterable[str]) -> list[str]:
    names = [*names]
    if not names:
        return []
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return [f"{', '.join(names[:_MOST_NAMED])}{more}: {what}"]
