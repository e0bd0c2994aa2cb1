"""SparkApplications of the Spark operator: submit one, wait for its end, always remove it.

Knows Kubernetes and the operator's states; knows nothing of models or Dagster.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from refit_assets.errors import WorkloadFailed
from refit_assets.workloads.kube import (
    WORKLOAD_LABEL,
    Api,
    Manifest,
    submitted,
)
from refit_assets.workloads.pods import (
    read_stuck,
    was_killed,
    why_unschedulable,
)
from refit_assets.workloads.wait import Patience, wait_until
from refit_assets.workloads.watching import Heartbeat, LogFollower, Tell

KIND = "SparkApplication"
# SUBMISSION_FAILED is no end: the operator tries again, or turns it into FAILED.
ENDED = frozenset({"COMPLETED", "FAILED"})
_LONGEST_LINE = 400
_CURES = {
    "exceeded quota": "make it smaller or the quota larger",
    # The security contexts, too, arrive by the webhook.
    "violates PodSecurity": "the operator's webhook did not reach the driver; see that it runs",
}
MARK = "REFIT_WORKLOAD"
"""A variable that every driver is given: without the operator's webhook it does not arrive."""


@dataclass(frozen=True, kw_only=True)
class Pods:
    """Size and place of drivers or executors."""

    cores: int = 1
    core_request: str = "100m"
    memory_mib: int = 1024
    overhead_mib: int = 384
    """Beside the heap; Python workers live here."""
    node_selector: Mapping[str, str] = field(default_factory=dict)
    """Drivers belong on nodes that stay, executors may live on spot nodes."""
    tolerations: Sequence[Manifest] = ()


@dataclass(frozen=True, kw_only=True)
class SparkProgram:
    """A program to run as a SparkApplication."""

    name: str
    """From `kube.workload_name`: at most 45 letters."""
    image: str
    main_file: str
    """As the operator takes it: local:///… for a file of the image."""
    arguments: Sequence[str] = ()
    packages: Sequence[str] = ()
    """Maven coordinates; they are fetched at every start, so an image that has them is better."""
    settings: Mapping[str, str] = field(default_factory=dict)
    """Spark's; on the logged command line, so never a secret."""
    driver: Pods = Pods()
    executor: Pods = Pods()
    executors: int = 1
    most_executors: int | None = None
    """With it executors come and go between `executors` and this."""
    environment: Mapping[str, str] = field(default_factory=dict)
    secrets: Sequence[str] = ()
    """Secrets whose keys become variables."""
    labels: Mapping[str, str] = field(default_factory=dict)
    owners: Sequence[Manifest] = ()
    service_account: str = "spark"
    spark_version: str = "4.1.4"
    time_to_live_seconds: int = 3600
    pull_policy: str = "IfNotPresent"


@dataclass(frozen=True, kw_only=True)
class SparkApplications:
    """SparkApplications of one namespace."""

    api: Api
    patience: Patience
    """For a whole application, from submission to its end."""
    pending_seconds: float = 300
    """How long a driver may wait for a node, or an application for the operator."""
    leaving: Patience = field(default_factory=lambda: Patience(timeout_seconds=120))

    def submitted(
        self, manifest: Manifest, prepare: Callable[[], None] = lambda: None
    ) -> AbstractContextManager[str]:
        """Submit, or adopt after a restart; delete on the way out, whatever happened.

        `prepare` is called before a submission, and not before an adoption.
        """
        name = manifest["metadata"]["name"]
        # An operator that restarts can call FAILED what still runs (spark-operator #2788): not
        # adopted, and its pods are waited for before another one starts.
        ended = self._state(name) == "FAILED"
        return submitted(self.api, manifest, self.leaving, ended=ended, prepare=prepare)

    def wait(self, name: str, tell: Tell) -> None:
        """Return once `name` completed; tell its driver's log meanwhile.

        Raises:
            WorkloadFailed: it failed, or will never start: says why, and what cures it. Transient
                where the driver was killed from outside.
            WorkloadTimeout: it did not end in time.

        """
        what = f"SparkApplication {self.api.namespace}/{name}"
        log = LogFollower(api=self.api, tell=tell)
        pulse = Heartbeat(tell=tell, clock=self.patience.clock)

        def look() -> str:
            state = self._state(name)
            spoke = log.follow(driver_name(name)) > 0
            pulse.beat(f"{what} is {state or 'not yet taken by the operator'}", spoke=spoke)
            if state not in ENDED:
                self._refuse_stuck(what, name, state, pulse.seconds)
            return state

        if wait_until(look, ENDED, what, self.patience) == "COMPLETED":
            return
        killed = self._driver_killed(name)
        message = f"{what} ended FAILED: {self._message(name)}{log.tail}"
        raise WorkloadFailed(message, transient=killed)

    def _refuse_stuck(self, what: str, name: str, state: str, seconds: float) -> None:
        if state in {"", "NEW"} and seconds > self.pending_seconds:
            cure = f"see that the Spark operator runs and watches {self.api.namespace}"
            message = f"{what}: no operator took it in {seconds:.0f} s; {cure}"
            raise WorkloadFailed(message, transient=True)
        refused = _why_refused(self._message(name)) if state == "SUBMISSION_FAILED" else None
        if refused is not None:
            message = f"{what}: {refused}"
            raise WorkloadFailed(message)
        driver = self.api.read("Pod", driver_name(name))
        if driver is None:
            return
        stuck = read_stuck(self.api, driver, seconds)
        # A driver without a node reads as SUBMITTED, for ever (spark-operator #2872).
        if stuck is None and seconds > self.pending_seconds:
            stuck = why_unschedulable(driver)
        if stuck is None and not _has_mark(driver):
            stuck = "the operator's webhook did not reach the driver; see that it runs"
        if stuck is not None:
            message = f"{what} will not start: {stuck}"
            raise WorkloadFailed(message)

    def _state(self, name: str) -> str:
        return str(self._status(name).get("state", ""))

    def _message(self, name: str) -> str:
        message = str(self._status(name).get("errorMessage", ""))
        return message.strip() or "the operator gives no reason"

    def _status(self, name: str) -> Manifest:
        found = self.api.read(KIND, name) or {}
        return found.get("status", {}).get("applicationState", {})

    def _driver_killed(self, name: str) -> bool:
        if self._state(name) != "FAILED":
            return False
        driver = self.api.read("Pod", driver_name(name))
        # A deleted driver leaves nothing behind but FAILED.
        return driver is None or was_killed(driver)


