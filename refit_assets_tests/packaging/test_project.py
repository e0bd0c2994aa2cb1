"""The generated Maven project: what is refused, what is written; no Maven, no JVM."""

import json
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from refit_assets.column_types import ColumnType
from refit_assets.errors import DataError, SpecError
from refit_assets.features.contract import Column, InputContract
from refit_assets.packaging.project import (
    Coordinates,
    begin_project,
    build_project,
    finish_project,
    write_model,
)
from refit_assets.training.mojo import mojo_digest
from refit_assets_tests.packaging.conftest import DATA, RequestOf

SOURCES = "src/main/java/org/acme/models/gbm_binomial"
RESOURCES = "src/main/resources/org/acme/models/gbm_binomial"


def contract(
    *names: str, category: str = "RACE DPROS DCAPS", nullable: bool = True
) -> InputContract:
    columns = [
        Column(
            name=name,
            type=ColumnType.parse("category" if name in category.split() else "decimal(6,2)"),
            nullable=nullable,
            minimum="0",
            description=f"the {name}",
        )
        for name in names
    ]
    return InputContract(columns=tuple(columns), target="CAPSULE", classes=("0", "1"))


FEATURES = ("GLEASON", "AGE", "RACE", "DPROS", "DCAPS", "PSA", "VOL")


def test_coordinates_are_read_and_written_as_maven_does() -> None:
    coordinates = Coordinates.parse("org.acme:late:1.0.20130901")
    assert str(coordinates) == "org.acme:late:1.0.20130901"
    assert coordinates.stem == "late-1.0.20130901"


@pytest.mark.parametrize("text", ["org.acme:late", "a:b:c:d", "a:b:", "a b:c:d", "a:../b:c"])
def test_other_texts_are_no_coordinates(text: str) -> None:
    with pytest.raises(SpecError, match="write group:artifact:version"):
        Coordinates.parse(text)


@pytest.mark.parametrize(("category", "explained"), [("Binomial", True), ("Multinomial", False)])
def test_statistics_of_nodes_are_packaged_where_contributions_are_computed(
    request_of: RequestOf, tmp_path: Path, category: str, explained: object
) -> None:
    with (
        zipfile.ZipFile(DATA / "gbm_binomial" / "model.zip") as source,
        zipfile.ZipFile(tmp_path / "model.zip", "w") as target,
    ):
        for name in source.namelist():
            said = source.read(name).replace(b"= Binomial", f"= {category}".encode())
            target.writestr(name, said)
    request = request_of("gbm_binomial", mojo=tmp_path / "model.zip")
    written = write_model(request, lambda name: tmp_path / "made" / name)
    assert written.facts.explains is explained
    with zipfile.ZipFile(tmp_path / "made" / "model.mojo") as mojo:
        trees = [name for name in mojo.namelist() if name.startswith("trees/")]
        assert {mojo.getinfo(name).compress_type for name in trees} == {zipfile.ZIP_STORED}
    assert not any(name.endswith("_aux.bin") for name in trees)
    whole = tmp_path / "made" / "whole.mojo"
    assert whole.exists() is explained
    if explained:
        about = json.loads((tmp_path / "made" / "about.json").read_text())
        assert about["mojo_sha256"] == mojo_digest(whole.read_bytes())


def test_what_documents_are_made_of_is_there_before_the_mojo(
    request_of: RequestOf, tmp_path: Path
) -> None:
    def written() -> set[str]:
        return {path.name for path in tmp_path.rglob("*") if path.is_file()}

    begun = begin_project(request_of("gbm_binomial"), tmp_path)
    before = written()
    assert {"pom.xml", "ProstateScorer.java", "Engine.java"} <= before
    finished = finish_project(request_of("gbm_binomial"), tmp_path, begun)
    assert written() - before == {"model.mojo", "whole.mojo", "about.json"}
    about = json.loads((tmp_path / RESOURCES / "about.json").read_text())
    assert about["mojo_sha256"] == finished.facts.sha256


def test_the_row_has_the_contracts_columns_in_their_order(
    request_of: RequestOf, tmp_path: Path
) -> None:
    build_project(request_of("gbm_binomial", contract=contract(*FEATURES)), tmp_path / "p")
    row = (tmp_path / "p" / SOURCES / "ProstateRow.java").read_text()
    assert row.index("double gleason") < row.index("double age") < row.index("String race")
    assert " * @param gleason the GLEASON" in row
    packaged = json.loads((tmp_path / "p" / RESOURCES / "contract.json").read_text())
    assert packaged["columns"][0]["minimum"] == "0"
    assert packaged["columns"][0]["required"] is False


def test_a_column_that_the_model_does_not_read_stays_in_the_row(
    request_of: RequestOf, tmp_path: Path
) -> None:
    build_project(request_of("gbm_binomial", contract=None), tmp_path / "p")
    folder = tmp_path / "examples"
    folder.mkdir()
    lines = (DATA / "gbm_binomial" / "examples.csv").read_text().splitlines()
    examples = folder / "examples.csv"
    examples.write_text("\n".join([f"EXTRA,{lines[0]}", *(f"1,{line}" for line in lines[1:])]))
    wide = request_of("gbm_binomial", contract=contract("EXTRA", *FEATURES), examples=examples)
    build_project(wide, tmp_path / "q")
    assert "double extra," in (tmp_path / "q" / SOURCES / "ProstateRow.java").read_text()


