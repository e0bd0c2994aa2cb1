"""The landing sensor: days whose landed files are new or changed become runs of the features.

What is due is found by comparing the landing zone with what is recorded, so a lost tick, a crash
or a restored backup loses no day. The cursor only remembers what was asked for already.
"""

import base64
import hashlib
import json
import zlib
from collections.abc import Mapping
from datetime import date

import dagster as dg

from refit_assets.artefacts import ArtefactStore
from refit_assets.features.recipe import recipe_digest
from refit_assets.features.training_set import due_days
from refit_assets.release.due import complete_inputs, contiguous, last_landed_day
from refit_assets.resources.deployment import Deployment
from refit_assets.spec import ModelSpec

FEATURES_TAG = "refit/features"
"""On every run that computes features: which model's."""

Asked = dict[str, str]
"""Day -> digest of the inputs that its features were last asked for with."""


def build_landing_sensor(spec: ModelSpec) -> dg.SensorDefinition:
    """Build the sensor that computes what landed."""
    features = dg.AssetKey([spec.name, "features"])

    @dg.sensor(
        name=f"{spec.name}__landing",
        target=dg.AssetSelection.assets(features),
        minimum_interval_seconds=30,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Computes the features of days whose landed files are new or changed.",
    )
    def landing_sensor(
        context: dg.SensorEvaluationContext, deployment: dg.ResourceParam[Deployment]
    ) -> dg.SensorResult:
        last = last_landed_day(spec, deployment.landing)
        if last is None:
            return dg.SensorResult(skip_reason=f"nothing has landed for {spec.name} yet")
        inputs = complete_inputs(spec, deployment.landing, last)
        asked = read_cursor(context.cursor)
        days = days_to_ask(spec, deployment.store, inputs, asked)
        cursor = {day.isoformat(): digest_inputs(spec, files) for day, files in inputs.items()}
        if not days:
            reason = f"{len(inputs)} days have landed up to {last}, all are computed or asked for"
            return dg.SensorResult(skip_reason=reason, cursor=write_cursor(cursor))
        requests = [_request(spec, features, cursor, *ends) for ends in contiguous(days)]
        return dg.SensorResult(run_requests=requests, cursor=write_cursor(cursor))

    return landing_sensor


def days_to_ask(
    spec: ModelSpec, store: ArtefactStore, inputs: Mapping[date, Mapping[str, str]], asked: Asked
) -> tuple[date, ...]:
    """Days that are due and were not asked for with these very inputs, in order."""
    fresh = {
        day: files
        for day, files in inputs.items()
        if asked.get(day.isoformat()) != digest_inputs(spec, files)
    }
    return due_days(store, spec, fresh)


def digest_inputs(spec: ModelSpec, files: Mapping[str, str]) -> str:
    """Short digest of what a day's features are computed from."""
    content = json.dumps([recipe_digest(spec), sorted(files.items())])
    return hashlib.sha256(content.encode()).hexdigest()[:12]


def read_cursor(cursor: str | None) -> Asked:
    """Read what was asked for; a cursor that is none asks again, which costs little."""
    if not cursor:
        return {}
    try:
        return json.loads(zlib.decompress(base64.b85decode(cursor)))
    except (ValueError, zlib.error):
        return {}


def write_cursor(asked: Asked) -> str:
    """Render compactly: a cursor of many years stays small."""
    return base64.b85encode(zlib.compress(json.dumps(asked).encode())).decode()


def _request(
    spec: ModelSpec, features: dg.AssetKey, cursor: Asked, first: date, last: date
) -> dg.RunRequest:
    days = [
        cursor[date.fromordinal(n).isoformat()]
        for n in range(first.toordinal(), last.toordinal() + 1)
    ]
    content = hashlib.sha256("".join(days).encode()).hexdigest()[:16]
    return dg.RunRequest(
        run_key=f"{spec.name}:{first}:{last}:{content}",
        asset_selection=[features],
        tags={
            "dagster/asset_partition_range_start": first.isoformat(),
            "dagster/asset_partition_range_end": last.isoformat(),
            FEATURES_TAG: spec.name,
        },
    )
