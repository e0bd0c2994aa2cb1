"""SparkApplications over an API server in memory and a clock that never sleeps."""

from dataclasses import replace

import pytest

from refit_assets.errors import WorkloadFailed, WorkloadTimeout
from refit_assets.workloads.kube import REQUEST_LABEL, Manifest, WorkloadError
from refit_assets.workloads.spark_application import (
    MARK,
    Pods,
    SparkApplications,
    SparkProgram,
    build_application,
)
from refit_assets.workloads.wait import Patience
from refit_assets_tests.fakes.kubernetes_api import FakeApi, FakeClock

NAME = "churn-features-1a2b3c4d"
DRIVER = f"{NAME}-driver"
PROGRAM = SparkProgram(
    name=NAME,
    image="refit-spark:1",
    main_file="local:///opt/job.py",
    environment={"A": "1"},
    labels={REQUEST_LABEL: "asked"},
)
MANIFEST = build_application(PROGRAM, "refit")


class World:
    """A cluster with an operator whose states come at set times."""

    def __init__(self) -> None:
        self.api = FakeApi()
        self.clock = FakeClock()
        self.heard: list[str] = []
        patience = Patience(timeout_seconds=900, clock=self.clock, sleep=self.clock.sleep)
        self.applications = SparkApplications(api=self.api, patience=patience, leaving=patience)

    def state(self, seconds: float, state: str, message: str = "") -> None:
        status = {"applicationState": {"state": state, "errorMessage": message}}
        self.clock.at(seconds, lambda: self.api.status("SparkApplication", NAME, status))

    def driver(self, seconds: float, phase: str = "Running", **about: object) -> None:
        about = {"env": [{"name": MARK, "value": NAME}], **about}
        labels = {"refit/workload": NAME}
        self.clock.at(seconds, lambda: self.api.pod(DRIVER, phase, labels=labels, **about))

    def run(self, manifest: Manifest = MANIFEST) -> None:
        with self.applications.submitted(manifest) as name:
            self.applications.wait(name, self.heard.append)


def test_a_completed_application_leaves_nothing_behind() -> None:
    world = World()
    world.state(1, "SUBMITTED")
    world.driver(2)
    world.state(3, "RUNNING")
    world.state(30, "COMPLETED")
    world.run()
    assert world.api.names == []


def test_a_failed_submission_is_waited_out() -> None:
    world = World()
    world.state(1, "SUBMISSION_FAILED", "webhook timed out")
    world.state(8, "SUBMITTED")
    world.state(30, "COMPLETED")
    world.run()


def test_a_failure_tells_the_operators_message_and_the_end_of_the_log() -> None:
    world = World()
    world.driver(1)
    world.api.logs[DRIVER] = [("2026-01-01T00:00:01Z", "ValueError: day 3")]
    world.state(2, "RUNNING")
    ended = [{"state": {"terminated": {"exitCode": 1, "reason": "Error"}}}]
    world.driver(9, "Failed", containerStatuses=ended)
    world.state(9, "FAILED", "driver container failed")
    with pytest.raises(WorkloadFailed, match=r"refit/churn.* driver container failed") as caught:
        world.run()
    assert "ValueError: day 3" in str(caught.value)
    assert not caught.value.transient
    assert world.api.names == []


def test_a_driver_that_somebody_deleted_is_worth_another_attempt() -> None:
    world = World()
    world.driver(1)
    world.state(2, "RUNNING")
    world.clock.at(9, lambda: world.api.delete("Pod", DRIVER))
    world.state(9, "FAILED", "driver pod not found")
    with pytest.raises(WorkloadFailed) as caught:
        world.run()
    assert caught.value.transient


def test_each_line_of_the_drivers_log_is_told_once() -> None:
    world = World()
    world.driver(1)
    world.state(1, "RUNNING")
    lines = [(f"2026-01-01T00:00:0{n}Z", f"line {n}") for n in range(4)]
    for number, line in enumerate(lines):
        world.clock.at(
            number + 1, lambda line=line: world.api.logs.setdefault(DRIVER, []).append(line)
        )
    world.state(20, "COMPLETED")
    world.run()
    assert world.heard == ["line 0", "line 1", "line 2", "line 3"]