def test_a_contract_that_lacks_a_column_of_the_model_is_refused(
    request_of: RequestOf, tmp_path: Path
) -> None:
    request = request_of("gbm_binomial", contract=contract("AGE", "RACE"))
    with pytest.raises(SpecError, match="reads DCAPS, DPROS, GLEASON, PSA, VOL, which"):
        build_project(request, tmp_path / "p")


def test_a_contract_of_another_type_than_the_models_is_refused(
    request_of: RequestOf, tmp_path: Path
) -> None:
    request = request_of("gbm_binomial", contract=contract(*FEATURES, category="DPROS DCAPS AGE"))
    with pytest.raises(SpecError) as refusal:
        build_project(request, tmp_path / "p")
    assert "AGE is a category, the model knows it as a number" in str(refusal.value)
    assert "RACE is a number, the model knows it as a category" in str(refusal.value)


def test_names_that_java_does_not_allow_are_refused(request_of: RequestOf, tmp_path: Path) -> None:
    request = request_of("gbm_binomial", class_name="flight delay", package="org.class")
    with pytest.raises(SpecError, match=r"(?s)'flight delay' is no name.*'org\.class' is no name"):
        build_project(request, tmp_path / "p")


def test_the_librarys_java_moves_into_the_models_package(
    request_of: RequestOf, tmp_path: Path
) -> None:
    build_project(request_of("gbm_binomial"), tmp_path)
    engine = (tmp_path / SOURCES / "Engine.java").read_text()
    assert engine.startswith("package org.acme.models.gbm_binomial;")
    everything = [path.read_text() for path in tmp_path.rglob("*.java")]
    assert not [text for text in everything if "refit.scoring" in text]


def test_the_same_request_writes_the_same_files(request_of: RequestOf, tmp_path: Path) -> None:
    for name in ("a", "b"):
        build_project(request_of("gbm_binomial"), tmp_path / name)
    files = {path.relative_to(tmp_path / "a") for path in (tmp_path / "a").rglob("*")}
    assert len(files) > 30
    for file in sorted(files):
        one, other = tmp_path / "a" / file, tmp_path / "b" / file
        assert one.is_dir() or one.read_bytes() == other.read_bytes(), file


def test_examples_without_an_input_are_refused(request_of: RequestOf, tmp_path: Path) -> None:
    examples = tmp_path / "e.csv"
    examples.write_text("AGE,RACE\n1,0.0\n")
    with pytest.raises(DataError, match=r"e\.csv lacks the inputs DPROS, DCAPS, PSA, VOL, GLEASON"):
        build_project(request_of("gbm_binomial", examples=examples), tmp_path / "p")


def test_examples_with_some_of_the_predictions_are_refused(
    request_of: RequestOf, tmp_path: Path
) -> None:
    lines = (DATA / "gbm_binomial" / "examples.csv").read_text().splitlines()
    examples = tmp_path / "e.csv"
    examples.write_text("\n".join(line.rsplit(",", 1)[0] for line in lines))
    with pytest.raises(DataError, match="this model answers predict, p:0, p:1: give all of them"):
        build_project(request_of("gbm_binomial", examples=examples), tmp_path / "p")


def test_of_many_examples_a_thousand_are_packaged_evenly(
    request_of: RequestOf, tmp_path: Path
) -> None:
    header, *lines = (DATA / "gbm_binomial" / "examples.csv").read_text().splitlines()
    examples = tmp_path / "e.csv"
    examples.write_text("\n".join([header, *(lines * 40)]))
    build_project(request_of("gbm_binomial", examples=examples), tmp_path / "p")
    golden = (tmp_path / "p" / RESOURCES / "golden.csv").read_text().splitlines()
    assert len(golden) - 1 == 800


def test_a_model_with_more_inputs_than_a_record_has_room_for_gets_a_class(
    request_of: RequestOf, tmp_path: Path
) -> None:
    extra = [f"X{number}" for number in range(150)]
    lines = (DATA / "gbm_binomial" / "examples.csv").read_text().splitlines()
    examples = tmp_path / "e.csv"
    tail = [",".join(extra), *("," * (len(extra) - 1) for _ in lines[1:])]
    examples.write_text("\n".join(f"{line},{more}" for line, more in zip(lines, tail, strict=True)))
    request = request_of("gbm_binomial", contract=contract(*FEATURES, *extra), examples=examples)
    build_project(request, tmp_path / "p")
    row = (tmp_path / "p" / SOURCES / "ProstateRow.java").read_text()
    assert "public final class ProstateRow" in row
    assert "return numbers[156];" in row


def test_the_version_is_that_of_the_request(request_of: RequestOf, tmp_path: Path) -> None:
    request = request_of("gbm_binomial")
    build_project(
        replace(
            request, coordinates=Coordinates(group="g", artifact="a", version="2.1.20140101-3")
        ),
        tmp_path,
    )
    assert "<version>2.1.20140101-3</version>" in (tmp_path / "pom.xml").read_text()
