"""The same inputs give the same bytes in another JVM, by other threads, from other files.

And a JVM that is killed in mid-trial costs the trials in flight, nothing else.
"""

import os
import signal
import time
from pathlib import Path

import pytest

from refit_assets.errors import WorkloadFailed
from refit_assets.training.fit import fit, fit_from_store
from refit_assets.training.session import H2OConnection
from refit_assets.workloads.h2o_process import running_h2o
from refit_assets_tests.training.conftest import (
    Fitted,
    build_request,
    classification,
    connect,
    new_store,
    settings,
    silent,
)

pytestmark = pytest.mark.h2o


def test_another_jvm_with_other_threads_and_files_gives_the_same_bytes(
    fitted: Fitted, tmp_path: Path
) -> None:
    request = build_request(tmp_path / "files", pieces=3, **classification(max_parallel=4))
    store = new_store(tmp_path / "store")
    with running_h2o(settings(threads=1, xgboost=False)) as process:
        again = fit(connect(process), request, store, silent)
    assert {trial.key: trial.mojo_sha256 for trial in again.trials} == fitted.digests
    assert again.candidate == fitted.result.candidate


def test_a_jvm_killed_in_mid_trial_costs_only_the_trials_in_flight(
    fitted: Fitted, h2o: H2OConnection, tmp_path: Path
) -> None:
    store = new_store(tmp_path / "store")
    killed: list[float] = []
    with running_h2o(settings(xgboost=False)) as process:

        def kill(line: str) -> None:
            if line.startswith("trial 1 of"):
                killed.append(time.monotonic())
                os.kill(process.pid, signal.SIGKILL)

        with pytest.raises(WorkloadFailed, match="was killed by signal 9") as caught:
            fit(connect(process), fitted.request, store, kill)
    assert caught.value.transient
    assert time.monotonic() - killed[0] < 10
    assert fit_from_store(fitted.request, store, silent) is None
    lines: list[str] = []
    again = fit(h2o, fitted.request, store, lines.append)
    assert lines[0].startswith("1 of 4 trials are stored")
    assert {trial.key: trial.mojo_sha256 for trial in again.trials} == fitted.digests
    assert again.candidate == fitted.result.candidate
