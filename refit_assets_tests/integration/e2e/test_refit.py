"""A refit on a cluster, asked for as the UI asks, compared with the laptop's."""

import pytest

from refit_assets_tests.integration.e2e.installation import Installation
from refit_assets_tests.integration.e2e.laptop import Laptop
from refit_assets_tests.integration.e2e.refitted import (
    Refitted,
    day_digests,
    of_refit,
    predicted_digest,
    refit_digests,
)
from refit_assets_tests.integration.e2e.small_model import LAST, MODEL, RUN_MIB

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


def test_trees_grow_on_two_nodes_and_beside_them_the_glm_on_one(refitted: Refitted) -> None:
    clusters: dict[str, int] = {}
    for node in refitted.h2o_nodes:
        cluster = node.rpartition("-")[0]
        clusters[cluster] = clusters.get(cluster, 0) + 1
    assert sorted(clusters.values()) == [1, 2]
    assert refitted.h2o_at_once == 2


def test_the_pods_of_its_runs_are_as_large_as_the_model_says(refitted: Refitted) -> None:
    assert refitted.run_limits == {f"{RUN_MIB}Mi"}


def test_two_refits_of_one_model_never_run_side_by_side(
    installation: Installation, refitted: Refitted
) -> None:
    asked = [installation.start(of_refit("training_set")) for _ in range(2)]
    for run_id in asked:
        installation.ended(run_id)
    first, second = sorted(
        (run["startTime"], run["endTime"]) for one in asked for run in installation.attempts(one)
    )
    assert first[1] <= second[0]


def test_the_champion_scores_a_day_on_the_cluster_as_on_the_laptop(
    installation: Installation, laptop: Laptop, refitted: Refitted
) -> None:
    installation.run({f"{MODEL}/predictions": (LAST.isoformat(), LAST.isoformat())})
    assert predicted_digest(installation.store) == predicted_digest(laptop.store)
    assert installation.left_over() == []
