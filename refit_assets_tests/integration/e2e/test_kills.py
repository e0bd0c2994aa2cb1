"""What dies in the middle is made again: the same digests, and nothing left over.

Each test makes a part of the refit again with something killed, as a node's end would: at once,
with no time to clean up.
"""

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from refit_assets.workloads.kube import RUN_LABEL
from refit_assets.workloads.wait import Patience, wait_until
from refit_assets_tests.integration.e2e.installation import Installation
from refit_assets_tests.integration.e2e.kubectl import NAMESPACE, kubectl, objects
from refit_assets_tests.integration.e2e.overlay import change_model
from refit_assets_tests.integration.e2e.refitted import (
    Refitted,
    day_digests,
    forget_trials,
    of_refit,
    refit_digests,
    stored_trials,
)
from refit_assets_tests.integration.e2e.small_model import LAST, MODEL

pytestmark = [pytest.mark.cluster, pytest.mark.filterwarnings("default")]
DAYS = {f"{MODEL}/features": ((LAST - timedelta(days=2)).isoformat(), LAST.isoformat())}


@dataclass
class Killer:
    """Kills the first running pod that carries the labels, once it is time to."""

    labels: str
    named: str = ""
    """What the pod's name must contain."""
    when: Callable[[], bool] = lambda: True
    killed: list[str] = field(default_factory=list)

    def __call__(self) -> None:
        if self.killed:
            return
        running = [pod for pod in objects("pods", self.labels) if _is_running(pod, self.named)]
        if running and self.when():
            name = running[0]["metadata"]["name"]
            kubectl("-n", NAMESPACE, "delete", "pod", name, "--grace-period=0", "--force")
            self.killed.append(name)


def _is_running(pod: Mapping[str, dict[str, Any]], named: str) -> bool:
    running = pod["status"]["phase"] == "Running" and "deletionTimestamp" not in pod["metadata"]
    return running and named in pod["metadata"]["name"]


@pytest.mark.parametrize("role", ["driver", "executor"])
def test_spark_without_its_driver_or_an_executor_computes_the_same_days(
    installation: Installation, refitted: Refitted, role: str
) -> None:
    before = day_digests(installation.store)
    killer = Killer(f"spark-role={role}")
    installation.run(DAYS, killer)
    assert killer.killed
    assert day_digests(installation.store) == before
    assert installation.left_over() == []


def test_a_run_that_somebody_stops_takes_its_workload_with_it(
    installation: Installation, refitted: Refitted
) -> None:
    before = day_digests(installation.store)
    run_id = installation.start(DAYS)
    soon = Patience(timeout_seconds=180)
    wait_until(lambda: bool(objects("pods", "spark-role=driver")), {True}, "a driver", soon)
    installation.terminate(run_id)
    wait_until(lambda: not installation.left_over(), {True}, "the end of its workload", soon)

    def states() -> list[str]:
        return [run["status"] for run in installation.attempts(run_id)]

    # The run's own last word comes after its workload is gone; nobody tries it again.
    wait_until(states, [["CANCELED"]], "the end of the run", soon)
    assert day_digests(installation.store) == before


def test_a_lost_h2o_node_costs_the_trials_in_flight_and_changes_no_byte(
    installation: Installation, refitted: Refitted
) -> None:
    before, store = refit_digests(installation.store), installation.store
    forget_trials(store)
    kept: dict[str, bytes | None] = {}

    def one_is_done() -> bool:
        kept.update(stored_trials(store))
        return bool(kept)

    # Of the two that grow trees; the GLM's single node stays.
    killer = Killer("refit/role=h2o", named="-share", when=one_is_done)
    installation.run(of_refit("trials", "candidate"), killer)
    assert killer.killed
    assert refit_digests(store) == before
    assert kept.items() <= stored_trials(store).items()
    assert installation.left_over() == []


@pytest.fixture
def _two_clusters(installation: Installation) -> Generator[None]:
    change_model(nodes=1, clusters=2)
    yield
    change_model()


@pytest.mark.usefixtures("_two_clusters")
def test_a_killed_run_pods_successor_ends_the_refit_on_two_clusters_with_one_queue(
    installation: Installation, refitted: Refitted
) -> None:
    before, store = refit_digests(installation.store), installation.store
    forget_trials(store)
    killer = Killer("refit/role=run", when=lambda: bool(objects("pods", "refit/role=h2o")))
    nodes: dict[str, set[str]] = {}

    def look() -> None:
        killer()
        for pod in objects("pods", "refit/role=h2o"):
            if _is_running(pod, "-share"):
                names = nodes.setdefault(pod["metadata"]["labels"][RUN_LABEL], set())
                names.add(pod["metadata"]["name"])

    _, successor = installation.run(of_refit("trials", "candidate"), look)
    assert killer.killed
    assert len(nodes[successor]) == 2
    assert refit_digests(store) == before
    assert installation.left_over() == []


def test_a_killed_maven_pod_leaves_no_half_a_jar(
    installation: Installation, refitted: Refitted
) -> None:
    before, store = refit_digests(installation.store), installation.store
    store.storage.delete(f"models/{MODEL}/jars/")
    killer = Killer("refit/role=program")
    installation.run(of_refit("scoring_jar"), killer)
    assert killer.killed
    assert refit_digests(store) == before
    assert installation.left_over() == []
