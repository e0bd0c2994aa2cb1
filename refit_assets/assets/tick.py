"""One tick: what Dagster's daemon does all day, done once; then everything ends.

For a cron job, so that nothing at all runs between two ticks: no webserver, daemon or code server.
Each of the daemon's own loops is let run for one round, so schedules, sensors, backfills, retries
and the queue behave as they do under the daemon. Belongs here: rounds, and what they led to.
Does not: what is due (the sensors), running it (Dagster's launcher).
"""

import fcntl
import time
import uuid
from collections.abc import Callable, Collection, Generator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any

import dagster as dg
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.launcher import DefaultRunLauncher
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import ModuleTarget
from dagster._daemon.controller import create_daemon_of_type
from dagster._daemon.daemon import DagsterDaemon, SpanMarker
from dagster._daemon.types import DaemonHeartbeat

from refit_assets.assets.main_job import prepare_instance
from refit_assets.errors import RefitError
from refit_assets.resources.cluster_deployment import ClusterDeployment
from refit_assets.resources.deployment import PROJECT, Deployment
from refit_assets.workloads.wait import Patience, wait_until

Tell = Callable[[str], None]

LOCATION = "refit_assets"
QUEUE = "QUEUED_RUN_COORDINATOR"
# First what failed or was lost, then what is new; the queue hands all of it over afterwards.
ROUNDS = ("MONITORING", "EVENT_LOG_CONSUMER", "SCHEDULER", "SENSOR", "BACKFILL")
IN_PROGRESS = (
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
)
# Dagster's daemon beats every 30 s; two beats missed are no daemon.
_ALIVE_SECONDS = 60
# As long as the laptop's dagster.yaml lets a run last.
_MOST_SECONDS = 4 * 3600


class TickRefusedError(RefitError):
    """Somebody else does the daemon's work at this moment."""


@dataclass(frozen=True, kw_only=True)
class Evaluated:
    """What a sensor or a schedule said."""

    name: str
    status: str
    """SUCCESS (it asked for runs), SKIPPED or FAILURE."""
    said: str
    runs: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Handed:
    """A run that this tick handed to the launcher."""

    run_id: str
    assets: tuple[str, ...]
    partition: str
    status: str


@dataclass(frozen=True, kw_only=True)
class Tick:
    """Everything that one tick led to."""

    evaluated: tuple[Evaluated, ...]
    runs: tuple[Handed, ...]
    queued: int
    """Runs that wait for a later tick: a limit holds them back."""

    @property
    def failed(self) -> bool:
        """Whether anything went wrong."""
        bad = {"FAILURE", "CANCELED"}
        return bool(bad & {one.status for one in (*self.evaluated, *self.runs)})


def run_tick(deployment: Deployment, tell: Tell) -> Tick:
    """Evaluate what is due, and hand its runs over; where they die with this process, wait.

    Raises:
        TickRefusedError: a daemon or another tick is at work.
        RefitError: the code location does not load.

    """
    if not isinstance(deployment, ClusterDeployment):
        # A cluster's pod brings its own DAGSTER_HOME and dagster.yaml.
        prepare_instance(deployment)
    with dg.DagsterInstance.get() as instance, _alone(instance) as claim:
        with _workspace(instance) as workspace:
            began = time.time()
            for kind in ROUNDS:
                claim()
                _round(kind, instance, workspace)
            evaluated = _evaluated(instance, began)
            for one in evaluated:
                tell(render_evaluated(one))
            handed = _hand_over(instance, workspace, claim, tell)
        return Tick(evaluated=evaluated, runs=handed, queued=len(_queued(instance)))


def _round(kind: str, instance: dg.DagsterInstance, workspace: WorkspaceProcessContext) -> None:
    if kind not in instance.get_required_daemon_types():
        return
    # Leaving a daemon waits for its threads, in which sensors are evaluated.
    with create_daemon_of_type(kind, instance) as daemon:
        _once(daemon, workspace)


def _once(daemon: "DagsterDaemon[Any]", workspace: WorkspaceProcessContext) -> None:
    # It never ends by itself: END_SPAN, after each round, is where to leave it. Neither is public;
    # the pin of Dagster and `integration/test_tick.py` hold them (decision 0015).
    loop = daemon.core_loop(workspace, Event())
    for mark in loop:
        if mark is SpanMarker.END_SPAN:
            break
    loop.close()


def _hand_over(
    instance: dg.DagsterInstance,
    workspace: WorkspaceProcessContext,
    claim: Callable[[], None],
    tell: Tell,
) -> tuple[Handed, ...]:
    """Empty the queue as far as its limits allow."""
    handed: dict[str, None] = {}
    # A run of the default launcher is a child of this process's code server and ends with it.
    ours = isinstance(instance.run_launcher, DefaultRunLauncher)
    # Runs that end make room under the limits: again, until nothing more starts.
    while True:
        before = _queued(instance)
        _round(QUEUE, instance, workspace)
        launched = [run for run in before if run not in _queued(instance)]
        handed |= dict.fromkeys(launched)
        for run_id in launched:
            tell(f"{render_handed(_handed(instance, run_id))}")
        if not launched or not ours:
            break
        _wait(instance, launched, claim)
    return tuple(_handed(instance, run_id) for run_id in handed)