def test_a_silent_application_shows_that_it_lives() -> None:
    world = World()
    world.driver(1)
    world.state(1, "RUNNING")
    world.state(130, "COMPLETED")
    world.run()
    assert [line for line in world.heard if "is RUNNING for" in line]


@pytest.mark.parametrize(
    ("reason", "cure"),
    [("ImagePullBackOff", "make images"), ("CreateContainerConfigError", "Secret or ConfigMap")],
)
def test_a_driver_that_can_never_start_ends_the_wait_at_once(reason: str, cure: str) -> None:
    world = World()
    world.state(1, "SUBMITTED")
    waiting = [{"state": {"waiting": {"reason": reason, "message": "no such thing"}}}]
    world.driver(2, "Pending", containerStatuses=waiting)
    with pytest.raises(WorkloadFailed, match=f"{reason}.*{cure}"):
        world.run()
    assert world.clock.now < 10
    assert world.api.names == []


def test_a_secret_that_a_busy_node_gets_late_is_waited_for() -> None:
    world = World()
    world.state(1, "SUBMITTED")
    late = "failed to sync secret cache: timed out waiting for the condition"
    waiting = [{"state": {"waiting": {"reason": "CreateContainerConfigError", "message": late}}}]
    world.driver(2, "Pending", containerStatuses=waiting)
    world.api.said[DRIVER] = [f'FailedMount: MountVolume.SetUp failed for volume "login" : {late}']
    world.driver(120)
    world.state(150, "COMPLETED")
    world.run()


def test_a_volume_may_come_after_its_driver_as_sparks_own_does() -> None:
    world = World()
    world.state(1, "SUBMITTED")
    world.driver(2, "Pending")
    world.api.said[DRIVER] = ['FailedMount: configmap "driver-podspec" not found']
    world.driver(30)
    world.state(60, "COMPLETED")
    world.run()


def test_a_volume_that_does_not_come_ends_the_wait() -> None:
    world = World()
    world.state(1, "SUBMITTED")
    world.driver(2, "Pending")
    world.api.said[DRIVER] = ['FailedMount: configmap "settings" not found']
    with pytest.raises(WorkloadFailed, match='FailedMount: configmap "settings" not found'):
        world.run()
    assert 90 < world.clock.now < 100


def test_a_node_may_take_a_while_to_come_but_not_for_ever() -> None:
    world = World()
    world.state(1, "SUBMITTED")
    full = [{"type": "PodScheduled", "status": "False", "message": "0/3 nodes: Insufficient cpu"}]
    world.driver(2, "Pending", conditions=full)
    with pytest.raises(WorkloadFailed, match="Unschedulable: 0/3 nodes: Insufficient cpu"):
        world.run()
    assert 300 < world.clock.now < 310


def test_an_operator_that_is_not_there_is_named() -> None:
    world = World()
    with pytest.raises(WorkloadFailed, match=r"no operator took it in .* watches refit"):
        world.run()
    assert world.clock.now < 310


def test_a_quota_is_no_reason_to_submit_again_and_again() -> None:
    world = World()
    world.state(1, "SUBMISSION_FAILED", "pods is forbidden: exceeded quota: refit")
    with pytest.raises(WorkloadFailed, match="exceeded quota: refit; make it smaller"):
        world.run()
    assert world.clock.now < 10


def test_a_driver_without_the_webhooks_security_context_is_not_submitted_again() -> None:
    world = World()
    said = 'WARNING: a\nException: pods "x" is forbidden: violates PodSecurity "restricted"\n at b'
    world.state(1, "SUBMISSION_FAILED", said)
    with pytest.raises(WorkloadFailed, match=r'PodSecurity "restricted"; .*webhook') as caught:
        world.run()
    assert "WARNING" not in str(caught.value)
    assert world.clock.now < 10


def test_a_webhook_that_did_not_reach_the_driver_is_named() -> None:
    world = World()
    world.state(1, "RUNNING")
    world.driver(2, env=[])
    with pytest.raises(WorkloadFailed, match="webhook"):
        world.run()


def test_what_never_ends_is_given_up_and_removed() -> None:
    world = World()
    world.driver(1)
    world.state(1, "RUNNING")
    with pytest.raises(WorkloadTimeout, match="is still RUNNING after 900 s"):
        world.run()
    assert world.api.names == []


