"""The refit sensor: looks at every window that can change what serves, and refits or says why not.

Finding the state of the world only; the decision is `release.decisions.judge_windows`.
"""

from collections.abc import Collection, Container, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import dagster as dg

from refit_assets.artefacts import ArtefactStore, day_name
from refit_assets.assets.operator_jobs import observe_serving
from refit_assets.assets.runs import (
    CONTENT_TAG,
    ended_at,
    ended_runs,
    failed_since_success,
    has_unfinished_run,
)
from refit_assets.assets.training_set import REASON_TAG
from refit_assets.features.landed import last_landed_day, list_landing
from refit_assets.features.landing import names_read
from refit_assets.features.recipe import recipe_digest
from refit_assets.features.refused import read_refused
from refit_assets.features.table import DayRecord
from refit_assets.features.training_set import TrainingSet, read_days
from refit_assets.features.window import plan_window, refit_keys
from refit_assets.monitoring.watch import present_breaches
from refit_assets.release.decisions import (
    DayState,
    Decision,
    WindowState,
    judge_windows,
    read_decisions,
    record_decision,
)
from refit_assets.release.due import Released, fingerprint_of
from refit_assets.release.ledger import LedgerEvent, champion, read_events
from refit_assets.release.predicting import recorded_days
from refit_assets.release.release import RECORD
from refit_assets.resources.deployment import Deployment
from refit_assets.spec import ModelSpec

REFIT_STEPS = ("training_set", "trials", "candidate", "scoring_jar", "evaluation", "release")
MODEL_TAG = "refit/model"
"""On every run that refits: dagster.yaml lets one of them at a time run for a model."""

_MOST_SHOWN = 50


def build_refit_sensor(spec: ModelSpec) -> dg.SensorDefinition:
    """Build the sensor that refits when it should."""
    keys = [dg.AssetKey([spec.name, name]) for name in REFIT_STEPS]

    @dg.sensor(
        name=f"{spec.name}__refit",
        asset_selection=dg.AssetSelection.assets(*keys),
        minimum_interval_seconds=60,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Refits the newest complete window or one that late data changed, or says why "
        "not.",
    )
    def refit_sensor(
        context: dg.SensorEvaluationContext, deployment: dg.ResourceParam[Deployment]
    ) -> dg.SensorResult:
        store = deployment.store
        ledger = read_events(store.storage, spec.name)
        states = window_states(spec, deployment, context.instance, ledger)
        decision = judge_windows(spec, states, datetime.now(UTC))
        # Told by whoever changes the ledger, on a command line elsewhere too.
        events = [observe_serving(spec, ledger)] if str(len(ledger)) != context.cursor else []
        if record_decision(store, decision):
            events.append(_observation(keys[0], read_decisions(store, spec.name)))
        state = next(one for one in states if one.refit == decision.refit)
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


def window_states(
    spec: ModelSpec,
    deployment: Deployment,
    instance: dg.DagsterInstance,
    events: Sequence[LedgerEvent],
) -> list[WindowState]:
    """Find what a decision needs to know of every window that can change what serves.

    The newest complete one that is newer than all refitted ones, or else the newest; then those
    that were refitted and are not older than the as-of date of what serves: the ledger would not
    let any other serve, whatever late data did to it.
    """
    last = last_landed_day(spec, list_landing(deployment.landing, spec))
    keys = () if last is None else refit_keys(spec, last + timedelta(days=1))
    if not keys:
        return [WindowState(refit=None, days={}, made_of=None)]
    days, made = _Days(spec, deployment.store), {event.refit for event in events}
    fresh = [key for key in reversed(keys) if key > max(made, default="")] or [keys[-1]]
    head = next((key for key in fresh if not days.missing(key)), fresh[0])
    serving = champion(events)
    again = [key for key in reversed(keys) if key in made and key != head]
    again = [key for key in again if serving and key >= serving.as_of.isoformat()]
    common = WindowState(
        refit=None,
        days={},
        made_of=None,
        running=has_unfinished_run(instance, {MODEL_TAG: spec.name}),
        last_refit_at=events[-1].recorded_at if events else None,
        breaches=_breaches(spec, deployment.store, serving),
    )
    newest = replace(
        _window_state(days, head, common, instance, events),
        windows_since=_windows_since(keys, head, made),
        passed_over=tuple(fresh[: fresh.index(head)]),
    )
    # Another spec is a reason to refit the newest window only.
    older = [_window_state(days, key, common, instance, events) for key in again]
    return [newest, *(replace(one, same_spec=True) for one in older)]


