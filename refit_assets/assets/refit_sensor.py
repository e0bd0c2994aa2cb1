"""The refit sensor: looks at the latest window of a model and refits it, or says why not.

Finding the state of the world only; the decision is `release.decisions.judge_refit`.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import dagster as dg

from refit_assets.artefacts import ArtefactStore, Folder
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
from refit_assets.release.due import Released, fingerprint, last_landed_day
from refit_assets.release.ledger import LedgerEvent, champion, read_events
from refit_assets.release.release import RECORD
from refit_assets.resources.deployment import Deployment
from refit_assets.spec import ModelSpec

REFIT_STEPS = ("training_set", "trials", "candidate", "scoring_jar", "evaluation", "release")
UNFINISHED = (
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
)
MODEL_TAG = "refit/model"
"""On every run that refits: dagster.yaml lets one of them at a time run for a model."""

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
        state = window_state(
            spec, store, deployment.landing, running=lambda: is_running(context.instance, spec)
        )
        decision = judge_refit(spec, state, datetime.now(UTC))
        events = []
        if record_decision(store, decision):
            events = [_observation(keys[0], read_decisions(store, spec.name))]
        if decision.action == "skip" or state.refit is None:
            return dg.SensorResult(skip_reason=decision.sentence, asset_events=events)
        return dg.SensorResult(
            run_requests=[request_refit(spec, state.refit, store, decision)], asset_events=events
        )

    return refit_sensor


def request_refit(
    spec: ModelSpec, refit: str, store: ArtefactStore, decision: Decision
) -> dg.RunRequest:
    """Ask for one refit; the same content never asks twice, also after a lost tick."""
    content = fingerprint(store, spec, plan_window(spec, refit))
    return dg.RunRequest(
        run_key=f"{spec.name}:{refit}:{content}",
        partition_key=refit,
        asset_selection=[dg.AssetKey([spec.name, name]) for name in REFIT_STEPS],
        tags={MODEL_TAG: spec.name, "refit/reason": decision.reason},
    )


def window_state(
    spec: ModelSpec, store: ArtefactStore, landing: Folder, *, running: Callable[[], bool]
) -> WindowState:
    """Find what a decision about the latest window needs to know."""
    last = last_landed_day(spec, landing)
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
    return WindowState(
        refit=refit,
        missing=missing if len(missing) > spec.refit.missing_days else (),
        days={day: DayState(digest=one.digest, rows=one.rows) for day, one in current.items()},
        made_of=made_of,
        decided=released is not None,
        same_spec=released is None or released.fingerprint == fingerprint(store, spec, window),
        running=running(),
        held=bool(mine) and mine[-1].kind == "held" and spec.when.approval == "manual",
        last_refit_at=events[-1].recorded_at if events else None,
        windows_since=_windows_since(keys, [event.refit for event in events]),
        breaches=_breaches(spec, store, champion(events)),
    )


def is_running(instance: dg.DagsterInstance, spec: ModelSpec) -> bool:
    """Whether a refit of this model has not ended yet."""
    filters = dg.RunsFilter(statuses=[*UNFINISHED], tags={MODEL_TAG: spec.name})
    return bool(instance.get_run_records(filters, limit=1))


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
