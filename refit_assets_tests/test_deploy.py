"""What deploy/kustomize/base allows and locks, read from its files; `make e2e` runs it."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from refit_assets.resources.deployment import PROJECT
from refit_assets.workloads.h2o_cluster import KINDS
from refit_assets.workloads.kube import PATHS

BASE = PROJECT / "deploy/kustomize/base"
GROUPS = {
    kind: path.split("/")[1] if path.startswith("apis/") else "" for kind, path in PATHS.items()
}
PLURALS = {kind: path.rpartition("/")[2] for kind, path in PATHS.items()}
SERVICES = ("code", "daemon", "webserver")


def objects(*files: str) -> Iterator[dict[str, Any]]:
    for name in files:
        yield from yaml.safe_load_all((BASE / f"{name}.yaml").read_text())


def rules(role: str) -> Iterator[tuple[str, str, str]]:
    """Give group, resource and verb of all that a role allows."""
    found = {o["metadata"]["name"]: o for o in objects("accounts") if o["kind"] == "Role"}
    for rule in found[role]["rules"]:
        for group in rule["apiGroups"]:
            for resource in rule["resources"]:
                yield from ((group, resource, verb) for verb in rule["verbs"])


def allows(role: str, kind: str, *verbs: str) -> bool:
    return {(GROUPS[kind], PLURALS[kind], verb) for verb in verbs} <= {*rules(role)}


@pytest.mark.parametrize("kind", [*KINDS, "Job", "SparkApplication"])
def test_a_run_may_bring_up_and_take_away_every_kind_of_workload(kind: str) -> None:
    assert allows("refit-run", kind, "create", "get", "delete")


@pytest.mark.parametrize("kind", ["StatefulSet", "Job", "SparkApplication", "Pod", "Event"])
def test_a_run_may_look_for_what_is_left_over_and_for_why_a_pod_waits(kind: str) -> None:
    assert allows("refit-run", kind, "list")


@pytest.mark.parametrize("kind", ["Job", "SparkApplication"])
def test_a_run_may_take_over_what_a_killed_one_left(kind: str) -> None:
    assert allows("refit-run", kind, "patch")


@pytest.mark.parametrize("role", ["refit-run", "refit-launcher", "spark"])
def test_nobody_may_list_secrets_or_do_all_there_is(role: str) -> None:
    asked = [*rules(role)]
    assert not [one for one in asked if "*" in one]
    assert not [one for one in asked if one[1] == "secrets" and one[2] in {"list", "watch"}]
    assert role == "refit-run" or "secrets" not in {resource for _, resource, _ in asked}


def test_no_account_reaches_beyond_the_namespace() -> None:
    kinds = {found["kind"] for found in objects("accounts")}
    assert kinds == {"ServiceAccount", "Role", "RoleBinding"}


@pytest.mark.parametrize("service", SERVICES)
def test_services_are_locked_down_and_limited(service: str) -> None:
    (pod,) = [
        found["spec"]["template"]["spec"]
        for found in objects(service)
        if found["kind"] == "Deployment"
    ]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in pod["containers"]:
        locked = container["securityContext"]
        assert locked["readOnlyRootFilesystem"] is True
        assert locked["allowPrivilegeEscalation"] is False
        assert locked["capabilities"] == {"drop": ["ALL"]}
        assert {"memory"} <= container["resources"]["limits"].keys()


def test_nothing_may_speak_to_anything_unless_it_is_named() -> None:
    policies = {found["metadata"]["name"]: found["spec"] for found in objects("network")}
    assert policies["deny-all"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    # Of the others only the look-up of names holds for every pod.
    assert [name for name, spec in policies.items() if not spec["podSelector"]] == [
        "deny-all",
        "names",
    ]


def test_a_run_leaves_its_job_long_enough_for_a_successor_to_take_over_what_it_owns() -> None:
    (instance,) = objects("dagster")
    lives = instance["run_launcher"]["config"]["run_k8s_config"]["job_spec_config"]
    seen = instance["run_monitoring"]["poll_interval_seconds"]
    assert lives["ttl_seconds_after_finished"] >= 60 + seen


def test_a_code_location_that_does_not_load_ends_so_that_it_is_started_again() -> None:
    (code,) = [one for one in objects("code") if one["kind"] == "Deployment"]
    program, *asked = code["spec"]["template"]["spec"]["containers"][0]["args"]
    asked[asked.index("refit_assets.definitions")] = "refit_assets.nowhere"
    ended = subprocess.run(
        [Path(sys.executable).with_name(program), *asked],
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ended.returncode == 1
    assert "No module named 'refit_assets.nowhere'" in ended.stderr