class _Days:
    """Records of a model's days; each is read once a tick, and only where there is one."""

    def __init__(self, spec: ModelSpec, store: ArtefactStore) -> None:
        self.spec, self.store, self.recipe = spec, store, recipe_digest(spec)
        self._there = {*recorded_days(store, day_name(spec.name, "").removesuffix(".json"))}
        self._read: dict[date, DayRecord] = {}

    def current(self, refit: str) -> dict[date, DayRecord]:
        """Days of a refit that the present features.py computed."""
        days = plan_window(self.spec, refit).all_days
        unread = [day for day in days if day in self._there and day not in self._read]
        self._read |= read_days(self.store, self.spec, unread)
        found = {day: self._read[day] for day in days if day in self._read}
        # What another features.py computed counts as missing: the landing sensor asks for it anew.
        return {day: one for day, one in found.items() if one.recipe == self.recipe}

    def missing(self, refit: str) -> tuple[date, ...]:
        """Days that a refit's window, or its search's, lacks beyond what the spec allows."""
        window = plan_window(self.spec, refit)
        wanted = [one.days for one in (window.search, window) if one]
        # Names alone settle most windows; records are read only where they do not.
        return self._lacking(wanted, self._there) or self._lacking(wanted, self.current(refit))

    def _lacking(
        self, wanted: Iterable[Sequence[date]], known: Container[date]
    ) -> tuple[date, ...]:
        lacking = [[day for day in days if day not in known] for days in wanted]
        most = self.spec.refit.missing_days
        return tuple(sorted({day for days in lacking if len(days) > most for day in days}))


def _window_state(
    days: _Days,
    refit: str,
    common: WindowState,
    instance: dg.DagsterInstance,
    events: Sequence[LedgerEvent],
) -> WindowState:
    spec, store, current, missing = days.spec, days.store, days.current(refit), days.missing(refit)
    files = store.refit(spec.name, refit)
    released = store.read_record(Released, files.name(RECORD))
    content = fingerprint_of(spec, current)
    ended = ended_runs(instance, {MODEL_TAG: spec.name, CONTENT_TAG: content})
    # The latest come first: those since the last success, as the pause grows by them.
    failed = failed_since_success(ended)
    mine = [event for event in events if event.refit == refit]
    refused = read_refused(store, spec.name) if missing else {}
    return replace(
        common,
        refit=refit,
        missing=missing,
        refused=tuple(
            refused[name].sentence for name in _names_read(spec, missing) if name in refused
        ),
        days={day: DayState(digest=one.digest, rows=one.rows) for day, one in current.items()},
        made_of=store.read_record(TrainingSet, files.name("training_set.json")),
        decided=released is not None,
        content=content,
        attempts=len(ended),
        same_spec=released is None or released.fingerprint == content,
        failures=len(failed),
        failed_at=ended_at(failed[0]) if failed else None,
        held=bool(mine) and mine[-1].kind == "held" and spec.when.approval == "manual",
    )


def _names_read(spec: ModelSpec, days: Iterable[date]) -> list[str]:
    return sorted({name for day in days for name in names_read(spec, day, day)})


def _breaches(
    spec: ModelSpec, store: ArtefactStore, serving: LedgerEvent | None
) -> tuple[str, ...]:
    """What monitoring says of the model that serves; of an older one it is no reason any more."""
    if serving is None or serving.version is None:
        return ()
    return present_breaches(store, spec.name, serving.version)


def _windows_since(keys: tuple[str, ...], head: str, made: Collection[str]) -> int | None:
    places = [keys.index(refit) for refit in made if refit in keys]
    return keys.index(head) - max(places) if places else None


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