def _why_refused(message: str) -> str | None:
    """Say why no submission can succeed, with the cure; None where another one may."""
    for said, cure in _CURES.items():
        if said in message:
            line = next(line for line in message.splitlines() if said in line)
            return f"{line.strip()[:_LONGEST_LINE]}; {cure}"
    return None


def driver_name(application: str) -> str:
    """Name of an application's driver pod."""
    return f"{application}-driver"


def build_application(program: SparkProgram, namespace: str) -> Manifest:
    """Build the SparkApplication of a program."""
    labels = {**program.labels, WORKLOAD_LABEL: program.name}
    spec: Manifest = {
        "type": "Python",
        "mode": "cluster",
        "sparkVersion": program.spark_version,
        "image": program.image,
        "imagePullPolicy": program.pull_policy,
        "mainApplicationFile": program.main_file,
        "arguments": [*program.arguments],
        "sparkConf": {**_settings(program), **program.settings},
        # Only a submission is tried again: a restarted driver would write its messages over the
        # first one's, and Dagster knows better when to run a step again.
        "restartPolicy": {
            "type": "OnFailure",
            "onFailureRetries": 0,
            "onSubmissionFailureRetries": 3,
            "onSubmissionFailureRetryInterval": 5,
        },
        # Unset, the operator keeps what has ended.
        "timeToLiveSeconds": program.time_to_live_seconds,
        "driver": {
            **_pods(program.driver, program, labels),
            "serviceAccount": program.service_account,
        },
        "executor": {**_pods(program.executor, program, labels), "instances": program.executors},
    }
    if program.packages:
        spec["deps"] = {"packages": [*program.packages]}
    if program.most_executors is not None:
        spec["dynamicAllocation"] = {
            "enabled": True,
            "initialExecutors": program.executors,
            "minExecutors": min(program.executors, program.most_executors),
            "maxExecutors": program.most_executors,
            # Without it an idle executor that holds shuffle files stays for ever.
            "shuffleTrackingTimeout": 300_000,
        }
    return {
        "apiVersion": "sparkoperator.k8s.io/v1beta2",
        "kind": KIND,
        "metadata": {
            "name": program.name,
            "namespace": namespace,
            "labels": labels,
            "ownerReferences": [*program.owners],
        },
        "spec": spec,
    }


def _settings(program: SparkProgram) -> dict[str, str]:
    settings = {
        # Executors on spot nodes hand over what they hold before their node goes.
        "spark.decommission.enabled": "true",
        "spark.storage.decommission.enabled": "true",
        "spark.storage.decommission.shuffleBlocks.enabled": "true",
        "spark.storage.decommission.rddBlocks.enabled": "true",
        "spark.ui.enabled": "false",
        # That a pod was deleted by force only a look at all of them tells: Spark looks every 30 s,
        # and waits for its executors meanwhile.
        "spark.kubernetes.executor.apiPollingInterval": "5s",
        # Half the CPU of small jobs: see `resources.spark`.
        "spark.driver.extraJavaOptions": "-XX:+UseSerialGC -XX:TieredStopAtLevel=1",
    }
    if program.executor.memory_mib <= 4096:  # noqa: PLR2004 - measured on small executors only
        settings["spark.executor.extraJavaOptions"] = settings["spark.driver.extraJavaOptions"]
    return settings


def _pods(pods: Pods, program: SparkProgram, labels: Mapping[str, str]) -> Manifest:
    environment = {**program.environment, MARK: program.name}
    part: Manifest = {
        "cores": pods.cores,
        "coreRequest": pods.core_request,
        "memory": f"{pods.memory_mib}m",
        "memoryOverhead": f"{pods.overhead_mib}m",
        "labels": dict(labels),
        "env": [{"name": name, "value": value} for name, value in environment.items()],
        "envFrom": [{"secretRef": {"name": secret}} for secret in program.secrets],
        "podSecurityContext": {
            "runAsNonRoot": True,
            # The image's own, and what the operator's defaults expect.
            "runAsUser": 185,
            "fsGroup": 185,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "runAsNonRoot": True,
            "capabilities": {"drop": ["ALL"]},
            "seccompProfile": {"type": "RuntimeDefault"},
        },
    }
    if pods.node_selector:
        part["nodeSelector"] = dict(pods.node_selector)
    if pods.tolerations:
        part["tolerations"] = [*pods.tolerations]
    return part


def _has_mark(driver: Manifest) -> bool:
    containers = driver.get("spec", {}).get("containers", ())
    return any(each.get("name") == MARK for box in containers for each in box.get("env", ()))
