"""The back-test, embedded: a backfill of the model's own assets on a scratch instance.

Replays are a backfill of Dagster's, which this process drives to its end by the daemon's own loops;
`REFIT_HOME=<scratch folder> make dev` shows it. What each cadence decides is `release.backtest`.
Tables are the live ones: pinning a replay's window tags their snapshots, and changes nothing else.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import dagster as dg
from dagster._core.definitions.assets.graph.asset_graph_subset import AssetGraphSubset
from dagster._core.definitions.events import AssetKeyPartitionKey
from dagster._core.execution.backfill import (
    BULK_ACTION_TERMINAL_STATUSES,
    BulkActionsFilter,
    BulkActionStatus,
    PartitionBackfill,
)
from dagster._core.utils import make_new_backfill_id
from dagster._time import get_current_timestamp

from refit_assets.artefacts import record_to_json
from refit_assets.assets.main_job import (
    QUIET,
    REFIT_ASSETS,
    RunError,
    failure_of,
    figures_of,
    prepare_instance,
)
from refit_assets.assets.rounds import CODE, Rounds, open_rounds
from refit_assets.assets.runs import UNFINISHED
from refit_assets.assets.steps import PROGRESS
from refit_assets.errors import WorkloadTimeout
from refit_assets.release.backtest import Backtest, Plan, Replayed, run_backtest
from refit_assets.release.backtest_report import render_backtest_report
from refit_assets.resources.deployment import Deployment, ScratchDeployment, make_scratch
from refit_assets.resources.engines import build_resources
from refit_assets.spec import ModelSpec
from refit_assets.workloads.wait import Patience, wait_until

ENDED = BULK_ACTION_TERMINAL_STATUSES
REPLAYED = REFIT_ASSETS[:-1]
_BACKFILL, _PARTITION = "dagster/backfill", "dagster/partition"
# Dagster ends a run after four hours (dagster.yaml); a back-test may have a hundred.
_MOST_SECONDS = 400 * 3600
_CANCEL_SECONDS = 60


def run_backtest_job(spec: ModelSpec, live: Deployment, plan: Plan) -> tuple[Backtest, Path]:
    """Run or continue a back-test; returns it and the path of its report.

    Raises:
        RunError: replays failed, each is named; the same call goes on from there.
        DaemonAtWorkError: the scratch instance is open in a UI, or another back-test runs.
        DataError, SpecError: see `release.backtest`.

    """
    scratch = make_scratch(live, spec.name)
    maven = build_resources(scratch)["maven"]

    def replay(keys: Sequence[str], done: Replayed) -> None:
        replay_by_backfill(spec, scratch, keys, done)

    found = run_backtest(spec, plan, live.store, scratch.home, replay=replay, score=maven.score)
    name = f"{plan.first}_{plan.last}"
    report = scratch.home / f"{name}.html"
    report.write_text(render_backtest_report(found), encoding="utf-8")
    (scratch.home / f"{name}.json").write_bytes(record_to_json(found))
    return found, report


def replay_by_backfill(
    spec: ModelSpec,
    scratch: ScratchDeployment,
    keys: Sequence[str],
    done: Replayed,
    *,
    code: str = CODE,
) -> None:
    """Replay refits by one backfill of the scratch instance, and see it to its end.

    Ctrl-C cancels the backfill; what is done stays.

    Raises:
        RunError: names every refit that failed, and why.

    """
    prepare_instance(scratch)
    with open_rounds(code) as rounds:
        _close_unfinished(rounds.instance)
        replays = _Replays(rounds=rounds, wanted=len(keys), done=done)
        backfill_id = _request(spec, rounds, keys)
        try:
            status = replays.drive(backfill_id)
        except KeyboardInterrupt:
            PROGRESS.info("cancelling the backfill")
            with suppress(WorkloadTimeout):
                _cancel(rounds, backfill_id)
            raise
        missing = [key for key in keys if key not in replays.replayed]
        if missing:
            backfill = _read(rounds.instance, backfill_id)
            other = f"the backfill ended {status.value.lower()}"
            other = backfill.error.message.strip() if backfill.error else other
            lines = [f"\n  {key}: {replays.failed.get(key, other)}" for key in missing]
            message = (
                f"{len(missing)} of {len(keys)} replays of {spec.name} failed; the others are "
                f"kept, and the same command tries these again:{''.join(lines)}"
            )
            raise RunError(message)


@dataclass(kw_only=True)
class _Replays:
    """The runs of a backfill, followed by what they log."""

    rounds: Rounds
    wanted: int
    done: Replayed
    replayed: set[str] = field(default_factory=set)
    failed: dict[str, str] = field(default_factory=dict)
    _cursors: dict[str, str] = field(default_factory=dict)
    _figures: dict[str, dict[str, Mapping[str, float]]] = field(default_factory=dict)

    def drive(self, backfill_id: str) -> BulkActionStatus:
        """Let the daemon's loops go round until the backfill has ended."""

        def go_round() -> BulkActionStatus:
            self.rounds.once("BACKFILL")
            self.rounds.hand_over(self.watch)
            return _read(self.rounds.instance, backfill_id).status

        patience = Patience(timeout_seconds=_MOST_SECONDS, interval_seconds=0.5)
        return wait_until(go_round, ENDED, f"backfill {backfill_id}", patience)

    def watch(self, run_id: str) -> None:
        """Look at what a run has logged since the last look."""
        run = self.rounds.instance.get_run_by_id(run_id)
        key = run.tags[_PARTITION] if run else ""
        more = True
        while more:
            page = self.rounds.instance.get_records_for_run(run_id, self._cursors.get(run_id))
            self._cursors[run_id], more = page.cursor, page.has_more
            for record in page.records:
                self._take(key, record.event_log_entry)

    def _take(self, key: str, entry: dg.EventLogEntry) -> None:
        event = entry.dagster_event
        if event is None:
            # What the steps told: the same lines that a refit in this process shows.
            PROGRESS.info("%s  %s", key, entry.user_message)
        elif event.is_step_failure:
            self.failed[key] = failure_of([event])
        elif event.is_step_materialization:
            self._figures.setdefault(key, {}).update(figures_of([event]))
        elif event.event_type == dg.DagsterEventType.RUN_SUCCESS:
            self.done(key, self._figures[key])
            self.replayed.add(key)
            PROGRESS.info("%s  replayed, %d of %d", key, len(self.replayed), self.wanted)
        elif event.is_job_failure or event.event_type == dg.DagsterEventType.RUN_CANCELED:
            # A step's own words say more.
            self.failed.setdefault(key, event.message or "its run ended without a word")
            PROGRESS.info("%s  failed: %s", key, self.failed[key])


