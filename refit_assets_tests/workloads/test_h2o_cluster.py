"""H2O clusters over an API server in memory."""

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from refit_assets.errors import WorkloadFailed, WorkloadTimeout
from refit_assets.workloads.h2o_cluster import (
    CLIENT_LABEL,
    Cluster,
    H2OClusters,
    build_cluster,
    find_leader,
    node_hosts,
    unmistakable,
)
from refit_assets.workloads.kube import Manifest
from refit_assets.workloads.wait import Patience
from refit_assets_tests.fakes.kubernetes_api import FakeApi, FakeClock

CLUSTER = Cluster(name="churn-fit2-1a2b-h2o", image="refit-h2o:1", nodes=2, memory_mib=2048)
LABELS = {"refit/workload": CLUSTER.name}
HOSTS = node_hosts(CLUSTER.name, "refit", 2)


class World:
    """A cluster whose nodes a test brings up."""

    def __init__(self) -> None:
        self.api = FakeApi()
        self.clock = FakeClock()
        patience = Patience(timeout_seconds=60, clock=self.clock, sleep=self.clock.sleep)
        self.patience = patience
        self.clusters = H2OClusters(api=self.api, patience=patience, leaving=patience)

    def node(self, index: int, phase: str = "Running", **about: object) -> None:
        self.api.pod(f"{CLUSTER.name}-{index}", phase, labels=LABELS, **about)


def of_kind(kind: str, cluster: Cluster = CLUSTER) -> Manifest:
    return next(m for m in build_cluster(cluster, "refit", "s3cret") if m["kind"] == kind)


def test_a_cluster_is_there_as_long_as_it_is_used() -> None:
    world = World()
    with world.clusters.submitted(CLUSTER):
        assert len(world.api.objects) == 4
        world.node(0)
        world.node(1)
        world.clusters.wait(CLUSTER)
        world.clusters.refuse_broken(CLUSTER)
    assert world.api.names == []


def test_what_a_killed_predecessor_left_goes_first() -> None:
    world = World()
    for manifest in build_cluster(CLUSTER, "refit", "old"):
        world.api.create(manifest)
    with world.clusters.submitted(CLUSTER):
        assert world.api.created.count(CLUSTER.name) == 8
    assert world.api.names == []


def test_a_cluster_that_never_comes_up_is_given_up_and_removed() -> None:
    world = World()
    with world.clusters.submitted(CLUSTER):
        world.node(0)
        with pytest.raises(WorkloadTimeout, match="still 1 after 60 s; waited for 2"):
            world.clusters.wait(CLUSTER)
    assert world.api.names == []


def test_an_image_that_is_not_there_ends_the_wait_at_once() -> None:
    world = World()
    waiting = [{"state": {"waiting": {"reason": "ErrImagePull", "message": "no such image"}}}]
    with world.clusters.submitted(CLUSTER):
        world.node(0, "Pending", containerStatuses=waiting)
        with pytest.raises(WorkloadFailed, match="ErrImagePull: no such image; build and push"):
            world.clusters.wait(CLUSTER)
    assert world.clock.now == 0


@pytest.mark.parametrize("how", ["gone", "restarted", "failed"])
def test_a_lost_node_is_seen_and_worth_another_attempt(how: str) -> None:
    world = World()
    world.node(0)
    ended = {"lastState": {"terminated": {"reason": "OOMKilled"}}, "restartCount": 1}
    if how == "restarted":
        world.node(1, containerStatuses=[ended])
    if how == "failed":
        world.node(1, "Failed")
    with pytest.raises(WorkloadFailed, match="lost a node") as caught:
        world.clusters.refuse_broken(CLUSTER)
    assert caught.value.transient


def answers(size: int, leaders: tuple[int, ...]) -> Callable[[str], tuple[int, str]]:
    def get(url: str) -> tuple[int, str]:
        index = next(i for i, host in enumerate(HOSTS) if host in url)
        if index not in leaders:
            return 403, ""
        return 200, json.dumps({"cloud_size": size, "cloud_healthy": True})

    return get


def test_the_leader_is_the_one_node_that_answers_for_the_whole_cloud() -> None:
    assert find_leader(HOSTS, answers(2, (1,)), World().patience) == HOSTS[1]


@pytest.mark.parametrize(("size", "leaders"), [(1, (0,)), (2, (0, 1)), (2, ())])
def test_a_cloud_that_still_forms_has_no_leader(size: int, leaders: tuple[int, ...]) -> None:
    with pytest.raises(WorkloadTimeout, match="H2O cloud of 2"):
        find_leader(HOSTS, answers(size, leaders), World().patience)


def test_only_the_own_program_reaches_a_cluster() -> None:
    spec = of_kind("NetworkPolicy")["spec"]
    sources = [rule["from"][0]["podSelector"]["matchLabels"] for rule in spec["ingress"]]
    assert sources == [LABELS, {CLIENT_LABEL: CLUSTER.name}]


def test_nodes_start_at_once_and_find_one_another_before_any_is_ready() -> None:
    assert of_kind("StatefulSet")["spec"]["podManagementPolicy"] == "Parallel"
    assert of_kind("Service")["spec"]["publishNotReadyAddresses"] is True
    assert of_kind("Service")["spec"]["clusterIP"] == "None"


def test_every_part_of_a_cluster_belongs_to_its_owners() -> None:
    owner = {"kind": "Job", "name": "run"}
    made = build_cluster(replace(CLUSTER, owners=[owner]), "refit", "s3cret")
    assert [m["metadata"]["ownerReferences"] for m in made] == [[owner]] * 4


def test_the_password_is_nowhere_but_in_the_secret() -> None:
    others = [m for m in build_cluster(CLUSTER, "refit", "s3cret") if m["kind"] != "Secret"]
    assert "s3cret" not in str(others)


def test_nodes_are_locked_down_and_stop_by_themselves() -> None:
    pod = of_kind("StatefulSet")["spec"]["template"]["spec"]
    container = pod["containers"][0]
    assert pod["automountServiceAccountToken"] is False
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert "-rest_api_ping_timeout" in container["args"]
    # One that limps without memory is not seen.
    assert "-XX:+ExitOnOutOfMemoryError" in container["args"]
    assert (
        container["resources"]["requests"]["memory"] == container["resources"]["limits"]["memory"]
    )


@pytest.mark.parametrize(
    ("endpoint", "written"),
    [
        ("http://s3.refit.svc:7070", "http://S3.refit.svc:7070"),
        ("https://my.s3-store.example.com", "https://my.S3-store.example.com"),
        ("http://minio:9000/s3", "http://minio:9000/s3"),
        ("https://s3.eu-west-1.amazonaws.com", "https://s3.eu-west-1.amazonaws.com"),
    ],
)
def test_no_region_is_read_from_the_name_of_an_s3_server(endpoint: str, written: str) -> None:
    assert unmistakable(endpoint) == written


def test_an_s3_server_of_ones_own_is_named_and_amazons_is_not() -> None:
    own = replace(CLUSTER, s3_endpoint="http://s3:7070")
    arguments = [
        of_kind("StatefulSet", c)["spec"]["template"]["spec"]["containers"][0]["args"]
        for c in (CLUSTER, own)
    ]
    assert not [text for text in arguments[0] if "endPoint" in text]
    assert "-Dsys.ai.h2o.persist.s3.endPoint=http://S3:7070" in arguments[1]
