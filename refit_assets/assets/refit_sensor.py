"""The refit sensor: looks at the latest window of a model and refits it, or says why not.

Finding the state of the world only; the decision is `release.decisions.judge_refit`.
"""

from datetime import UTC, datetime, timedelta
from itertools import takewhile

import dagster as dg

from refit_assets.artefacts import ArtefactStore, Storage
from refit_assets.assets.operator_jobs import observe_serving
from refit_assets.assets.runs import ended_runs, has_unfinished_run
from refit_assets.assets.training_set import REASON_TAG
from refit_assets.features.landed import last_landed_day, list_landing
from refit_assets.features.recipe import recipe_digest
from refit_assets.features.training_set import TrainingSet, read_days
from refit_assets.features.window import plan_window, refit_keys
from refit_assets.monitoring.watch import present_breaches
from refit_assets.release.decisions import (
    DayState,
    Decision,
    WindowState,
    judge_refit,
    read_decisions,
    record_decision,
)
from refit_assets.release.due import Released, fingerprint
from refit_assets.release.ledger import LedgerEvent, champion, read_events
from refit_assets.release.release import RECORD
from refit_assets.resources.deployment import Deployment
from refit_assets.spec import ModelSpec

REFIT_STEPS = ("training_set", "trials", "candidate", "scoring_jar", "evaluation", "release")
MODEL_TAG = "refit/model"
"""On every run that refits: dagster.yaml lets one of them at a time run for a model."""

CONTENT_TAG = "refit/content"
"""Fingerprint of what the asked refit is made of."""

_MOST_SHOWN = 50


def build_refit_sensor(spec: ModelSpec) -> dg.SensorDefinition:
    """Build the sensor that refits when it should."""
    keys = [dg.AssetKey([spec.name, name]) for name in REFIT_STEPS]

    @dg.sensor(
        name=f"{spec.name}__refit",
        target=dg.AssetSelection.assets(*keys),
        minimum_interval_seconds=60,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Refits the latest complete window, or says why not.",
    )
    def refit_sensor(
        context: dg.SensorEvaluationContext, deployment: dg.ResourceParam[Deployment]
    ) -> dg.SensorResult:
        store = deployment.store
        state = window_state(spec, store, deployment.landing, context.instance)
        decision = judge_refit(spec, state, datetime.now(UTC))
        ledger = read_events(store.storage, spec.name)
        # Told by whoever changes the ledger, on a command line elsewhere too.
        events = [observe_serving(spec, ledger)] if str(len(ledger)) != context.cursor else []
        if record_decision(store, decision):
            events.append(_observation(keys[0], read_decisions(store, spec.name)))
        asked = [] if decision.action == "skip" else request_refit(spec, state, decision)
        return dg.SensorResult(
            run_requests=asked,
            skip_reason=None if asked else decision.sentence,
            asset_events=[event for event in events if event is not None],
            cursor=str(len(ledger)),
        )

    return refit_sensor


def request_refit(spec: ModelSpec, state: WindowState, decision: Decision) -> list[dg.RunRequest]:
    """Ask for one refit; until its run has ended, the same content never asks twice."""
    if state.refit is None:
        return []
    request = dg.RunRequest(
        run_key=f"{spec.name}:{state.refit}:{state.content}:{state.attempts}",
        partition_key=state.refit,
        asset_selection=[dg.AssetKey([spec.name, name]) for name in REFIT_STEPS],
        tags={
            MODEL_TAG: spec.name,
            REASON_TAG: decision.reason,
            CONTENT_TAG: state.content,
        },
    )
    return [request]


def window_state(
    spec: ModelSpec, store: ArtefactStore, landing: Storage, instance: dg.DagsterInstance
) -> WindowState:
    """Find what a decision about the latest window needs to know."""
    last = last_landed_day(spec, list_landing(landing, spec))
    keys = () if last is None else refit_keys(spec, last + timedelta(days=1))
    if not keys:
        return WindowState(refit=None, days={}, made_of=None)
    refit = keys[-1]
    window = plan_window(spec, refit)
    records = read_days(store, spec, window.days)
    recipe = recipe_digest(spec)
    current = {day: one for day, one in records.items() if one.recipe == recipe}
    missing = tuple(day for day in window.days if day not in current)
    files = store.refit(spec.name, refit)
    released = store.read_record(Released, files.name(RECORD))
    made_of = store.read_record(TrainingSet, files.name("training_set.json"))
    events = read_events(store.storage, spec.name)
    mine = [event for event in events if event.refit == refit]
    content = fingerprint(store, spec, window)
    ended = ended_runs(instance, {MODEL_TAG: spec.name, CONTENT_TAG: content})
    failed = [*takewhile(lambda one: not one.dagster_run.is_success, ended)]
    return WindowState(
        refit=refit,
        missing=missing if len(missing) > spec.refit.missing_days else (),
        days={day: DayState(digest=one.digest, rows=one.rows) for day, one in current.items()},
        made_of=made_of,
        decided=released is not None,
        content=content,
        attempts=len(ended),
        same_spec=released is None or released.fingerprint == content,
        running=has_unfinished_run(instance, {MODEL_TAG: spec.name}),
        failures=len(failed),
        failed_at=_ended_at(failed[0]) if failed else None,
        held=bool(mine) and mine[-1].kind == "held" and spec.when.approval == "manual",
        last_refit_at=events[-1].recorded_at if events else None,
        windows_since=_windows_since(keys, [event.refit for event in events]),
        breaches=_breaches(spec, store, champion(events)),
    )


def _ended_at(record: dg.RunRecord) -> datetime:
    ended = record.end_time
    return record.update_timestamp if ended is None else datetime.fromtimestamp(ended, UTC)


def _breaches(
    spec: ModelSpec, store: ArtefactStore, serving: LedgerEvent | None
) -> tuple[str, ...]:
    """What monitoring says of the model that serves; of an older one it is no reason any more."""
    if serving is None or serving.version is None:
        return ()
    return present_breaches(store, spec.name, serving.version)


def _windows_since(keys: tuple[str, ...], made: list[str]) -> int | None:
    places = [keys.index(refit) for refit in made if refit in keys]
    return len(keys) - 1 - max(places) if places else None


def _observation(key: dg.AssetKey, decisions: object) -> dg.AssetObservation:
    rows = [
        dg.TableRecord(
            {
                "decided": f"{one.decided_at:%Y-%m-%d %H:%M:%S}",
                "refit": one.refit or "",
                "action": one.action,
                "reason": one.reason,
                "sentence": one.sentence,
            }
        )
        for one in reversed([*decisions][-_MOST_SHOWN:])  # pyright: ignore[reportGeneralTypeIssues]
    ]
    return dg.AssetObservation(key, metadata={"refit_or_skip": dg.MetadataValue.table(rows)})
