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
        "patches": [{"patch": yaml.safe_dump(_code())}],
    }
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))


def change_model(**h2o: int) -> None:
    """Give the next runs other sizes; the graph, which the code location shows, is the same."""
    change = {"data": {DEFS.name: small_model(**h2o)}}
    kubectl("-n", NAMESPACE, "patch", "configmap", CONFIG, "--type=merge", "-p", json.dumps(change))


def _below() -> Path:
    name = os.environ.get("OVERLAY", "trial")
    known = ROOT / "deploy/kustomize/overlays" / name
    return known if known.is_dir() else ROOT / name


def _code() -> dict[str, object]:
    """The code location, and what it has the launcher give to run pods."""
    runs = {
        "volumes": [
            {"name": "repository", "persistent_volume_claim": {"claim_name": "repository"}},
            {"name": "model", "config_map": {"name": CONFIG}},
        ],
        "volume_mounts": [_snake(REPOSITORY), _snake(MODEL_FILE)],
    }
    code = {
        "name": "code",
        "env": [{"name": "DAGSTER_CONTAINER_CONTEXT", "value": json.dumps({"k8s": runs})}],
        "volumeMounts": [MODEL_FILE],
    }
    volume = {"name": "model", "configMap": {"name": CONFIG}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "refit-code"},
        "spec": {"template": {"spec": {"containers": [code], "volumes": [volume]}}},
    }


def _snake(mount: dict[str, str]) -> dict[str, str]:
    names = {"name": "name", "mountPath": "mount_path", "subPath": "sub_path"}
    return {names[key]: value for key, value in mount.items()}
