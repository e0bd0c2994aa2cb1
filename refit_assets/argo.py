"""Argo WorkflowTemplates of a model: the packaging step, and a whole refit.

Written by `refit argo MODEL` into deploy/argo, from the model's spec and the names of the images.
Belongs here: which pod runs which command with which size, and in which order. Does not: what the
commands do (`programs`, `assets.argo_steps`), anything of a particular installation.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import yaml

from refit_assets.exchange import H2O_MEMORY, H2O_THREADS, STORE_VARIABLE, WORKLOAD_VARIABLE
from refit_assets.spec import ModelSpec

Manifest: TypeAlias = dict[str, Any]

HEADER = "# Written by `refit argo`; do not edit.\n"
_SETTINGS, _S3, _POSTGRES = "refit-settings", "refit-s3", "refit-postgres"
_TMP = "/tmp"  # noqa: S108 - a volume of its own
_PROGRAM_MIB = 1024
"""What a program takes beside its H2O."""
_LOCKED: Manifest = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}

_LOCKED_EXECUTOR: Manifest = {
    key: _LOCKED[key] for key in ("allowPrivilegeEscalation", "capabilities")
}
_NON_ROOT: Manifest = {
    "runAsNonRoot": True,
    "runAsUser": 1000,
    "fsGroup": 1000,
    "seccompProfile": {"type": "RuntimeDefault"},
}
# All traffic is denied; each `needs` opens one way out (deploy/kustomize/base/network.yaml).
_LABELS = {
    "refit/role": "argo",
    "refit/needs-api": "true",
    "refit/needs-postgres": "true",
    "refit/needs-s3": "true",
}


@dataclass(frozen=True, kw_only=True)
class Images:
    """Names of the images, as `make images` printed them."""

    control: str
    h2o: str
    maven: str


def read_images(path: Path) -> Images:
    """Read images.env."""
    lines = (line.partition("=") for line in path.read_text().splitlines() if "=" in line)
    names = {name: value for name, _, value in lines}
    return Images(
        control=names["REFIT_CONTROL_IMAGE"],
        h2o=names["REFIT_H2O_IMAGE"],
        maven=names["REFIT_MAVEN_IMAGE"],
    )


def write_templates(spec: ModelSpec, images: Images, folder: Path) -> Sequence[Path]:
    """Write both templates of a model, and return their paths."""
    word = spec.name.replace("_", "-")
    texts = {
        folder / "package.yaml": render(build_package_template(images)),
        folder / f"refit-{word}.yaml": render(build_refit_template(spec, images)),
    }
    for path, text in texts.items():
        path.write_text(text)
    return [*texts]


def render(manifest: Manifest) -> str:
    """Render as the file that is written."""
    return HEADER + yaml.safe_dump(manifest, sort_keys=False, width=100)


def build_package_template(images: Images) -> Manifest:
    """Build the step that makes a tested jar of any MOJO with examples; no model's own."""
    command = ["python", "-m", "refit_assets.cli", "package", "--json"]
    command += ["--mojo", f"{_TMP}/in/model.zip", "--examples", f"{_TMP}/in/examples.csv"]
    command += ["--coordinates", "{{inputs.parameters.coordinates}}", "--out", f"{_TMP}/jar"]
    package = {
        "name": "package",
        "inputs": {
            "parameters": [
                {"name": "coordinates", "description": "group:artifact:version of the jar."}
            ],
            "artifacts": [
                {"name": "model", "path": f"{_TMP}/in/model.zip"},
                {"name": "examples", "path": f"{_TMP}/in/examples.csv"},
            ],
        },
        **_pod(images.maven, command, memory_mib=1024),
        "outputs": {"artifacts": [{"name": "jar", "path": f"{_TMP}/jar"}]},
    }
    return _template("refit-package", {**_common("package"), "templates": [package]})


def build_refit_template(spec: ModelSpec, images: Images) -> Manifest:
    """Build a whole refit: features, training set, trials side by side, jar, release."""
    word = spec.name.replace("_", "-")
    return _template(
        f"refit-{word}",
        {
            **_common("refit"),
            "arguments": {
                "parameters": [{"name": "refit", "description": "As-of date, YYYY-MM-DD."}]
            },
            # Two refits of a model never run at once.
            "synchronization": {"mutexes": [{"name": f"refit-{word}"}]},
            "parallelism": spec.trials.max_parallel,
            "templates": [
                _order(),
                _step(spec, images, "plan", outputs=("features", "application")),
                _spark(),
                _step(spec, images, "pin", outputs=("trials",)),
                _h2o(spec, images, "trial", "{{inputs.parameters.workload}}", ("workload",)),
                _h2o(spec, images, "fit", "{{workflow.name}}-fit"),
                _package(spec, images),
                _step(spec, images, "finish"),
            ],
        },
    )


def _order() -> Manifest:
    """Name what follows what; a skipped step counts as done."""
    parameter = "{{tasks.%s.outputs.parameters.%s}}"
    given = {"name": "application", "value": parameter % ("plan", "application")}
    tasks: list[Manifest] = [
        {"name": "plan", "template": "plan"},
        {
            "name": "features",
            "template": "features",
            "depends": "plan",
            "when": parameter % ("plan", "features") + " == true",
            "arguments": {"parameters": [given]},
        },
        {"name": "pin", "template": "pin", "depends": "features.Succeeded || features.Skipped"},
        {
            "name": "trials",
            "template": "trial",
            "depends": "pin",
            "withParam": parameter % ("pin", "trials"),
            "arguments": {"parameters": [{"name": "workload", "value": "{{item}}"}]},
        },
        {"name": "fit", "template": "fit", "depends": "trials.Succeeded || trials.Skipped"},
        {"name": "package", "template": "package", "depends": "fit"},
        {"name": "finish", "template": "finish", "depends": "package"},
    ]
    return {"name": "refit", "dag": {"tasks": tasks}}