def _request(spec: ModelSpec, rounds: Rounds, keys: Sequence[str]) -> str:
    """Do what the UI's button does: ask for a backfill of these partitions."""
    graph = rounds.workspace.create_request_context().asset_graph
    wanted = {
        AssetKeyPartitionKey(dg.AssetKey([spec.name, name]), key)
        for name in REPLAYED
        for key in keys
    }
    backfill = PartitionBackfill.from_asset_graph_subset(
        backfill_id=make_new_backfill_id(),
        backfill_timestamp=get_current_timestamp(),
        tags={"refit/backtest": spec.name},
        dynamic_partitions_store=rounds.instance,
        asset_graph_subset=AssetGraphSubset.from_asset_partition_set(wanted, graph),
        title=f"back-test of {spec.name}",
        description=None,
        run_config=QUIET,
    )
    rounds.instance.add_backfill(backfill)
    return backfill.backfill_id


def _read(instance: dg.DagsterInstance, backfill_id: str) -> PartitionBackfill:
    backfill = instance.get_backfill(backfill_id)
    assert backfill is not None  # noqa: S101 - it was added above, and none is ever deleted
    return backfill


def _cancel(rounds: Rounds, backfill_id: str) -> None:
    """Do what the UI's button does; Dagster ends the runs first."""
    asked = _read(rounds.instance, backfill_id).with_status(BulkActionStatus.CANCELING)
    rounds.instance.update_backfill(asked)

    def go_round() -> BulkActionStatus:
        rounds.once("BACKFILL")
        return _read(rounds.instance, backfill_id).status

    patience = Patience(timeout_seconds=_CANCEL_SECONDS, interval_seconds=0.5)
    wait_until(go_round, ENDED, f"backfill {backfill_id}", patience)


def _close_unfinished(instance: dg.DagsterInstance) -> None:
    """Close what a killed process left: nobody else is at work here, so its runs are gone too."""
    for run in instance.get_runs(dg.RunsFilter(statuses=[*UNFINISHED])):
        instance.report_run_canceled(run, message="the back-test that it belonged to is gone")
    open_ones = [one for one in BulkActionStatus if one not in ENDED]
    for backfill in instance.get_backfills(filters=BulkActionsFilter(statuses=open_ones)):
        closed = backfill.with_status(BulkActionStatus.CANCELED)
        instance.update_backfill(closed.with_end_timestamp(get_current_timestamp()))
