"""A session with a real H2O: what it refuses, and that it can be opened again."""

from dataclasses import replace

import pytest

from refit_assets.errors import WorkloadFailed
from refit_assets.training.session import H2OConnection, connected

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
