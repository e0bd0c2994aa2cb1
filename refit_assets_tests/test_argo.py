"""Argo's templates: what is in deploy/argo is what the specs ask for."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from refit_assets.argo import (
    Images,
    build_package_template,
    build_refit_template,
    read_images,
    render,
    write_templates,
)
from refit_assets.models import find_model
from refit_assets.programs import PROGRAMS
from refit_assets_tests.specs import build_spec

PROJECT = Path(__file__).parents[1]
IMAGES = Images(control="control:1", h2o="h2o:1", maven="maven:1")
SPEC = build_spec(compute={"kubernetes": {"h2o": {"memory_mib": 4000}}})


def templates() -> dict[str, Any]:
    found = build_refit_template(SPEC, IMAGES)["spec"]["templates"]
    return {one["name"]: one for one in found}


def containers() -> dict[str, Any]:
    found = {**templates(), "jar": build_package_template(IMAGES)["spec"]["templates"][0]}
    return {name: one["container"] for name, one in found.items() if "container" in one}


def test_what_is_in_deploy_is_up_to_date(tmp_path: Path) -> None:
    images = read_images(PROJECT / "deploy/kustomize/images/images.env")
    for path in write_templates(find_model("flight_delay"), images, tmp_path):
        there = PROJECT / "deploy/argo" / path.name
        assert there.read_text() == path.read_text(), f"run `refit argo` for {path.name}"


def test_every_task_has_a_template_and_follows_one_that_is_there() -> None:
    tasks = {task["name"]: task for task in templates()["refit"]["dag"]["tasks"]}
    assert {task["template"] for task in tasks.values()} == set(templates()) - {"refit"}
    for task in tasks.values():
        words = task.get("depends", "").replace("||", " ").split()
        assert {word.partition(".")[0] for word in words} <= set(tasks)


def test_every_pod_runs_a_command_that_exists() -> None:
    from refit_assets.cli import refit

    for container in containers().values():
        module, command = container["command"][5:7]
        known = PROGRAMS if module == "refit_assets.programs" else refit.commands
        assert command in known


@pytest.mark.parametrize("name", ["plan", "pin", "finish", "trial", "fit", "package", "jar"])
def test_every_pod_is_locked_and_limited(name: str) -> None:
    container = containers()[name]
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert (
        container["resources"]["limits"]["memory"] == container["resources"]["requests"]["memory"]
    )


def test_a_pod_with_an_h2o_inside_has_room_for_both() -> None:
    assert containers()["trial"]["resources"]["limits"]["memory"] == "6024Mi"
    given = {one["name"]: one.get("value") for one in containers()["trial"]["env"]}
    assert given["REFIT_H2O_MEMORY_MIB"] == "4000"


def test_trials_run_side_by_side_as_the_spec_allows() -> None:
    spec = build_refit_template(SPEC, IMAGES)["spec"]
    assert spec["parallelism"] == SPEC.trials.max_parallel
    (trials,) = (t for t in templates()["refit"]["dag"]["tasks"] if t["name"] == "trials")
    assert trials["withParam"] == "{{tasks.pin.outputs.parameters.trials}}"


def test_what_is_rendered_is_yaml_that_says_who_wrote_it() -> None:
    text = render(build_package_template(IMAGES))
    assert text.startswith("# Written by `refit argo`")
    assert yaml.safe_load(text)["metadata"]["name"] == "refit-package"


def test_no_container_of_argos_own_is_left_without_a_security_context() -> None:
    for name, one in templates().items():
        if name == "refit":
            continue
        patch = json.loads(one["podSpecPatch"])
        named = {part: [box["name"] for box in boxes] for part, boxes in patch.items()}
        main = "main" if name == "features" else "wait"
        assert named == {"initContainers": ["init"], "containers": [main]}
