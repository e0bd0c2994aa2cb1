"""The predictions sensor: new days are scored by the champion and watched, without a click.

What is due is found by comparing records, so a lost tick or a crash loses no day. Deciding is
`release.predicting` and `monitoring.watch`; here it becomes run requests.
"""

import hashlib
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import dagster as dg

from refit_assets.artefacts import ArtefactStore
from refit_assets.assets.partitions import range_tags
from refit_assets.assets.runs import (
    CONTENT_TAG,
    ended_at,
    ended_runs,
    failed_since_success,
    has_unfinished_run,
)
from refit_assets.features.training_set import read_days
from refit_assets.features.window import contiguous, days_between
from refit_assets.monitoring.watch import days_to_monitor, digest_stretch, find_stretch
from refit_assets.release.asking import pause_after
from refit_assets.release.ledger import champion, read_events
from refit_assets.release.predicting import days_to_predict, recorded_days
from refit_assets.release.serving import THEN
from refit_assets.resources.deployment import Deployment
from refit_assets.spec import ModelSpec

PREDICTIONS_TAG = "refit/predictions"
"""On every run that the sensor asks for: which model's days are scored or watched."""

_ENDS = ("start", "end")
_LOOKS_BACK = 60
"""Scored days that are looked at for monitoring; older ones are watched by hand."""


def build_predictions_sensor(spec: ModelSpec) -> dg.SensorDefinition:
    """Build the sensor that scores and watches what is due."""
    names = ("predictions", "monitoring")
    keys = [dg.AssetKey([spec.name, name]) for name in names]

    @dg.sensor(
        name=f"{spec.name}__predictions",
        asset_selection=dg.AssetSelection.assets(*keys),
        minimum_interval_seconds=30,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Scores new and changed days by the jar that serves, then watches them.",
    )
    def predictions_sensor(
        context: dg.SensorEvaluationContext, deployment: dg.ResourceParam[Deployment]
    ) -> dg.SensorResult:
        store = deployment.store
        events = read_events(store.storage, spec.name)
        serving = champion(events)
        if serving is None:
            return dg.SensorResult(skip_reason=f"no version of {spec.name} serves yet")
        if has_unfinished_run(context.instance, {PREDICTIONS_TAG: spec.name}):
            # What is due now is partly on its way, and would be scored twice.
            return dg.SensorResult(skip_reason=f"days of {spec.name} are being scored or watched")
        days = days_to_predict(store, spec, events)
        requests = [_score(spec, store, keys, *ends) for ends in contiguous(days)]
        if not requests:
            # Runs that score watch as well; left are days whose neighbours or limits changed since.
            scored = recorded_days(store, f"models/{spec.name}/predictions/")[-_LOOKS_BACK:]
            due = days_to_monitor(store, spec, scored)
            requests = [_watch(spec, store, keys[1], *ends) for ends in contiguous(due)]
        if not requests:
            reason = f"all days from {serving.as_of} on that have features are scored and watched"
            return dg.SensorResult(skip_reason=reason)
        now = datetime.now(UTC)
        asked = [request_again(context.instance, one, now) for one in requests]
        waiting = [one for one in asked if isinstance(one, str)]
        return dg.SensorResult(
            run_requests=[one for one in asked if isinstance(one, dg.RunRequest)],
            skip_reason="; ".join(waiting) if len(waiting) == len(asked) else None,
        )

    return predictions_sensor


def request_again(
    instance: dg.DagsterInstance, request: dg.RunRequest, now: datetime
) -> dg.RunRequest | str:
    """Give what failed before a run key of its own once its pause is over; until then say so."""
    ended = ended_runs(instance, {tag: request.tags[tag] for tag in (PREDICTIONS_TAG, CONTENT_TAG)})
    failed = failed_since_success(ended)
    if failed and now < (again := ended_at(failed[0]) + pause_after(len(failed))):
        days = " to ".join(request.tags[f"dagster/asset_partition_range_{e}"] for e in _ENDS)
        times = "once" if len(failed) == 1 else f"{len(failed)} times"
        return f"{days} failed {times}, as the run says; again at {again:%Y-%m-%d %H:%M}Z"
    # Dagster runs no key twice: another attempt, and features that changed back, have their own.
    return request.with_replaced_attrs(run_key=f"{request.run_key}:{len(ended)}")


def _score(
    spec: ModelSpec, store: ArtefactStore, keys: Sequence[dg.AssetKey], first: date, last: date
) -> dg.RunRequest:
    days = days_between(first, last + timedelta(days=1))
    content = [f"{day}{one.digest}" for day, one in read_days(store, spec, days).items()]
    asked = _request(spec, keys, (first, last), content)
    # An old day whose features changed is scored by the version whose day it is, not by today's.
    config = {"ops": {keys[0].to_python_identifier(): {"config": {"serving": THEN}}}}
    return asked.with_replaced_attrs(run_config=config)


def _watch(
    spec: ModelSpec, store: ArtefactStore, key: dg.AssetKey, first: date, last: date
) -> dg.RunRequest:
    days = days_between(first, last + timedelta(days=1))
    stretches = (find_stretch(spec, store, day) for day in days)
    content = [digest_stretch(spec, one) for one in stretches if one is not None]
    return _request(spec, [key], (first, last), content)


def _request(
    spec: ModelSpec,
    keys: Sequence[dg.AssetKey],
    ends: tuple[date, date],
    content: Sequence[str],
) -> dg.RunRequest:
    """Ask for a range in one run; the same content never asks twice, also after a lost tick."""
    first, last = ends
    what = "+".join(key.path[-1] for key in keys)
    digest = hashlib.sha256("".join(content).encode()).hexdigest()[:16]
    return dg.RunRequest(
        run_key=f"{spec.name}:{what}:{first}:{last}:{digest}",
        asset_selection=[*keys],
        tags={
            **range_tags(first, last),
            PREDICTIONS_TAG: spec.name,
            CONTENT_TAG: f"{what}:{first}:{last}:{digest}",
        },
    )
