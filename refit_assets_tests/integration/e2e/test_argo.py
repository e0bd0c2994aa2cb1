"""A whole refit by Argo's controller, from the spec: the laptop's bytes, with no Dagster at all.

In a bucket's folder and a catalogue of its own, so that nothing is there before. Needs Argo's
controller in the cluster (`.ci/test-cluster argo` brings it to a test cluster).
"""

import json
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from refit_assets.argo import Manifest, build_refit_template, read_images
from refit_assets.artefacts import ArtefactStore
from refit_assets.demo import land
from refit_assets.models import read_model
from refit_assets.storage_s3 import Bucket
from refit_assets.workloads.wait import Patience, wait_until
from refit_assets_tests.integration.e2e.installation import Installation
from refit_assets_tests.integration.e2e.kubectl import NAMESPACE, ROOT, kubectl, objects
from refit_assets_tests.integration.e2e.laptop import Laptop
from refit_assets_tests.integration.e2e.overlay import MODEL_FILE, REPOSITORY
from refit_assets_tests.integration.e2e.refitted import refit_digests
from refit_assets_tests.integration.e2e.small_model import DEFS, LANDED, LAST, REFIT, small_model

pytestmark = [pytest.mark.cluster, pytest.mark.filterwarnings("default")]
SETTINGS, MODEL_CONFIG = "refit-settings-argo", "refit-e2e-model-argo"
NAME = "refit-by-argo"
VOLUMES = [
    {"name": "model", "configMap": {"name": MODEL_CONFIG}},
    {"name": "repository", "persistentVolumeClaim": {"claimName": "repository"}},
]
PATIENCE = Patience(timeout_seconds=1800, interval_seconds=3)


@pytest.fixture
def folder(installation: Installation) -> Bucket:
    """A folder of the bucket where the days have landed, and nothing else."""
    landing = installation.landing
    land(replace(landing, prefix="argo/landing/"), LANDED, LAST)
    return replace(landing, prefix="argo/artefacts/")


@pytest.fixture
def _template(tmp_path: Path) -> Generator[None]:
    """Bring accounts and template, as `kubectl apply -k deploy/argo` does."""
    if "workflows.argoproj.io" not in kubectl("get", "crd", "-o", "name"):
        pytest.skip("Argo's controller is not in this cluster")
    accounts, made = ROOT / "deploy/argo/accounts.yaml", tmp_path / "made.json"
    items = [build_settings(), build_model(), build_template(tmp_path)]
    made.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
    kubectl("-n", NAMESPACE, "apply", "-f", str(accounts), "-f", str(made))
    yield
    kubectl("-n", NAMESPACE, "delete", "workflow", NAME, "--ignore-not-found")
    kubectl("-n", NAMESPACE, "delete", "-f", str(accounts), "-f", str(made))


def build_settings() -> Manifest:
    """Build the installation's settings with another folder and another catalogue."""
    text = kubectl("-n", NAMESPACE, "get", "configmap", "refit-settings", "-o", "json")
    # Any database does for a catalogue: its tables are Iceberg's own.
    own = {"REFIT_BUCKET": "s3://refit/argo", "REFIT_CATALOGUE_DATABASE": "dagster"}
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": SETTINGS},
        "data": {**json.loads(text)["data"], **own},
    }


def own_model() -> str:
    """The YAML without the GLM, which is not chosen: each trial starts an H2O of its own."""
    content = yaml.safe_load(small_model())
    trials = content["attributes"]["trials"]
    trials |= {"search": trials["search"][:1], "max_parallel": 2}
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True)


def build_model() -> Manifest:
    """Build what puts the YAML over the package's."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": MODEL_CONFIG},
        "data": {DEFS.name: own_model()},
    }


def build_template(folder: Path) -> Manifest:
    """Build the template of the small model, whose YAML light steps are given."""
    (folder / DEFS.name).write_text(own_model())
    spec = read_model(folder / DEFS.name)
    assert spec is not None
    images = read_images(ROOT / "deploy/kustomize/images/images.env")
    template = build_refit_template(spec, images)
    for step in template["spec"]["templates"]:
        if step.get("container", {}).get("image") == images.control:
            step["container"]["volumeMounts"] += [MODEL_FILE, REPOSITORY]
            step["volumes"] += VOLUMES
    return json.loads(json.dumps(template).replace("refit-settings", SETTINGS))


@pytest.mark.usefixtures("_template")
def test_argo_makes_the_laptops_bytes_and_leaves_nothing(
    installation: Installation, laptop: Laptop, folder: Bucket, tmp_path: Path
) -> None:
    workflow = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Workflow",
        "metadata": {"name": NAME},
        "spec": {
            "workflowTemplateRef": {"name": "refit-flight-delay"},
            "arguments": {"parameters": [{"name": "refit", "value": REFIT}]},
        },
    }
    (tmp_path / "workflow.json").write_text(json.dumps(workflow))
    kubectl("-n", NAMESPACE, "create", "-f", str(tmp_path / "workflow.json"))
    ended = wait_until(phase, {"Succeeded", "Failed", "Error"}, f"workflow {NAME}", PATIENCE)
    assert ended == "Succeeded", kubectl("-n", NAMESPACE, "get", "workflow", NAME, "-o", "yaml")
    assert refit_digests(ArtefactStore(storage=folder)) == refit_digests(laptop.store)
    kubectl("-n", NAMESPACE, "delete", "workflow", NAME, "--wait=true")
    assert objects("sparkapplications") == []
    assert objects("pods", "refit/role=argo") == []


def phase() -> str:
    """How far the workflow is."""
    text = kubectl("-n", NAMESPACE, "get", "workflow", NAME, "-o", "jsonpath={.status.phase}")
    return text or "not yet taken by Argo"
