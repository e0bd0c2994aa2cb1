"""A back-test's replays are one backfill of Dagster's: real daemon loops, code server and runs."""

import logging
import os
from collections.abc import Mapping

import dagster as dg
import pytest
from dagster._core.execution.backfill import BulkActionStatus

from refit_assets.assets.backtest import replay_by_backfill
from refit_assets.assets.main_job import RunError
from refit_assets.resources.deployment import ScratchDeployment, make_scratch, read_deployment
from refit_assets_tests.assets.conftest import Workshop

# No JVM, but a code server and a process a run: too slow for the fast tests.
pytestmark = pytest.mark.h2o
REFITS = ("2013-01-04", "2013-01-05", "2013-01-06")


@pytest.fixture
def scratch(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> ScratchDeployment:
    # Both are set for the code server; the tests after this one get their own back.
    for name in ("DAGSTER_HOME", "REFIT_HOME"):
        monkeypatch.setenv(name, os.environ.get(name, ""))
    monkeypatch.setenv("DAGSTER_GRPC_TIMEOUT_SECONDS", "600")
    workshop.land(1, 2, 3, 4, 5)
    workshop.compute(1, 5)
    return make_scratch(workshop.deployment, workshop.spec.name)


def replay(workshop: Workshop, scratch: ScratchDeployment, *keys: str) -> dict[str, set[str]]:
    """Replay; which steps of each refit were measured."""
    done: dict[str, set[str]] = {}

    def take(key: str, steps: Mapping[str, Mapping[str, float]]) -> None:
        done[key] = {name for name, figures in steps.items() if figures["seconds"] >= 0}

    code = "refit_assets_tests.fakes.scratch_definitions"
    replay_by_backfill(workshop.spec, scratch, keys, take, code=code)
    return done


def backfills(scratch: ScratchDeployment) -> list[BulkActionStatus]:
    """How each backfill of the scratch instance ended, the first first."""
    with dg.DagsterInstance.from_config(str(scratch.dagster_home)) as instance:
        assert {run.is_finished for run in instance.get_runs()} == {True}
        return [one.status for one in reversed(instance.get_backfills())]


def test_a_failed_replay_is_named_the_others_are_kept_and_it_is_tried_again(
    workshop: Workshop, scratch: ScratchDeployment, caplog: pytest.LogCaptureFixture
) -> None:
    broken = scratch.home / "broken"
    broken.write_text(REFITS[1])
    caplog.set_level(logging.INFO, "refit_assets.progress")
    with pytest.raises(RunError, match=r"1 of 3 replays of late failed") as raised:
        replay(workshop, scratch, *REFITS)
    (line,) = str(raised.value).splitlines()[1:]
    assert line == "  2013-01-05: late__trials failed: the H2O node was killed: no memory"
    # The steps' own words, each beside its refit.
    assert f"{REFITS[0]}  trial 1 of 1 done" in caplog.messages
    assert f"{REFITS[2]}  replayed, 2 of 3" in caplog.messages
    broken.unlink()
    steps = {"training_set", "trials", "scoring_jar", "evaluation"}
    assert replay(workshop, scratch, REFITS[1]) == {REFITS[1]: steps}
    failed, again = BulkActionStatus.COMPLETED_FAILED, BulkActionStatus.COMPLETED_SUCCESS
    assert backfills(scratch) == [failed, again]
    # Whoever opens the scratch home in the UI writes into it alone.
    opened = read_deployment({"REFIT_HOME": str(scratch.home)})
    assert opened == scratch
    assert opened.store.storage.uri != workshop.deployment.store.storage.uri
    assert opened.repository_url != workshop.deployment.repository_url


def test_ctrl_c_cancels_the_backfill_and_keeps_what_is_done(
    workshop: Workshop, scratch: ScratchDeployment
) -> None:
    done: list[str] = []

    def stop(key: str, _: object) -> None:
        done.append(key)
        raise KeyboardInterrupt

    code = "refit_assets_tests.fakes.scratch_definitions"
    with pytest.raises(KeyboardInterrupt):
        replay_by_backfill(workshop.spec, scratch, REFITS, stop, code=code)
    assert len(done) == 1
    assert backfills(scratch) == [BulkActionStatus.CANCELED]
