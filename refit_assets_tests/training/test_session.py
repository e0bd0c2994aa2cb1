"""A session with a real H2O: what it refuses, and that it can be opened again."""

import os
import signal
import threading
from dataclasses import replace

import pytest

from refit_assets.errors import WorkloadFailed
from refit_assets.training.session import H2OConnection, connected
from refit_assets.workloads.h2o_process import running_h2o
from refit_assets_tests.training.conftest import connect, settings

pytestmark = pytest.mark.h2o


def test_what_h2o_refuses_is_told_in_its_own_words(h2o: H2OConnection) -> None:
    refused = pytest.raises(WorkloadFailed, match=r"H2O at .*no_such_frame")
    with refused as caught, connected(h2o, 60) as session:
        session.ask("GET /3/Frames/no_such_frame")
    assert not caught.value.transient


def test_a_cluster_of_fewer_nodes_than_asked_for_is_refused(h2o: H2OConnection) -> None:
    refused = pytest.raises(WorkloadFailed, match="H2O has 1 nodes, expected 2")
    with refused, connected(replace(h2o, nodes=2), 60):
        pass


def test_a_session_can_be_opened_again(h2o: H2OConnection) -> None:
    for _ in range(2):
        with connected(h2o, 60) as session:
            assert session.ask("GET /3/Cloud")["cloud_size"] == 1


def test_a_connection_lost_before_the_process_ends_is_told_as_its_end() -> None:
    # Here, because the fast tests collect this module as well and run none of it.
    from h2o.exceptions import H2OConnectionError

    with running_h2o(settings(xgboost=False)) as process:
        end = threading.Timer(1.0, os.kill, (process.pid, signal.SIGKILL))
        refused = pytest.raises(WorkloadFailed, match="was killed by signal 9")
        with refused as caught, connected(connect(process), 60):
            end.start()
            message = "Connection reset by peer"
            raise H2OConnectionError(message)
        end.join()
    assert caught.value.transient
