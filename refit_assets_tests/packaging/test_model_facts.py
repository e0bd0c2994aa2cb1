"""What a MOJO says about itself, read from zips as H2O writes them."""

import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from refit_assets.errors import DataError, SpecError
from refit_assets.packaging.model_facts import derive_contract, read_model_facts
from refit_assets_tests.packaging.conftest import DATA

INFO = {
    "h2o_version": "3.46.0.11",
    "algo": "gbm",
    "category": "Binomial",
    "supervised": "true",
    "n_features": "2",
    "n_classes": "2",
    "default_threshold": "0.25",
    "escape_domain_values": "true",
}


def mojo(
    folder: Path,
    info: Mapping[str, str] | None = None,
    columns: str = "AGE\nCITY\nSICK",
    files: Mapping[str, str] | None = None,
) -> Path:
    """Write a MOJO without trees: two features, of which one is a category, and a target."""
    values = {**INFO, **(info or {})}
    lines = ["[info]", *(f"{key} = {value}" for key, value in values.items()), "", "[columns]"]
    lines += [*columns.split("\n"), "", "[domains]", "1: 2 d000.txt", "2: 2 d001.txt"]
    content = {
        "model.ini": "\n".join(lines) + "\n",
        "domains/d000.txt": "Aix\nNew\\nYork\n",
        "domains/d001.txt": "no\nyes\n",
        **(files or {}),
    }
    path = folder / "model.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in content.items():
            archive.writestr(name, text)
    return path


def test_columns_levels_and_classes_are_read(tmp_path: Path) -> None:
    facts = read_model_facts(mojo(tmp_path))
    assert facts.features == ("AGE", "CITY")
    assert facts.levels == {"CITY": ("Aix", "New\nYork")}
    assert (facts.target, facts.classes) == ("SICK", ("no", "yes"))
    assert facts.default_threshold == 0.25
    assert facts.output_names == ("predict", "p:no", "p:yes")
    assert facts.explains


@pytest.mark.parametrize(
    "info",
    [
        {"algo": "drf", "binomial_double_trees": "false"},
        {"algo": "glm"},
        {"algo": "xgboost", "booster": "gblinear"},
        {"category": "Multinomial"},
    ],
)
def test_models_whose_mojo_cannot_explain_itself_get_no_such_method(
    tmp_path: Path, info: Mapping[str, str]
) -> None:
    assert not read_model_facts(mojo(tmp_path, info)).explains


IMPORTANCES = """{"output": {"variable_importances": {
    "name": "Variable Importances", "description": "", "rowcount": 1, "data": [["AGE"], [2.5]],
    "columns": [
        {"type": "string", "format": "%s", "description": "Variable"},
        {"type": "double", "format": "%5f", "description": "Relative Importance"}]}}}"""


@pytest.mark.parametrize(
    ("double", "details", "explains"),
    [
        ("false", IMPORTANCES, True),
        ("true", IMPORTANCES, False),
        ("false", '{"output": {"variable_importances": null}}', False),
        ("false", "cut off {", False),
    ],
)
def test_a_forest_that_tells_which_inputs_it_uses_explains_itself(
    tmp_path: Path, double: str, details: str, explains: object
) -> None:
    info = {"algo": "drf", "binomial_double_trees": double}
    path = mojo(tmp_path, info, files={"experimental/modelDetails.json": details})
    assert read_model_facts(path).explains is explains


def test_a_real_mojo_is_read() -> None:
    facts = read_model_facts(DATA / "gbm_binomial" / "model.zip")
    assert facts.features == ("AGE", "RACE", "DPROS", "DCAPS", "PSA", "VOL", "GLEASON")
    assert facts.algorithm == "gbm"
    assert facts.classes == ("0", "1")


def test_a_contract_is_derived_in_which_nothing_is_required(tmp_path: Path) -> None:
    contract = derive_contract(read_model_facts(mojo(tmp_path)))
    assert [(c.name, str(c.type), c.nullable) for c in contract.columns] == [
        ("AGE", "number", True),
        ("CITY", "category", True),
    ]
    assert contract.classes == ("no", "yes")


def test_an_offset_is_a_required_number_of_the_contract(tmp_path: Path) -> None:
    facts = read_model_facts(
        mojo(tmp_path, {"offset_column": "OFF"}, columns="AGE\nCITY\nOFF\nSICK")
    )
    column = derive_contract(facts).column("OFF")
    assert not column.nullable


def test_columns_of_a_one_hot_model_are_those_before_encoding(tmp_path: Path) -> None:
    files = {"_orig_names": "AGE\nCITY\nSICK\n", "_orig_domain_values_1": "Aix\nRome\n"}
    facts = read_model_facts(mojo(tmp_path, {"_n_orig_names": "3"}, files=files))
    assert facts.features == ("AGE", "CITY")
    assert facts.levels == {"CITY": ("Aix", "Rome")}


def test_calibration_adds_columns_to_the_answer(tmp_path: Path) -> None:
    facts = read_model_facts(mojo(tmp_path, {"calib_method": "platt"}))
    assert facts.output_names == ("predict", "p:no", "p:yes", "cal:no", "cal:yes")


def test_xgboost_is_found_within_an_ensemble(tmp_path: Path) -> None:
    assert not read_model_facts(mojo(tmp_path)).uses_xgboost
    files = {"models/XGBoost/x/boosterBytes": ""}
    assert read_model_facts(mojo(tmp_path, files=files)).uses_xgboost


@pytest.mark.parametrize(
    ("info", "reason"),
    [
        ({"category": "DimReduction"}, "is a DimReduction model"),
        ({"algo": "gam"}, "reads columns that only H2O computes"),
        ({"h2o_version": "3.44.0.3"}, "exported by H2O 3.44.0.3; export it again"),
    ],
)
def test_what_cannot_be_packaged_is_refused_with_the_reason(
    tmp_path: Path, info: Mapping[str, str], reason: str
) -> None:
    with pytest.raises(SpecError, match=reason):
        read_model_facts(mojo(tmp_path, info))


def test_a_file_that_is_no_mojo_is_refused_with_the_next_step(tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    path.write_bytes(b"nothing of the kind")
    with pytest.raises(DataError, match=r"x\.zip is no MOJO.*\n.*download_mojo"):
        read_model_facts(path)


@pytest.mark.parametrize(
    ("name", "what"), [("x.zip", "it is no zip file"), ("x.java", "it is the source of a POJO")]
)
def test_it_is_said_what_the_file_is_instead(tmp_path: Path, name: str, what: str) -> None:
    (tmp_path / name).write_text("public class x extends GenModel {}")
    with pytest.raises(DataError, match=what):
        read_model_facts(tmp_path / name)
