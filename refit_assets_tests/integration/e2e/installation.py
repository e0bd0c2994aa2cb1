"""An installation on the cluster of KUBECONFIG, as a user has it: deploy, GraphQL, S3."""

import json
import os
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from refit_assets.artefacts import ArtefactStore
from refit_assets.storage_s3 import Bucket
from refit_assets_tests.integration.e2e.kubectl import (
    NAMESPACE,
    ROOT,
    forwarded,
    kubectl,
    objects,
    secret,
)
from refit_assets_tests.integration.e2e.overlay import CONFIG, write_overlay

KINDS = (
    "sparkapplications",
    "statefulsets",
    "jobs",
    "services",
    "secrets",
    "networkpolicies",
)
STRANGE = ("pods", *KINDS[:-1])
WILL_RETRY = "dagster/will_retry"
PATIENCE_SECONDS = 1200
SETTLING_SECONDS = 60
STAYS = {"refit-code", "refit-daemon", "refit-webserver", "postgres", "s3"}
BROUGHT = {*STAYS, "refit-postgres", "refit-s3"}

LAUNCH = """mutation($p: LaunchBackfillParams!) {
  launchPartitionBackfill(backfillParams: $p) {
    __typename
    ... on LaunchBackfillSuccess { backfillId }
    ... on PythonError { message }
    ... on PartitionSetNotFoundError { message }
  }
}"""
BACKFILL = """query($b: String!) {
  partitionBackfillOrError(backfillId: $b) {
    ... on PartitionBackfill { status error { message } }
  }
}"""
RUNS = """query($b: String!) {
  runsOrError(filter: {tags: [{key: "dagster/backfill", value: $b}]}) {
    ... on Runs { results { runId status tags { key value } } }
  }
}"""
EVENTS = """query($r: ID!) {
  logsForRun(runId: $r) {
    ... on EventConnection { events { ... on MessageEvent { message level stepKey eventType } } }
  }
}"""
STOP_SENSORS = """mutation($id: String!) {
  stopSensor(id: $id) { __typename ... on PythonError { message } }
}"""
START = """mutation($p: ExecutionParams!) {
  launchRun(executionParams: $p) {
    __typename
    ... on LaunchRunSuccess { run { runId } }
    ... on PythonError { message }
    ... on InvalidSubsetError { message }
  }
}"""
GROUP = """query($r: String!) {
  first: runsOrError(filter: {runIds: [$r]}) { ... on Runs { results { ...found } } }
  again: runsOrError(filter: {tags: [{key: "dagster/root_run_id", value: $r}]}) {
    ... on Runs { results { ...found } }
  }
}
fragment found on Run { runId status startTime endTime tags { key value } }"""
ENDED = """query {
  runsOrError(filter: {statuses: [SUCCESS]}, limit: 1) { ... on Runs { results { runId } } }
}"""
TERMINATE = """mutation($r: String!) {
  terminateRun(runId: $r) { __typename ... on PythonError { message } }
}"""
DAEMONS = """query {
  instance { daemonHealth { allDaemonStatuses { lastHeartbeatTime } } }
}"""
SENSORS = """query {
  sensorsOrError(repositorySelector: {
    repositoryName: "__repository__", repositoryLocationName: "refit_assets"
  }) { ... on Sensors { results { name id sensorState { id selectorId status } } } }
}"""


Selection = Mapping[str, tuple[str, str]] | Mapping[str, None]
"""Assets, each with its first and last partition."""


