"""Files of a new model: valid as written, and never over somebody else's."""

from pathlib import Path

import pytest

from refit_assets.errors import SpecError
from refit_assets.models import read_model
from refit_assets.scaffold import PLACEHOLDER, scaffold
from refit_assets.training.plan import PlanInputs, plan_trials


def test_the_new_models_yaml_is_a_spec_whose_trials_can_be_planned(tmp_path: Path) -> None:
    yaml, _ = scaffold("late_parcels", tmp_path)
    spec = read_model(yaml)
    assert spec is not None
    assert spec.name == "late_parcels"
    assert plan_trials(spec, PlanInputs(training_set_digest="1"))


def test_the_new_models_features_compile_and_answer_the_contracts_columns(tmp_path: Path) -> None:
    yaml, features = scaffold("late_parcels", tmp_path)
    found: dict[str, object] = {}
    exec(compile(features.read_text(), str(features), "exec"), found)
    spec, answer = read_model(yaml), found["ANSWER"]
    assert spec is not None
    assert isinstance(answer, tuple)
    expected = ["day", spec.features.key, spec.features.knowledge_time, *spec.features.columns]
    assert [text.split()[-1] for text in answer] == [*expected, spec.target.column]
    assert callable(found["features"])


def test_the_files_lie_in_a_folder_of_the_models_name_and_hold_no_placeholder(
    tmp_path: Path,
) -> None:
    paths = scaffold("late_parcels", tmp_path / "defs")
    folder = tmp_path / "defs" / "late_parcels"
    assert paths == (folder / "defs.yaml", folder / "features.py")
    assert not any(PLACEHOLDER in path.read_text() for path in paths)


def test_a_folder_that_is_there_is_refused_and_left_alone(tmp_path: Path) -> None:
    mine = tmp_path / "late_parcels" / "features.py"
    mine.parent.mkdir()
    mine.write_text("mine")
    with pytest.raises(SpecError, match=r"late_parcels is there already: choose another name"):
        scaffold("late_parcels", tmp_path)
    assert [path.read_text() for path in mine.parent.iterdir()] == ["mine"]


@pytest.mark.parametrize("name", ["", "Parcels", "2nd", "late-parcels", "../up", "a" * 64, "a\n"])
def test_a_name_that_no_model_may_have_is_refused_with_an_example(
    name: str, tmp_path: Path
) -> None:
    with pytest.raises(SpecError, match=r"cannot name a model.*refit new late_parcels"):
        scaffold(name, tmp_path)
    assert not any(tmp_path.iterdir())
