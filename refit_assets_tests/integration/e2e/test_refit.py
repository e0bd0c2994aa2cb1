"""A refit on a cluster, asked for as the UI asks, compared with the laptop's."""

import pytest

from refit_assets_tests.integration.e2e.installation import Installation
from refit_assets_tests.integration.e2e.laptop import Laptop
from refit_assets_tests.integration.e2e.refitted import Refitted, day_digests, refit_digests

pytestmark = [pytest.mark.cluster, pytest.mark.filterwarnings("default")]


def test_a_refit_on_the_cluster_makes_the_laptops_bytes_and_leaves_nothing(
    installation: Installation, laptop: Laptop, refitted: Refitted
) -> None:
    assert len(day_digests(laptop.store)) == 60
    assert day_digests(installation.store) == day_digests(laptop.store)
    assert refit_digests(installation.store) == refit_digests(laptop.store)
    assert installation.left_over() == []


def test_sixty_days_are_one_run_one_application_and_two_executors(refitted: Refitted) -> None:
    assert len(refitted.features_runs) == 1
    assert len(refitted.applications) == 1
    assert len(refitted.executors) == 2


def test_trees_grow_on_two_nodes_and_the_glm_on_one(refitted: Refitted) -> None:
    clusters: dict[str, int] = {}
    for node in refitted.h2o_nodes:
        cluster = node.rpartition("-")[0]
        clusters[cluster] = clusters.get(cluster, 0) + 1
    assert sorted(clusters.values()) == [1, 2]
