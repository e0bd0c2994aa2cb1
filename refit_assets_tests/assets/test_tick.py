"""A tick of an instance on disk: alone, or not at all; and how it is told."""

import time
from collections.abc import Generator

import dagster as dg
import pytest
from dagster._daemon.types import DaemonHeartbeat

from refit_assets.assets.rounds import DaemonAtWorkError, alone
from refit_assets.assets.tick import Evaluated, Handed, Tick, render_tick

SKIPPED = Evaluated(name="a", status="SKIPPED", said="nothing has landed", runs=())
RUN = Handed(run_id="1a2b3c4d5e", assets=("a/features",), partition="2013-01-01", status="SUCCESS")


@pytest.fixture(scope="module")
def on_disk(tmp_path_factory: pytest.TempPathFactory) -> Generator[dg.DagsterInstance]:
    with dg.DagsterInstance.local_temp(str(tmp_path_factory.mktemp("dagster"))) as found:
        yield found


@pytest.fixture
def instance(on_disk: dg.DagsterInstance) -> dg.DagsterInstance:
    """Give an instance of which no daemon and no tick is known; making one takes long."""
    on_disk.wipe_daemon_heartbeats()
    return on_disk


def test_of_two_ticks_at_once_one_is_refused(instance: dg.DagsterInstance) -> None:
    with alone(instance), pytest.raises(DaemonAtWorkError, match="another"), alone(instance):
        pass


def test_where_a_daemon_lives_a_tick_is_refused(instance: dg.DagsterInstance) -> None:
    instance.add_daemon_heartbeat(DaemonHeartbeat(time.time(), "SCHEDULER", "daemon", []))
    with (
        pytest.raises(DaemonAtWorkError, match=r"a daemon is at work \(scheduler"),
        alone(instance),
    ):
        pass


def test_a_tick_on_another_machine_looks_like_a_daemon(instance: dg.DagsterInstance) -> None:
    with alone(instance):
        (beat,) = instance.get_daemon_heartbeats().values()
        assert time.time() - beat.timestamp < 60


def test_after_a_tick_the_next_one_may_come_at_once(instance: dg.DagsterInstance) -> None:
    for _ in range(2):
        with alone(instance):
            pass


def test_a_daemon_that_is_long_gone_is_no_hindrance(instance: dg.DagsterInstance) -> None:
    instance.add_daemon_heartbeat(DaemonHeartbeat(time.time() - 600, "SENSOR", "daemon", []))
    with alone(instance):
        pass


def test_what_was_held_back_is_told() -> None:
    tick = Tick(evaluated=(SKIPPED,), runs=(RUN,), queued=2)
    assert render_tick(tick) == (
        "run 1a2b3c4d: a/features 2013-01-01: success\n"
        "2 runs wait for a later tick: a limit of the queue holds them"
    )
    assert render_tick(Tick(evaluated=(SKIPPED,), runs=(), queued=0)) == "nothing was due"


@pytest.mark.parametrize(("status", "failed"), [("FAILURE", True), ("SUCCESS", False)])
def test_a_tick_fails_with_its_runs(status: str, *, failed: bool) -> None:
    run = Handed(run_id="1", assets=(), partition="", status=status)
    assert Tick(evaluated=(SKIPPED,), runs=(run,), queued=0).failed is failed
