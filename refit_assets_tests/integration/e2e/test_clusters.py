"""Trials that several H2O clusters take from one queue."""

from collections.abc import Generator

import pytest

from refit_assets_tests.integration.e2e.installation import Installation
from refit_assets_tests.integration.e2e.kubectl import objects
from refit_assets_tests.integration.e2e.overlay import change_model
from refit_assets_tests.integration.e2e.refitted import (
    Refitted,
    forget_trials,
    of_refit,
    refit_digests,
)

pytestmark = [pytest.mark.cluster, pytest.mark.filterwarnings("default")]


@pytest.fixture
def _two_clusters(installation: Installation) -> Generator[None]:
    change_model(nodes=1, clusters=2)
    yield
    change_model()


@pytest.mark.usefixtures("_two_clusters")
def test_trials_spread_over_two_clusters_make_the_same_bytes(
    installation: Installation, refitted: Refitted
) -> None:
    before, store = refit_digests(installation.store), installation.store
    forget_trials(store)
    seen: set[str] = set()

    def look() -> None:
        seen.update(pod["metadata"]["name"] for pod in objects("pods", "refit/role=h2o"))

    installation.run(of_refit("trials", "candidate"), look)
    assert len({name for name in seen if "-share" in name}) == 2
    assert refit_digests(store) == before
    assert installation.left_over() == []
