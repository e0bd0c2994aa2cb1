"""Programs in pods of their own, over an API server in memory."""

from dataclasses import replace

import pytest

from refit_assets.errors import WorkloadFailed
from refit_assets.workloads.kube import REQUEST_LABEL, workload_name
from refit_assets.workloads.program_pod import Program, ProgramPods, build_job
from refit_assets.workloads.wait import Patience
from refit_assets_tests.fakes.kubernetes_api import FakeApi, FakeClock

NAME = "churn-package-1a2b3c4d"
PROGRAM = Program(
    name=NAME,
    image="refit-maven:1",
    command=["true"],
    memory_mib=512,
    labels={REQUEST_LABEL: "asked"},
    secret_values={"PASSWORD": ("secret", "key")},
)
MANIFEST = build_job(PROGRAM, "refit")


class World:
    """A cluster whose Job controller a test plays."""

    def __init__(self) -> None:
        self.api = FakeApi()
        self.clock = FakeClock()
        self.heard: list[str] = []
        patience = Patience(timeout_seconds=900, clock=self.clock, sleep=self.clock.sleep)
        self.pods = ProgramPods(api=self.api, patience=patience, leaving=patience)

    def pod(self, seconds: float, phase: str = "Running", **about: object) -> None:
        labels = {"refit/workload": NAME, "job-name": NAME}
        self.clock.at(seconds, lambda: self.api.pod(f"{NAME}-x", phase, labels=labels, **about))

    def ends(self, seconds: float, how: str) -> None:
        status = {"conditions": [{"type": how, "status": "True"}]}
        self.clock.at(seconds, lambda: self.api.status("Job", NAME, status))

    def run(self) -> None:
        with self.pods.submitted(MANIFEST) as name:
            self.pods.wait(name, self.heard.append)


def test_a_program_that_ends_well_leaves_nothing_behind() -> None:
    world = World()
    world.api.logs[f"{NAME}-x"] = [("2026-01-01T00:00:01Z", "built")]
    world.pod(1)
    world.ends(20, "Complete")
    world.run()
    assert world.heard == ["built"]
    assert world.api.names == []


def test_a_failure_tells_the_exit_code_and_the_end_of_the_log() -> None:
    world = World()
    world.api.logs[f"{NAME}-x"] = [("2026-01-01T00:00:01Z", "no such artefact")]
    ended = [{"state": {"terminated": {"exitCode": 3, "reason": "Error"}}}]
    world.pod(1, "Failed", containerStatuses=ended)
    world.ends(2, "Failed")
    with pytest.raises(WorkloadFailed, match=r"exit code 3\n  \| no such artefact") as caught:
        world.run()
    assert not caught.value.transient


@pytest.mark.parametrize("reason", ["Error", "OOMKilled"])
def test_a_killed_pod_is_worth_another_attempt_unless_its_memory_was_short(reason: str) -> None:
    world = World()
    ended = [{"state": {"terminated": {"exitCode": 137, "reason": reason}}}]
    world.pod(1, "Failed", containerStatuses=ended)
    world.ends(2, "Failed")
    with pytest.raises(WorkloadFailed) as caught:
        world.run()
    assert caught.value.transient == (reason == "Error")


@pytest.mark.parametrize("reason", ["Evicted", "Preempted", "NodeLost", "Shutdown"])
def test_a_pod_whose_node_sent_it_away_is_worth_another_attempt(reason: str) -> None:
    world = World()
    world.pod(1, "Failed", reason=reason, message="the node was low on memory")
    with pytest.raises(WorkloadFailed, match=f"{reason}: the node was low") as caught:
        world.run()
    assert caught.value.transient


def test_the_end_of_a_pod_counts_before_its_jobs_condition_says_so() -> None:
    world = World()
    world.pod(1, "Succeeded")
    world.run()
    assert world.clock.now < 5


def test_a_pod_that_somebody_deleted_is_worth_another_attempt() -> None:
    world = World()
    world.ends(2, "Failed")
    with pytest.raises(WorkloadFailed, match="its pod is gone") as caught:
        world.run()
    assert caught.value.transient


def test_a_quota_that_lets_no_pod_be_made_is_named() -> None:
    world = World()
    world.api.said[NAME] = ["FailedCreate: exceeded quota: refit"]
    with pytest.raises(WorkloadFailed, match="exceeded quota: refit"):
        world.run()


def test_a_watch_that_raises_ends_the_program() -> None:
    world = World()
    world.pod(1)

    def lost() -> None:
        message = "a node is gone"
        raise WorkloadFailed(message, transient=True)

    with (
        pytest.raises(WorkloadFailed, match="a node is gone"),
        world.pods.submitted(MANIFEST) as name,
    ):
        world.pods.wait(name, world.heard.append, lost)
    assert world.api.names == []


@pytest.mark.parametrize("adopt", [True, False])
def test_a_running_program_is_taken_over_only_where_that_is_wanted(*, adopt: bool) -> None:
    world = World()
    world.api.create(MANIFEST)
    world.ends(5, "Complete")
    with world.pods.submitted(MANIFEST, adopt=adopt) as name:
        world.pods.wait(name, world.heard.append)
    assert len(world.api.created) == (1 if adopt else 2)


def test_a_program_is_locked_down_and_gets_secrets_by_reference() -> None:
    spec = MANIFEST["spec"]["template"]["spec"]
    container = spec["containers"][0]
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert spec["automountServiceAccountToken"] is False
    assert MANIFEST["spec"]["backoffLimit"] == 0
    assert MANIFEST["spec"]["ttlSecondsAfterFinished"] > 0
    assert MANIFEST["spec"]["activeDeadlineSeconds"] == PROGRAM.deadline_seconds
    assert container["resources"]["limits"] == {"memory": "512Mi"}
    assert spec["volumes"] == [{"name": "tmp", "emptyDir": {"sizeLimit": "2048Mi"}}]
    kept = {"name": "secret", "key": "key"}
    assert container["env"] == [{"name": "PASSWORD", "valueFrom": {"secretKeyRef": kept}}]


def test_a_program_belongs_to_its_owners() -> None:
    owner = {"kind": "Job", "name": "run"}
    job = build_job(replace(PROGRAM, owners=[owner]), "refit")
    assert job["metadata"]["ownerReferences"] == [owner]


def test_names_fit_a_driver_pod_and_stay_the_same_after_a_restart() -> None:
    long = workload_name(
        "a_model_with_a_name_of_more_than_forty_letters", "features", "run", "step"
    )
    assert len(long) <= 45
    assert long == workload_name(
        "a_model_with_a_name_of_more_than_forty_letters", "features", "run", "step"
    )
    assert workload_name("m", "features", "run-1") != workload_name("m", "features", "run-2")
