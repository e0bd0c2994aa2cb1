"""Reading models from YAML: what is wrong is told with file and line."""

from pathlib import Path

import pytest
import yaml

from refit_assets.errors import SpecError
from refit_assets.models import COMPONENT, find_model, read_models
from refit_assets_tests.specs import ATTRIBUTES


def write(folder: Path, name: str, attributes: object = ATTRIBUTES, kind: str = COMPONENT) -> Path:
    path = folder / name / "defs.yaml"
    path.parent.mkdir()
    path.write_text(yaml.safe_dump({"type": kind, "attributes": attributes}, sort_keys=False))
    return path


def test_a_model_is_found_by_its_name(tmp_path: Path) -> None:
    write(tmp_path, "anything")
    assert find_model("late", tmp_path).jar.group == "com.example"


def test_other_components_are_passed_over(tmp_path: Path) -> None:
    write(tmp_path, "job", {"script": "x.py"}, "refit_assets.components.SparkJob")
    assert read_models(tmp_path) == {}


def test_an_unknown_model_is_told_with_those_that_are_there(tmp_path: Path) -> None:
    write(tmp_path, "one")
    with pytest.raises(SpecError, match=r"no model 'early' .*there are: late"):
        find_model("early", tmp_path)


def test_two_models_of_one_name_are_refused(tmp_path: Path) -> None:
    write(tmp_path, "one")
    write(tmp_path, "two")
    with pytest.raises(SpecError, match=r"two.defs\.yaml: another model is called late"):
        read_models(tmp_path)


def test_an_unknown_key_is_told_with_its_line(tmp_path: Path) -> None:
    path = write(tmp_path, "one", {**ATTRIBUTES, "colour": "red"})
    line = 1 + path.read_text().splitlines().index("  colour: red")
    with pytest.raises(SpecError, match=rf"defs\.yaml:{line}: colour: Extra inputs"):
        read_models(tmp_path)


def test_a_wrong_value_in_a_list_is_told_with_its_line(tmp_path: Path) -> None:
    trials = {**ATTRIBUTES["trials"], "search": [{"algorithm": "gbm"}, {"algorithm": "magic"}]}
    path = write(tmp_path, "one", {**ATTRIBUTES, "trials": trials})
    line = 1 + path.read_text().splitlines().index("    - algorithm: magic")
    with pytest.raises(SpecError, match=rf":{line}: trials\.search\.1\.algorithm"):
        read_models(tmp_path)


def test_broken_yaml_is_told_with_its_file(tmp_path: Path) -> None:
    write(tmp_path, "one").write_text("type: [")
    with pytest.raises(SpecError, match=r"one.defs\.yaml: while parsing"):
        read_models(tmp_path)