def test_a_successor_adopts_what_does_its_own_work_and_takes_it_over() -> None:
    world = World()
    world.api.create(MANIFEST)
    world.api.status("SparkApplication", NAME, {"applicationState": {"state": "RUNNING"}})
    world.state(5, "COMPLETED")
    mine = build_application(replace(PROGRAM, owners=[{"name": "run-2"}]), "refit")
    with world.applications.submitted(mine) as name:
        found = world.api.read("SparkApplication", name)
        assert found is not None
        assert found["metadata"]["ownerReferences"] == [{"name": "run-2"}]
        world.applications.wait(name, world.heard.append)
    assert world.api.created == [NAME]
    assert world.api.names == []


@pytest.mark.parametrize("state", ["FAILED", "RUNNING"])
def test_a_successor_removes_what_failed_or_does_other_work(state: str) -> None:
    world = World()
    other = "asked" if state == "FAILED" else "something else"
    labels = {REQUEST_LABEL: other}
    world.api.create(build_application(replace(PROGRAM, labels=labels), "refit"))
    world.api.status("SparkApplication", NAME, {"applicationState": {"state": state}})
    world.state(5, "COMPLETED")
    world.run()
    assert world.api.created == [NAME, NAME]


def test_an_executor_that_outlives_its_application_is_waited_for() -> None:
    world = World()
    world.api.pod("late-exec", labels={"refit/workload": NAME})
    world.api.stays.add("late-exec")
    world.state(1, "COMPLETED")
    world.clock.at(30, lambda: world.api.objects.pop(("Pod", "late-exec")))
    world.run()
    assert world.clock.now >= 30


def test_what_cannot_be_removed_does_not_hide_the_first_error() -> None:
    world = World()
    world.api.stays.add(NAME)
    world.state(2, "FAILED", "out of luck")
    with pytest.raises(WorkloadError, match="out of luck"):
        world.run()


def test_only_submissions_are_tried_again_and_every_object_has_a_time_to_live() -> None:
    spec = MANIFEST["spec"]
    assert spec["restartPolicy"]["onFailureRetries"] == 0
    assert spec["restartPolicy"]["onSubmissionFailureRetries"] > 0
    assert spec["timeToLiveSeconds"] > 0


def test_pods_are_what_the_namespace_admits_and_only_the_driver_may_ask_kubernetes() -> None:
    owner = {"kind": "Job", "name": "run"}
    made = build_application(replace(PROGRAM, owners=[owner]), "refit")
    assert made["metadata"]["ownerReferences"] == [owner]
    driver, executor = made["spec"]["driver"], made["spec"]["executor"]
    assert driver["serviceAccount"] == "spark"
    assert "serviceAccount" not in executor
    for pod in (driver, executor):
        assert pod["securityContext"]["capabilities"] == {"drop": ["ALL"]}
        assert pod["podSecurityContext"]["runAsNonRoot"] is True


def test_executors_may_live_on_spot_nodes_while_the_driver_does_not() -> None:
    spot = Pods(node_selector={"lifecycle": "spot"}, tolerations=[{"key": "spot"}])
    spec = build_application(replace(PROGRAM, executor=spot), "refit")["spec"]
    assert spec["executor"]["nodeSelector"] == {"lifecycle": "spot"}
    assert "nodeSelector" not in spec["driver"]
    assert spec["sparkConf"]["spark.decommission.enabled"] == "true"


def test_executors_come_and_go_between_bounds() -> None:
    spec = build_application(replace(PROGRAM, executors=2, most_executors=8), "refit")["spec"]
    allocation = spec["dynamicAllocation"]
    assert (allocation["minExecutors"], allocation["maxExecutors"]) == (2, 8)
    assert allocation["shuffleTrackingTimeout"] > 0


def test_secrets_are_named_and_never_written_out() -> None:
    spec = build_application(replace(PROGRAM, secrets=["refit-s3"]), "refit")["spec"]
    assert spec["driver"]["envFrom"] == [{"secretRef": {"name": "refit-s3"}}]
    assert "refit-s3" not in str(spec["sparkConf"])
