"""A program in a pod of its own, as a Job: submit it, tell its log, wait for its end, remove it.

What Maven and the fit program run in. Knows Kubernetes; knows nothing of what the program does.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from refit_assets.errors import WorkloadFailed
from refit_assets.workloads.kube import (
    WORKLOAD_LABEL,
    Api,
    Manifest,
    pods_of,
    submitted,
)
from refit_assets.workloads.pods import (
    pod_phase,
    read_stuck,
    was_killed,
    why_failed,
    why_unschedulable,
)
from refit_assets.workloads.wait import Patience, wait_until
from refit_assets.workloads.watching import Heartbeat, LogFollower, Tell

KIND = "Job"
SUCCEEDED, FAILED = "Succeeded", "Failed"
NON_ROOT = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
LOCKED = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}


@dataclass(frozen=True, kw_only=True)
class Program:
    """A command of an image, with its size."""

    name: str
    image: str
    command: Sequence[str]
    memory_mib: int
    cpu_request: str = "100m"
    environment: Mapping[str, str] = field(default_factory=dict)
    secrets: Sequence[str] = ()
    """Secrets whose keys become variables."""
    secret_values: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """Variables from single keys: name -> (Secret, key)."""
    labels: Mapping[str, str] = field(default_factory=dict)
    owners: Sequence[Manifest] = ()
    deadline_seconds: int = 3600
    time_to_live_seconds: int = 600
    scratch_mib: int = 2048
    """What it may write below /tmp; its root is read-only."""
    pull_policy: str = "IfNotPresent"


@dataclass(frozen=True, kw_only=True)
class ProgramPods:
    """Programs in one namespace."""

    api: Api
    patience: Patience
    pending_seconds: float = 300
    """How long a pod may wait for a node."""
    leaving: Patience = field(default_factory=lambda: Patience(timeout_seconds=120))

    def submitted(
        self, manifest: Manifest, prepare: Callable[[], None] = lambda: None, *, adopt: bool = True
    ) -> AbstractContextManager[str]:
        """Submit, or adopt after a restart; delete on the way out, whatever happened.

        `prepare` is called before a submission, and not before an adoption.
        """
        name = manifest["metadata"]["name"]
        ended = not adopt or self._state(name) == FAILED
        return submitted(self.api, manifest, self.leaving, ended=ended, prepare=prepare)

    def wait(self, name: str, tell: Tell, watch: Callable[[], None] = lambda: None) -> None:
        """Return once the program ended well; tell its log meanwhile.

        Args:
            name: The program's.
            tell: Told every line.
            watch: Called at every look; raises if what the program needs is gone.

        Raises:
            WorkloadFailed: it failed, or will never start. Transient where it was killed.
            WorkloadTimeout: it did not end in time.

        """
        what = f"program {self.api.namespace}/{name}"
        log = LogFollower(api=self.api, tell=tell)
        pulse = Heartbeat(tell=tell, clock=self.patience.clock)

        def look() -> str:
            state = self._state(name)
            pod = self._pod(name)
            spoke = pod is not None and log.follow(pod["metadata"]["name"]) > 0
            pulse.beat(f"{what} is {state}", spoke=spoke)
            if state not in {SUCCEEDED, FAILED}:
                self._refuse_stuck(what, name, pod, pulse.seconds)
                watch()
            return state

        if wait_until(look, {SUCCEEDED, FAILED}, what, self.patience) == SUCCEEDED:
            return
        pod = self._pod(name)
        # A pod that somebody deleted is not there to say so.
        why = "its pod is gone" if pod is None else why_failed(pod)
        message = f"{what} failed: {why}{log.tail}"
        raise WorkloadFailed(message, transient=pod is None or was_killed(pod))

    def _refuse_stuck(self, what: str, name: str, pod: Manifest | None, seconds: float) -> None:
        stuck = None
        if pod is not None:
            stuck = read_stuck(self.api, pod, seconds)
            # Not at once, as a node may be on its way.
            if stuck is None and seconds > self.pending_seconds:
                stuck = why_unschedulable(pod)
        # A quota lets no pod be made, and only the Job's events tell of it.
        elif seconds > self.pending_seconds:
            events = self.api.events(name)
            stuck = events[-1] if events else "no pod was made, and no event says why"
        if stuck is not None:
            message = f"{what} will not start: {stuck}"
            raise WorkloadFailed(message)

    def _pod(self, name: str) -> Manifest | None:
        pods = [pod for pod in pods_of(self.api, name) if _of_job(pod)]
        return pods[0] if pods else None

    def _state(self, name: str) -> str:
        job = self.api.read(KIND, name)
        if job is None:
            return "not there"
        ends = {
            condition["type"]
            for condition in job.get("status", {}).get("conditions", ())
            if condition.get("status") == "True"
        }
        if "Complete" in ends:
            return SUCCEEDED
        if "Failed" in ends:
            return FAILED
        pod = self._pod(name)
        # The Job's own condition follows its pod's end by seconds.
        return "Pending" if pod is None else pod_phase(pod)


def _of_job(pod: Manifest) -> bool:
    return "job-name" in pod["metadata"].get("labels", {})


def build_job(program: Program, namespace: str) -> Manifest:
    """Build the Job of a program: one attempt, non-root, a read-only root, a deadline."""
    labels = {**program.labels, WORKLOAD_LABEL: program.name}
    memory = f"{program.memory_mib}Mi"
    container = {
        "name": "program",
        "image": program.image,
        "imagePullPolicy": program.pull_policy,
        "args": [*program.command],
        "env": _environment(program),
        "envFrom": [{"secretRef": {"name": secret}} for secret in program.secrets],
        "resources": {
            "requests": {"cpu": program.cpu_request, "memory": memory},
            "limits": {"memory": memory},
        },
        "securityContext": LOCKED,
        "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],  # noqa: S108 - a volume of its own
    }
    pod = {
        "restartPolicy": "Never",
        # A program talks to the store and to H2O, never to Kubernetes.
        "automountServiceAccountToken": False,
        # Else every Service of the namespace comes along as variables.
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": 5,
        "securityContext": NON_ROOT,
        "containers": [container],
        "volumes": [{"name": "tmp", "emptyDir": {"sizeLimit": f"{program.scratch_mib}Mi"}}],
    }
    return {
        "apiVersion": "batch/v1",
        "kind": KIND,
        "metadata": {
            "name": program.name,
            "namespace": namespace,
            "labels": labels,
            "ownerReferences": [*program.owners],
        },
        "spec": {
            # Whether to try again is Dagster's to decide, which knows what was stored.
            "backoffLimit": 0,
            "activeDeadlineSeconds": program.deadline_seconds,
            "ttlSecondsAfterFinished": program.time_to_live_seconds,
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
    }


def _environment(program: Program) -> list[Manifest]:
    plain: list[Manifest] = [
        {"name": name, "value": value} for name, value in program.environment.items()
    ]
    kept = [
        {"name": name, "valueFrom": {"secretKeyRef": {"name": secret, "key": key}}}
        for name, (secret, key) in program.secret_values.items()
    ]
    return plain + kept