def _wait(instance: dg.DagsterInstance, runs: Collection[str], claim: Callable[[], None]) -> None:
    def running() -> bool:
        # Runs outlast a heartbeat, and an old one would let another tick begin.
        claim()
        found = instance.get_run_records(dg.RunsFilter(run_ids=[*runs], statuses=[*IN_PROGRESS]))
        return bool(found)

    patience = Patience(timeout_seconds=_MOST_SECONDS, interval_seconds=0.5)
    wait_until(running, {False}, f"end of {len(runs)} runs", patience)


def _queued(instance: dg.DagsterInstance) -> Sequence[str]:
    filters = dg.RunsFilter(statuses=[dg.DagsterRunStatus.QUEUED])
    return [record.dagster_run.run_id for record in instance.get_run_records(filters)]


def _handed(instance: dg.DagsterInstance, run_id: str) -> Handed:
    run = instance.get_run_by_id(run_id)
    assert run is not None  # noqa: S101 - it was in the queue
    first, last = (run.tags.get(f"dagster/asset_partition_range_{end}") for end in ("start", "end"))
    return Handed(
        run_id=run_id,
        assets=tuple(sorted(key.to_user_string() for key in run.asset_selection or ())),
        partition=run.tags.get("dagster/partition") or (f"{first} to {last}" if first else ""),
        status=run.status.value,
    )


def _evaluated(instance: dg.DagsterInstance, began: float) -> tuple[Evaluated, ...]:
    found: list[Evaluated] = []
    for kind in (InstigatorType.SCHEDULE, InstigatorType.SENSOR):
        for state in instance.all_instigator_state(instigator_type=kind):
            ticks = instance.get_ticks(state.instigator_origin_id, state.selector_id, after=began)
            found += [
                Evaluated(
                    name=state.instigator_name,
                    status=tick.status.value,
                    said=(tick.error.message if tick.error else tick.skip_reason) or "",
                    runs=tuple(tick.run_ids),
                )
                for tick in ticks
            ]
    return tuple(sorted(found, key=lambda one: one.name))


@contextmanager
def _workspace(instance: dg.DagsterInstance) -> Generator[WorkspaceProcessContext]:
    """Load the code location in a server that lives as long as this."""
    target = ModuleTarget(
        module_name=f"{LOCATION}.definitions",
        attribute=None,
        working_directory=str(PROJECT),
        location_name=LOCATION,
    )
    with WorkspaceProcessContext(instance, target, code_server_log_level="WARNING") as workspace:
        entries = workspace.create_request_context().get_code_location_entries()
        errors = [entry.load_error for entry in entries.values() if entry.load_error]
        if errors:
            message = f"the code location does not load: {errors[0].to_string()}"
            raise RefitError(message)
        yield workspace


@contextmanager
def _alone(instance: dg.DagsterInstance) -> Generator[Callable[[], None]]:
    """Refuse where a daemon or another tick is at work; look like a daemon meanwhile."""
    me = uuid.uuid4().hex

    def claim(at: float | None = None) -> None:
        now = time.time() if at is None else at
        instance.add_daemon_heartbeat(DaemonHeartbeat(now, "SENSOR", me, []))

    with ExitStack() as stack:
        # Two ticks of one machine at the very same moment; other machines' are told by heartbeats.
        lock = stack.enter_context((Path(instance.root_directory) / "tick.lock").open("w"))
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            message = "another `refit tick` is at work; this one has nothing to do"
            raise TickRefusedError(message) from error
        _refuse_daemon(instance)
        claim()
        # Last a beat of long ago: whoever comes next need not wait for ours to grow old.
        stack.callback(claim, 0.0)
        yield claim


def _refuse_daemon(instance: dg.DagsterInstance) -> None:
    for kind, beat in instance.get_daemon_heartbeats().items():
        age = time.time() - beat.timestamp
        if age < _ALIVE_SECONDS:
            message = (
                f"a daemon is at work ({kind.lower()}, {age:.0f} s ago) and does all that a tick "
                "would do; end it first, or leave the ticking to it"
            )
            raise TickRefusedError(message)


def render_evaluated(one: Evaluated) -> str:
    """Render as a line."""
    if one.status == "SUCCESS":
        return f"{one.name}: asked for {len(one.runs)} run{'' if len(one.runs) == 1 else 's'}"
    return f"{one.name}: {one.status.lower()}: {one.said}"


def render_handed(run: Handed) -> str:
    """Render as a line."""
    what = ", ".join(run.assets) or "a job"
    return f"run {run.run_id[:8]}: {what} {run.partition}: {run.status.lower()}"


def render_tick(tick: Tick) -> str:
    """Render the end of a tick."""
    lines = [render_handed(run) for run in tick.runs]
    if tick.queued:
        lines.append(f"{tick.queued} runs wait for a later tick: a limit of the queue holds them")
    return "\n".join(lines or ["nothing was due"])
