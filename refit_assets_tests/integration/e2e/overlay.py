"""An overlay over the one that is tested: the small model instead of the package's."""

import json
import os
from pathlib import Path

import yaml

from refit_assets_tests.integration.e2e.kubectl import NAMESPACE, ROOT, kubectl
from refit_assets_tests.integration.e2e.small_model import DEFS, small_model

CONFIG = "refit-e2e-model"
MODEL_FILE = {"name": "model", "mountPath": f"/opt/refit/refit_assets/{DEFS}", "subPath": DEFS.name}
REPOSITORY = {"name": "repository", "mountPath": "/opt/refit/repository"}


def write_overlay(folder: Path) -> None:
    """Write the overlay; `OVERLAY` names the one below, as for make deploy."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / DEFS.name).write_text(small_model())
    kustomization = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "namespace": "refit",
        "resources": [os.path.relpath(_below(), folder)],
        "configMapGenerator": [{"name": CONFIG, "files": [DEFS.name]}],
        "generatorOptions": {"disableNameSuffixHash": True},
        # All that read the models' YAML; the queue does where a run is submitted.
        "patches": [
            {"patch": yaml.safe_dump(_with_model("refit-code", _CODE))},
            {"patch": yaml.safe_dump(_with_model("refit-webserver", {"name": "webserver"}))},
            {"patch": yaml.safe_dump(_with_model("refit-daemon", {"name": "daemon"}))},
        ],
    }
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))


def change_model(**sizes: int) -> None:
    """Give the next runs other sizes; the graph, which the code location shows, is the same."""
    change = {"data": {DEFS.name: small_model(**sizes)}}
    kubectl("-n", NAMESPACE, "patch", "configmap", CONFIG, "--type=merge", "-p", json.dumps(change))


def _below() -> Path:
    name = os.environ.get("OVERLAY", "trial")
    known = ROOT / "deploy/kustomize/overlays" / name
    return known if known.is_dir() else ROOT / name


def _with_model(deployment: str, container: dict[str, object]) -> dict[str, object]:
    volume = {"name": "model", "configMap": {"name": CONFIG}}
    pod = {"containers": [{**container, "volumeMounts": [MODEL_FILE]}], "volumes": [volume]}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": deployment},
        "spec": {"template": {"spec": pod}},
    }


def _snake(mount: dict[str, str]) -> dict[str, str]:
    names = {"name": "name", "mountPath": "mount_path", "subPath": "sub_path"}
    return {names[key]: value for key, value in mount.items()}


_RUNS = {
    "volumes": [
        {"name": "repository", "persistent_volume_claim": {"claim_name": "repository"}},
        {"name": "model", "config_map": {"name": CONFIG}},
    ],
    "volume_mounts": [_snake(REPOSITORY), _snake(MODEL_FILE)],
}
_CODE: dict[str, object] = {
    "name": "code",
    # What the code location has the launcher give to run pods.
    "env": [{"name": "DAGSTER_CONTAINER_CONTEXT", "value": json.dumps({"k8s": _RUNS})}],
}