@dataclass(frozen=True, kw_only=True)
class Installation:
    """What a test asks of it."""

    graphql: str
    landing: Bucket
    store: ArtefactStore

    def ask(self, query: str, **values: object) -> dict[str, Any]:
        body = json.dumps({"query": query, "variables": values}).encode()
        request = urllib.request.Request(
            f"{self.graphql}/graphql", body, {"Content-Type": "application/json"}
        )
        said = ""
        for _ in range(10):
            try:
                with urllib.request.urlopen(request, timeout=60) as answer:
                    found = json.load(answer)
            except urllib.error.HTTPError as error:
                said = f"{error}: {error.read().decode()}"
            except OSError as error:
                said = str(error)
            else:
                assert "errors" not in found, found["errors"]
                return found["data"]
            time.sleep(3)
        message = f"{self.graphql} answers {query}: {said}"
        raise AssertionError(message)

    def stop_sensors(self) -> None:
        """Tests say themselves what runs."""
        for sensor in self.ask(SENSORS)["sensorsOrError"]["results"]:
            self.ask(STOP_SENSORS, id=sensor["sensorState"]["id"])

    def backfill(self, selection: dict[str, tuple[str, str]]) -> str:
        """Ask for ranges of partitions, by asset."""
        asked = [
            {
                "assetKey": {"path": key.split("/")},
                "partitions": {"range": {"start": first, "end": last}},
            }
            for key, (first, last) in selection.items()
        ]
        answer = self.ask(LAUNCH, p={"partitionsByAssets": asked})["launchPartitionBackfill"]
        assert answer["__typename"] == "LaunchBackfillSuccess", answer
        return answer["backfillId"]

    def runs(self, backfill: str) -> list[dict[str, Any]]:
        return self.ask(RUNS, b=backfill)["runsOrError"]["results"]

    def start(self, selection: Selection) -> str:
        """Start one run, for a range of partitions where there are any, as the UI's button does."""
        keys = [{"path": key.split("/")} for key in selection]
        tags = _partition_tags(next(iter(selection.values())))
        return self._start("__ASSET_JOB", tags, assetSelection=keys)

    def start_job(self, name: str) -> str:
        """Start a job that is no asset's."""
        return self._start(name, {})

    def _start(self, job: str, tags: Mapping[str, str], **selection: object) -> str:
        asked = {
            "mode": "default",
            "selector": {
                "repositoryName": "__repository__",
                "repositoryLocationName": "refit_assets",
                "pipelineName": job,
                **selection,
            },
            "executionMetadata": {
                "tags": [{"key": key, "value": value} for key, value in tags.items()]
            },
        }
        answer = self.ask(START, p=asked)["launchRun"]
        assert answer["__typename"] == "LaunchRunSuccess", answer
        return answer["run"]["runId"]

    def run(
        self,
        selection: Selection,
        watch: Callable[[], object] = lambda: None,
    ) -> Sequence[str]:
        """Start a run and wait for its end, or for that of the one that came after it.

        `watch` is called at every look. Returns the ids of the runs; fails with what they said.
        """
        return self.ended(self.start(selection), watch)

    def ended(self, run_id: str, watch: Callable[[], object] = lambda: None) -> Sequence[str]:
        """Wait for the end of a run; as `run`."""
        return self._await(lambda: self.attempts(run_id), _run_state, watch, run_id)

    def attempts(self, run_id: str) -> list[dict[str, Any]]:
        """A run and those that tried it again."""
        found = self.ask(GROUP, r=run_id)
        return found["first"]["results"] + found["again"]["results"]

    def backfilled(
        self, selection: Mapping[str, tuple[str, str]], watch: Callable[[], object]
    ) -> Sequence[str]:
        """Have a backfill done; as `run`."""
        backfill = self.backfill(selection)

        def state(runs: Sequence[dict[str, Any]]) -> str:
            del runs
            found = self.ask(BACKFILL, b=backfill)["partitionBackfillOrError"]["status"]
            return "SUCCESS" if found in {"COMPLETED", "COMPLETED_SUCCESS"} else found

        return self._await(lambda: self.runs(backfill), state, watch, ", ".join(selection))

    def _await(
        self,
        runs: Callable[[], list[dict[str, Any]]],
        state: Callable[[list[dict[str, Any]]], str],
        watch: Callable[[], object],
        what: str,
    ) -> Sequence[str]:
        deadline = time.monotonic() + PATIENCE_SECONDS
        found, status = runs(), "not begun"
        while time.monotonic() < deadline:
            watch()
            found = runs()
            status = state(found)
            if status == "SUCCESS":
                return [run["runId"] for run in found]
            if status.endswith("FAILED") or status in {"FAILURE", "CANCELED"}:
                break
            time.sleep(1)
        said = "\n".join(line for run in found for line in self.errors(run["runId"]))
        message = f"{what}: {status}:\n{said}"
        raise AssertionError(message)

    def terminate(self, run_id: str) -> None:
        """Stop a run, as the UI's button does."""
        answer = self.ask(TERMINATE, r=run_id)["terminateRun"]
        assert answer["__typename"] == "TerminateRunSuccess", answer

    def said(self, run_id: str) -> Sequence[str]:
        """All lines of a run's log."""
        events = self.ask(EVENTS, r=run_id)["logsForRun"]["events"]
        return [event["message"] for event in events if event]

    def errors(self, run_id: str) -> Sequence[str]:
        events = self.ask(EVENTS, r=run_id)["logsForRun"]["events"]
        return [
            f"{event['eventType'] or ''} {event['message']}"
            for event in events
            if event and event["level"] in {"ERROR", "WARNING"}
        ]

    def an_ended_run(self) -> str:
        """Return the id of a run that succeeded."""
        return self.ask(ENDED)["runsOrError"]["results"][0]["runId"]

    def daemon_silence(self) -> float:
        """Seconds since the daemon's last sign of life."""
        statuses = self.ask(DAEMONS)["instance"]["daemonHealth"]["allDaemonStatuses"]
        return time.time() - max(status["lastHeartbeatTime"] or 0 for status in statuses)

    def left_over(self) -> list[str]:
        """What no idle installation has, once the pod of a run that ended has ended, too."""
        deadline = time.monotonic() + SETTLING_SECONDS
        while (found := self._left_over()) and time.monotonic() < deadline:
            time.sleep(2)
        return found

    def workloads(self) -> list[str]:
        """All objects that belong to a workload, but its pods."""
        return [
            f"{kind}/{item['metadata']['name']}"
            for kind in KINDS
            for item in objects(kind, "refit/workload")
        ]

    def _left_over(self) -> list[str]:
        return self.workloads() + [
            f"pod/{pod['metadata']['name']}"
            for pod in objects("pods", "refit/role=run")
            if pod["status"]["phase"] in {"Pending", "Running"}
        ]

    def strangers(self) -> list[str]:
        """Pods, services and secrets beside the three services and what the trial brings.

        A Job that has just ended is none as long as it may live, nor is its pod.
        """
        soon_gone = {job["metadata"]["name"] for job in objects("jobs") if _is_soon_gone(job)}
        return [
            f"{kind}/{item['metadata']['name']}"
            for kind in STRANGE
            for item in objects(kind)
            if item["metadata"].get("labels", {}).get("app.kubernetes.io/name") not in STAYS
            and item["metadata"].get("labels", {}).get("job-name") not in soon_gone
            and item["metadata"]["name"] not in BROUGHT | soon_gone
        ]


