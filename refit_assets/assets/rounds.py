"""The daemon's own loops, one round at a time, in a process that ends.

Whoever needs Dagster's sensors, backfills or queue without its daemon (a tick, a back-test) lets
each loop run for one round, so that all behaves as under the daemon (decision 0015).
Belongs here: rounds, the queue, being alone. Does not: what is due, and what is told of it.
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
from dagster._core.launcher import DefaultRunLauncher
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import ModuleTarget
from dagster._daemon.controller import create_daemon_of_type
from dagster._daemon.daemon import DagsterDaemon, SpanMarker
from dagster._daemon.types import DaemonHeartbeat

from refit_assets.errors import RefitError
from refit_assets.resources.deployment import PROJECT
from refit_assets.workloads.wait import Patience, wait_until

LOCATION = "refit_assets"
CODE = f"{LOCATION}.definitions"
"""Module of the code location."""
QUEUE = "QUEUED_RUN_COORDINATOR"
IN_PROGRESS = (
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
)
# Dagster's daemon beats every 30 s; two beats missed are no daemon.
_ALIVE_SECONDS = 60
# As long as the laptop's dagster.yaml lets a run last.
_MOST_SECONDS = 4 * 3600


class DaemonAtWorkError(RefitError):
    """Somebody else does the daemon's work at this moment."""


@dataclass(frozen=True, kw_only=True)
class Rounds:
    """An instance with its code location, and nobody else at work on it."""

    instance: dg.DagsterInstance
    workspace: WorkspaceProcessContext
    claim: Callable[[], None]
    """Says that the daemon's work is being done; to be said again within a minute."""

    def once(self, kind: str) -> None:
        """Let one of the daemon's loops run for a round, if the instance has need of it."""
        self.claim()
        if kind not in self.instance.get_required_daemon_types():
            return
        # Leaving a daemon waits for its threads, in which sensors are evaluated.
        with create_daemon_of_type(kind, self.instance) as daemon:
            _once(daemon, self.workspace)

    def hand_over(self, watch: Callable[[str], None]) -> None:
        """Empty the queue as far as its limits allow; runs that die with this process are awaited.

        Args:
            watch: Is told the id of each run that the launcher has got, and of one that is awaited
                every half a second, and once more when it has ended.

        """
        # A run of the default launcher is a child of this process's code server and ends with it.
        ours = isinstance(self.instance.run_launcher, DefaultRunLauncher)
        # Runs that end make room under the limits: again, until nothing more starts.
        while True:
            before = self.queued()
            self.once(QUEUE)
            after = self.queued()
            launched = [run for run in before if run not in after]
            for run_id in launched:
                watch(run_id)
            if not launched or not ours:
                break
            self._wait(launched, watch)

    def queued(self) -> Sequence[str]:
        """Ids of the runs in the queue."""
        filters = dg.RunsFilter(statuses=[dg.DagsterRunStatus.QUEUED])
        return [record.dagster_run.run_id for record in self.instance.get_run_records(filters)]

    def _wait(self, runs: Collection[str], watch: Callable[[str], None]) -> None:
        def running() -> bool:
            # Runs outlast a heartbeat, and an old one would let another tick begin.
            self.claim()
            filters = dg.RunsFilter(run_ids=[*runs], statuses=[*IN_PROGRESS])
            found = self.instance.get_run_records(filters)
            for run_id in runs:
                watch(run_id)
            return bool(found)

        patience = Patience(timeout_seconds=_MOST_SECONDS, interval_seconds=0.5)
        wait_until(running, {False}, f"end of {len(runs)} runs", patience)


@contextmanager
def open_rounds(code: str = CODE) -> Generator[Rounds]:
    """Open the instance of DAGSTER_HOME and load the code location, alone.

    Raises:
        DaemonAtWorkError: a daemon, or another command of this kind, is at work.
        RefitError: the code location does not load.

    """
    with (
        dg.DagsterInstance.get() as instance,
        # First: loading takes seconds, and a command that is refused should say so at once.
        alone(instance) as claim,
        _workspace(instance, code) as workspace,
    ):
        yield Rounds(instance=instance, workspace=workspace, claim=claim)


def _once(daemon: "DagsterDaemon[Any]", workspace: WorkspaceProcessContext) -> None:
    # It never ends by itself: END_SPAN, after each round, is where to leave it. Neither is public;
    # the pin of Dagster and `integration/test_tick.py` hold them (decision 0015).
    loop = daemon.core_loop(workspace, Event())
    for mark in loop:
        if mark is SpanMarker.END_SPAN:
            break
    loop.close()


@contextmanager
def _workspace(instance: dg.DagsterInstance, code: str) -> Generator[WorkspaceProcessContext]:
    """Load the code location in a server that lives as long as this."""
    target = ModuleTarget(
        module_name=code,
        attribute=None,
        working_directory=str(PROJECT),
        location_name=LOCATION,
    )
    workspace = WorkspaceProcessContext(instance, target, code_server_log_level="WARNING")
    with ExitStack() as stack:
        # The server is told to end, and nobody but this asks whether it did.
        stack.callback(workspace._grpc_server_registry.wait_for_processes)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
        stack.enter_context(workspace)
        entries = workspace.create_request_context().get_code_location_entries()
        errors = [entry.load_error for entry in entries.values() if entry.load_error]
        if errors:
            message = f"the code location does not load: {errors[0].to_string()}"
            raise RefitError(message)
        yield workspace


@contextmanager
def alone(instance: dg.DagsterInstance) -> Generator[Callable[[], None]]:
    """Refuse where a daemon or another command is at work; look like a daemon meanwhile."""
    me = uuid.uuid4().hex

    def claim(at: float | None = None) -> None:
        now = time.time() if at is None else at
        instance.add_daemon_heartbeat(DaemonHeartbeat(now, "SENSOR", me, []))

    with ExitStack() as stack:
        # Two commands of one machine at one moment; other machines' are told by heartbeats.
        lock = stack.enter_context((Path(instance.root_directory) / "tick.lock").open("w"))
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            message = "another command does the daemon's work here; this one has nothing to do"
            raise DaemonAtWorkError(message) from error
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
                f"a daemon is at work ({kind.lower()}, {age:.0f} s ago) and does what this "
                "command would do; end it first, or leave the work to it"
            )
            raise DaemonAtWorkError(message)
