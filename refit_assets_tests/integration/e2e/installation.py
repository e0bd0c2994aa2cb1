"""An installation on the cluster of KUBECONFIG, as a user has it: kubectl, the UI's GraphQL, S3."""

import base64
import json
import os
import re
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from refit_assets.artefacts import ArtefactStore
from refit_assets.storage_s3 import Bucket

ROOT = Path(__file__).parents[3]
NAMESPACE = "refit"
ENDED = {"SUCCESS", "FAILURE", "CANCELED"}
STAYS = {"refit-code", "refit-daemon", "refit-webserver", "postgres", "s3"}

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
SENSORS = """query {
  sensorsOrError(repositorySelector: {
    repositoryName: "__repository__", repositoryLocationName: "refit_assets"
  }) { ... on Sensors { results { name id sensorState { id selectorId status } } } }
}"""


def kubectl(*arguments: str, check: bool = True) -> str:
    done = subprocess.run(["kubectl", *arguments], capture_output=True, text=True, check=False)
    if check and done.returncode:
        message = f"kubectl {' '.join(arguments)}: {done.stderr}"
        raise AssertionError(message)
    return done.stdout


def objects(kind: str, labels: str = "") -> list[dict[str, Any]]:
    selector = ["-l", labels] if labels else []
    return json.loads(kubectl("-n", NAMESPACE, "get", kind, *selector, "-o", "json"))["items"]


@contextmanager
def forwarded(service: str, port: int) -> Generator[str]:
    """Reach a service from here, as `kubectl port-forward` does."""
    command = ["kubectl", "-n", NAMESPACE, "port-forward", f"service/{service}", f":{port}"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        said = process.stdout.readline()
        found = re.search(r"127\.0\.0\.1:(\d+)", said)
        assert found, f"{' '.join(command)}: {said}"
        yield f"http://127.0.0.1:{found[1]}"
    finally:
        process.terminate()
        process.wait(10)


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
        for attempt in range(10):
            try:
                with urllib.request.urlopen(request, timeout=60) as answer:
                    found = json.load(answer)
                break
            except (urllib.error.URLError, OSError):
                if attempt == 9:
                    raise
                time.sleep(3)
        assert "errors" not in found, found["errors"]
        return found["data"]

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

    def wait(self, backfill: str, timeout_seconds: float = 1500) -> None:
        """Return once all of it is done; fail with what the runs said."""
        deadline = time.monotonic() + timeout_seconds
        while time.monotonic() < deadline:
            found = self.ask(BACKFILL, b=backfill)["partitionBackfillOrError"]
            if found["status"] in {"COMPLETED", "COMPLETED_SUCCESS"}:
                return
            if found["status"].endswith("FAILED") or found["status"] == "CANCELED":
                break
            time.sleep(2)
        said = "\n".join(line for run in self.runs(backfill) for line in self.errors(run["runId"]))
        message = f"backfill {backfill}: {found}\n{said}"
        raise AssertionError(message)

    def errors(self, run_id: str) -> Sequence[str]:
        events = self.ask(EVENTS, r=run_id)["logsForRun"]["events"]
        return [
            f"{event['eventType'] or ''} {event['message']}"
            for event in events
            if event and event["level"] in {"ERROR", "WARNING"}
        ]

    def left_over(self) -> list[str]:
        """What no idle installation has."""
        found = [
            f"{kind}/{item['metadata']['name']}"
            for kind in (
                "sparkapplications",
                "statefulsets",
                "services",
                "secrets",
                "networkpolicies",
            )
            for item in objects(kind, "refit/workload")
        ]
        pods = [
            f"pod/{pod['metadata']['name']}"
            for pod in objects("pods")
            if pod["status"]["phase"] in {"Pending", "Running"}
            and pod["metadata"]["labels"].get("app.kubernetes.io/name") not in STAYS
        ]
        return found + pods


def secret(name: str, key: str) -> str:
    text = kubectl("-n", NAMESPACE, "get", "secret", name, "-o", f"jsonpath={{.data.{key}}}")
    return base64.b64decode(text).decode()


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


@contextmanager
def installed() -> Generator[Installation]:
    """Bring the overlay up, and take it away at the end unless REFIT_E2E_KEEP is set."""
    subprocess.run([ROOT / "deploy/deploy", "up"], check=True)
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
            subprocess.run([ROOT / "deploy/deploy", "down"], check=True)