def _is_soon_gone(job: Mapping[str, Any]) -> bool:
    ended = [
        datetime.fromisoformat(condition["lastTransitionTime"])
        for condition in job.get("status", {}).get("conditions", ())
        if condition["type"] in {"Complete", "Failed"} and condition["status"] == "True"
    ]
    lives = timedelta(seconds=job["spec"].get("ttlSecondsAfterFinished", 0))
    return bool(ended) and datetime.now(UTC) < max(ended) + lives


def _partition_tags(days: tuple[str, str] | None) -> dict[str, str]:
    if days is None:
        return {}
    first, last = days
    if first == last:
        return {"dagster/partition": first}
    return {"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last}


def _run_state(attempts: Sequence[dict[str, Any]]) -> str:
    """How a run ended, its successors included: a failure that is tried again is none."""
    states = {run["status"] for run in attempts}
    if "SUCCESS" in states:
        return "SUCCESS"
    if not states <= {"FAILURE", "CANCELED"}:
        return "STARTED"
    verdicts = {_will_retry(run) for run in attempts}
    return "FAILURE" if "false" in verdicts else "STARTED"


def _will_retry(run: Mapping[str, Any]) -> str:
    """Whether a run that ended is tried again: `true`, `false`, or nothing where that is open.

    Dagster decides a moment after the failure; only then does a missing successor mean an end.
    """
    said = {tag["key"]: tag["value"] for tag in run["tags"]}
    return said.get(WILL_RETRY, "" if run["status"] == "FAILURE" else "false")


def bucket(endpoint: str, prefix: str) -> Bucket:
    """Open the trial's bucket through a forwarded port."""
    import boto3
    from botocore.config import Config

    client = boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id=secret("refit-s3", "AWS_ACCESS_KEY_ID"),
        aws_secret_access_key=secret("refit-s3", "AWS_SECRET_ACCESS_KEY"),
        config=Config(s3={"addressing_style": "path"}, retries={"max_attempts": 10}),
    )
    return Bucket(client=client, bucket="refit", prefix=prefix)


def left_by_tests() -> bool:
    """Whether an installation of earlier tests is there; one of somebody else's is refused."""
    if not kubectl("get", "namespace", NAMESPACE, "--ignore-not-found"):
        return False
    ours = kubectl("-n", NAMESPACE, "get", "configmap", CONFIG, "--ignore-not-found")
    theirs = kubectl("-n", NAMESPACE, "get", "deployments,statefulsets,pvc", "-o", "name")
    assert ours or not theirs, (
        f"the cluster of KUBECONFIG has an installation that is not these tests' in {NAMESPACE}, "
        f"which they would take away; name another cluster, or take it away first (make undeploy)"
    )
    return True


@contextmanager
def installed() -> Generator[Installation]:
    """Bring the overlay up, and take it away at the end unless REFIT_E2E_KEEP is set.

    What tests that were killed left goes first: their trials would be taken for this refit's.
    """
    overlay = ROOT / ".cache/e2e/overlay"
    write_overlay(overlay)
    environment = {**os.environ, "OVERLAY": str(overlay)}
    if left_by_tests() and not os.environ.get("REFIT_E2E_KEEP"):
        subprocess.run([ROOT / "deploy/deploy", "down"], check=True, env=environment)
    subprocess.run([ROOT / "deploy/deploy", "up"], check=True, env=environment)
    try:
        with forwarded("refit-webserver", 3000) as web, forwarded("s3", 7070) as s3:
            installation = Installation(
                graphql=web,
                landing=bucket(s3, "landing/"),
                store=ArtefactStore(storage=bucket(s3, "artefacts/")),
            )
            installation.stop_sensors()
            yield installation
    finally:
        if not os.environ.get("REFIT_E2E_KEEP"):
            subprocess.run([ROOT / "deploy/deploy", "down"], check=True, env=environment)
            assert kubectl("get", "namespace", NAMESPACE, "--ignore-not-found") == ""