def _step(spec: ModelSpec, images: Images, name: str, *, outputs: Sequence[str] = ()) -> Manifest:
    """Build a light step, in the control image; `finish` brings up pods of its own."""
    command = ["python", "-m", "refit_assets.cli", "argo-step", name, spec.name]
    command += ["{{workflow.parameters.refit}}", "--workflow", "{{workflow.name}}"]
    command += ["--out", f"{_TMP}/out"]
    made = [{"name": output, "valueFrom": {"path": f"{_TMP}/out/{output}"}} for output in outputs]
    return {
        "name": name,
        **({"serviceAccountName": "refit-run"} if name == "finish" else {}),
        **_pod(images.control, command, memory_mib=_PROGRAM_MIB),
        **({"outputs": {"parameters": made}} if made else {}),
    }


def _spark() -> Manifest:
    """Build the Spark job as a resource that belongs to the workflow."""
    return {
        "name": "features",
        "inputs": {"parameters": [{"name": "application"}]},
        "resource": {
            "action": "create",
            "setOwnerReference": True,
            "successCondition": "status.applicationState.state == COMPLETED",
            "failureCondition": "status.applicationState.state == FAILED",
            "manifest": "{{inputs.parameters.application}}",
        },
        **_placed(executors=("init",), containers=("main",)),
    }


def _h2o(
    spec: ModelSpec, images: Images, program: str, workload: str, inputs: Sequence[str] = ()
) -> Manifest:
    """Build a program with an H2O of one node inside its own pod."""
    size = spec.compute.kubernetes.h2o
    environment = {H2O_MEMORY: str(size.memory_mib), H2O_THREADS: str(size.threads)}
    # The size is the heap's here; XGBoost, the JVM's own needs and the program come on top.
    memory_mib = size.memory_mib + size.memory_mib // 4 + _PROGRAM_MIB
    return {
        "name": program,
        **({"inputs": {"parameters": [{"name": name} for name in inputs]}} if inputs else {}),
        **_program(images.h2o, program, workload, memory_mib, environment),
    }


def _package(spec: ModelSpec, images: Images) -> Manifest:
    memory_mib = spec.compute.kubernetes.maven_memory_mib
    workload = "{{workflow.name}}-package"
    return {"name": "package", **_program(images.maven, "package", workload, memory_mib)}


def _program(
    image: str,
    program: str,
    workload: str,
    memory_mib: int,
    environment: Mapping[str, str] | None = None,
) -> Manifest:
    command = ["python", "-m", "refit_assets.programs", program]
    given = {WORKLOAD_VARIABLE: workload, **(environment or {})}
    return _pod(image, command, memory_mib=memory_mib, environment=given)


def _pod(
    image: str,
    command: Sequence[str],
    *,
    memory_mib: int,
    environment: Mapping[str, str] | None = None,
) -> Manifest:
    memory = f"{memory_mib}Mi"
    bucket = {"configMapKeyRef": {"name": _SETTINGS, "key": "REFIT_BUCKET"}}
    variables: list[Manifest] = [
        {"name": "REFIT_BUCKET", "valueFrom": bucket},
        {"name": STORE_VARIABLE, "value": "$(REFIT_BUCKET)/artefacts"},
    ]
    variables += [{"name": name, "value": text} for name, text in (environment or {}).items()]
    return {
        "container": {
            "image": image,
            "imagePullPolicy": "IfNotPresent",
            # Argo cannot ask a registry for an entrypoint everywhere, so the command is whole.
            "command": ["/usr/bin/tini", "-s", "--", *command],
            "env": variables,
            "envFrom": [
                {"configMapRef": {"name": _SETTINGS}},
                {"secretRef": {"name": _POSTGRES, "optional": True}},
                # Not there where the service account has a role.
                {"secretRef": {"name": _S3, "optional": True}},
            ],
            "resources": {
                "requests": {"cpu": "100m", "memory": memory},
                "limits": {"memory": memory},
            },
            "securityContext": _LOCKED,
            "volumeMounts": [{"name": "tmp", "mountPath": _TMP}],
        },
        "volumes": [{"name": "tmp", "emptyDir": {}}],
        **_placed(executors=("init",), containers=("wait",)),
        # A node that went away, a pod that was evicted; every step goes on from what is stored.
        "retryStrategy": {"limit": "2", "retryPolicy": "OnError"},
    }


def _placed(*, executors: Sequence[str], containers: Sequence[str]) -> Manifest:
    """What a pod needs in our namespace; in the template, so that it holds in any workflow.

    Argo leaves its own containers without a security context, which `restricted` refuses.
    """
    patch = {
        part: [{"name": name, "securityContext": _LOCKED_EXECUTOR} for name in names]
        for part, names in (("initContainers", executors), ("containers", containers))
    }
    return {
        "metadata": {"labels": dict(_LABELS)},
        "securityContext": _NON_ROOT,
        "podSpecPatch": json.dumps(patch),
    }


def _common(entrypoint: str) -> Manifest:
    return {
        "entrypoint": entrypoint,
        "serviceAccountName": "refit-argo",
        "activeDeadlineSeconds": 4 * 3600,
        "ttlStrategy": {"secondsAfterCompletion": 86400},
        "podGC": {"strategy": "OnPodSuccess"},
    }


def _template(name: str, spec: Manifest) -> Manifest:
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "WorkflowTemplate",
        "metadata": {"name": name, "labels": {"app.kubernetes.io/part-of": "refit-assets"}},
        "spec": spec,
    }
