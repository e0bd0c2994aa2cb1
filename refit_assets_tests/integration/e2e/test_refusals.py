"""What can never start is refused at once, with the cure: real refusals of a real cluster."""

import json
from collections.abc import Generator
from dataclasses import replace

import pytest

from refit_assets.errors import WorkloadFailed
from refit_assets.workloads.h2o_cluster import Cluster, H2OClusters
from refit_assets.workloads.kube import KubernetesApi, open_api
from refit_assets.workloads.program_pod import Program, ProgramPods, build_job
from refit_assets.workloads.spark_application import (
    SparkApplications,
    SparkProgram,
    build_application,
)
from refit_assets.workloads.wait import Patience
from refit_assets_tests.integration.e2e.installation import Installation
from refit_assets_tests.integration.e2e.kubectl import NAMESPACE, kubectl

pytestmark = [pytest.mark.cluster, pytest.mark.filterwarnings("default")]
# No run is asked for.
DAEMON = False
PATIENCE = Patience(timeout_seconds=120)
PROGRAM = Program(name="refused-program", image="localhost/none:1", command=["true"], memory_mib=64)
SPARK = SparkProgram(name="refused-spark", image="localhost/none:1", main_file="local:///none.py")
NOWHERE = {"matchLabels": {"kubernetes.io/metadata.name": "nowhere"}}
WEBHOOKS = "mutatingwebhookconfigurations"


@pytest.fixture(scope="module")
def api(installation: Installation) -> KubernetesApi:
    return open_api(NAMESPACE)


@pytest.fixture
def _no_webhook(installation: Installation) -> Generator[None]:
    """Take the Spark operator's webhook away for a while."""
    found = json.loads(kubectl("get", WEBHOOKS, "-o", "json"))["items"]
    spark = [one for one in found if "spark-operator" in one["metadata"]["name"]]
    assert spark, "there is no webhook of the Spark operator"
    rules = [{"op": "replace", "path": "/webhooks/0/namespaceSelector", "value": NOWHERE}]
    for one in spark:
        name = one["metadata"]["name"]
        kubectl("patch", WEBHOOKS, name, "--type=json", "-p", json.dumps(rules))
    yield
    for one in spark:
        was = [{**rules[0], "value": one["webhooks"][0].get("namespaceSelector", {})}]
        kubectl("patch", WEBHOOKS, one["metadata"]["name"], "--type=json", "-p", json.dumps(was))


def run_program(api: KubernetesApi, program: Program) -> None:
    pods = ProgramPods(api=api, patience=PATIENCE, pending_seconds=5)
    with pods.submitted(build_job(program, NAMESPACE)) as name:
        pods.wait(name, lambda line: None)


def run_spark(api: KubernetesApi, program: SparkProgram) -> None:
    applications = SparkApplications(api=api, patience=PATIENCE)
    with applications.submitted(build_application(program, NAMESPACE)) as name:
        applications.wait(name, lambda line: None)


def test_an_image_that_nobody_has_ends_a_program(api: KubernetesApi) -> None:
    with pytest.raises(WorkloadFailed, match=r"ErrImagePull|ImagePullBackOff"):
        run_program(api, PROGRAM)


def test_an_image_that_nobody_has_ends_an_h2o_cluster(api: KubernetesApi) -> None:
    cluster = Cluster(name="refused-h2o", image=PROGRAM.image, nodes=2, memory_mib=512)
    clusters = H2OClusters(api=api, patience=PATIENCE)
    with (
        pytest.raises(WorkloadFailed, match=r"ErrImagePull|ImagePullBackOff"),
        clusters.submitted(cluster),
    ):
        clusters.wait(cluster)


def test_an_image_that_nobody_has_ends_a_spark_application(api: KubernetesApi) -> None:
    with pytest.raises(WorkloadFailed, match=r"ErrImagePull|ImagePullBackOff"):
        run_spark(api, SPARK)


def test_a_secret_that_is_missing_is_named(api: KubernetesApi, image: str) -> None:
    with pytest.raises(WorkloadFailed, match=r"CreateContainerConfigError.*not-made"):
        run_program(api, replace(PROGRAM, image=image, secrets=["not-made"]))


def test_a_pod_that_no_node_can_take_is_told(api: KubernetesApi, image: str) -> None:
    cpu = "1000"
    with pytest.raises(WorkloadFailed, match=r"Unschedulable: .*cpu"):
        run_program(api, replace(PROGRAM, image=image, cpu_request=cpu))


def test_a_quota_that_is_full_is_named(api: KubernetesApi, image: str) -> None:
    with pytest.raises(WorkloadFailed, match="exceeded quota"):
        run_program(api, replace(PROGRAM, image=image, memory_mib=1_000_000))


@pytest.mark.usefixtures("_no_webhook")
def test_a_driver_that_the_webhook_did_not_reach_is_told(api: KubernetesApi) -> None:
    with pytest.raises(WorkloadFailed, match="webhook did not reach the driver"):
        run_spark(api, SPARK)


def test_nothing_of_what_was_refused_stays(installation: Installation) -> None:
    assert [name for name in installation.left_over() if "refused" in name] == []
