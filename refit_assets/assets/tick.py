"""One tick: what Dagster's daemon does all day, done once; then everything ends.

For a cron job, so that nothing at all runs between two ticks: no webserver, daemon or code server.
Schedules, sensors, backfills, retries and the queue behave as they do under the daemon (`rounds`).
Belongs here: which rounds, and what they led to. Does not: what is due (the sensors), running it
(Dagster's launcher).
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

import dagster as dg
from dagster._core.definitions.run_request import InstigatorType

from refit_assets.assets.main_job import prepare_instance
from refit_assets.assets.rounds import open_rounds
from refit_assets.resources.cluster_deployment import ClusterDeployment
from refit_assets.resources.deployment import Deployment

Tell = Callable[[str], None]

# First what failed or was lost, then what is new; the queue hands all of it over afterwards.
ROUNDS = ("MONITORING", "EVENT_LOG_CONSUMER", "SCHEDULER", "SENSOR", "BACKFILL")


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
        DaemonAtWorkError: a daemon or another tick is at work.
        RefitError: the code location does not load.

    """
    if not isinstance(deployment, ClusterDeployment):
        # A cluster's pod brings its own DAGSTER_HOME and dagster.yaml.
        prepare_instance(deployment)
    with open_rounds() as rounds:
        began = time.time()
        for kind in ROUNDS:
            rounds.once(kind)
        evaluated = _evaluated(rounds.instance, began)
        for one in evaluated:
            tell(render_evaluated(one))
        handed: dict[str, None] = {}

        def watch(run_id: str) -> None:
            if run_id not in handed:
                handed[run_id] = None
                tell(render_handed(_handed(rounds.instance, run_id)))

        rounds.hand_over(watch)
        runs = tuple(_handed(rounds.instance, run_id) for run_id in handed)
        return Tick(evaluated=evaluated, runs=runs, queued=len(rounds.queued()))


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
