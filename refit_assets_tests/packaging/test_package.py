"""Packaging as a whole, by the real Maven: the jar, its commands, its bytes, or none at all."""

import json
import os
import re
import shutil
import zipfile
from pathlib import Path

import pytest

from refit_assets.errors import DataError, ParityError, WorkloadFailed
from refit_assets.packaging.maven import Maven
from refit_assets.packaging.package import package
from refit_assets.packaging.parity import compare_predictions
from refit_assets.packaging.project import build_project
from refit_assets.packaging.score import ask_jar, score_csv
from refit_assets_tests.packaging.conftest import DATA, RequestOf

pytestmark = pytest.mark.maven

ROOT = Path(__file__).parents[2]
STEM = "gbm-binomial-1.0.20130901"
EXAMPLES = DATA / "gbm_binomial" / "examples.csv"


def examples(path: Path, lines: list[str]) -> Path:
    path.write_text("\n".join(lines) + "\n")
    return path


def test_out_receives_jars_pom_sbom_parity_and_the_project(packaged_folder: Path) -> None:
    assert sorted(path.name for path in packaged_folder.iterdir()) == [
        f"{STEM}-all.jar",
        f"{STEM}-cyclonedx.json",
        f"{STEM}-javadoc.jar",
        f"{STEM}-serve.jar",
        f"{STEM}-sources.jar",
        f"{STEM}.jar",
        f"{STEM}.pom",
        "parity.json",
        "project",
    ]
    assert [path.name for path in packaged_folder.parent.iterdir()] == ["out"]
    parity = json.loads((packaged_folder / "parity.json").read_text())
    assert (parity["golden_rows"], parity["adversarial_rows"]) == (60, 20_000)


def components(sbom: Path) -> set[str]:
    listed = json.loads(sbom.read_text())["components"]
    return {f"{one['group']}:{one['name']} {one['version']}" for one in listed}


def looked_up(*where: str) -> set[str]:
    """Components that decision 0013 lists for jars of those kinds."""
    decision = (ROOT / "docs/decisions/0013-check-the-closure-by-hand.md").read_text()
    rows = [line.strip("| ").split(" | ") for line in decision.splitlines() if " | " in line]
    return {f"{row[0]} {row[1]}" for row in rows if row[2] in where}


def test_the_sbom_lists_what_was_looked_up_by_hand_and_nothing_else(packaged_folder: Path) -> None:
    assert components(packaged_folder / f"{STEM}-cyclonedx.json") == looked_up("every jar")


def test_an_xgboost_model_brings_what_was_looked_up_for_it_and_nothing_else(
    request_of: RequestOf, maven: Maven, tmp_path: Path
) -> None:
    build_project(request_of("xgboost_binomial"), tmp_path)
    maven.run(tmp_path, "org.cyclonedx:cyclonedx-maven-plugin:makeBom")
    expected = looked_up("every jar", "XGBoost models")
    assert components(tmp_path / "target/sbom.json") == expected
    assert "ai.h2o:xgboost-predictor 0.3.20" in expected


def test_gson_in_the_runnable_jar_meets_no_other(packaged_folder: Path) -> None:
    with zipfile.ZipFile(packaged_folder / f"{STEM}-all.jar") as jar:
        gson = [name for name in jar.namelist() if "/gson/" in name and name.endswith(".class")]
    assert {name.partition("/gson/")[0] for name in gson} == {"org/acme/models/gbm_binomial/shaded"}


@pytest.mark.parametrize("classifier", ["", "-all"])
def test_a_cold_jvm_neither_inflates_the_model_twice_nor_builds_the_joining_of_texts(
    packaged_folder: Path, classifier: str
) -> None:
    ours = "org/acme/models/gbm_binomial/"
    with zipfile.ZipFile(packaged_folder / f"{STEM}{classifier}.jar") as jar:
        assert jar.getinfo(f"{ours}model.mojo").compress_type == zipfile.ZIP_STORED
        classes = [name for name in jar.namelist() if re.fullmatch(rf"{ours}[^/]*\.class", name)]
        assert len(classes) > 30
        assert [name for name in classes if b"makeConcatWithConstants" in jar.read(name)] == []


def test_the_same_request_makes_the_same_bytes_elsewhere_and_by_another_umask(
    packaged_folder: Path, request_of: RequestOf, maven: Maven, tmp_path: Path
) -> None:
    before = os.umask(0o027)
    try:
        jar = package(request_of("gbm_binomial"), tmp_path / "a" / "b" / "elsewhere", maven)
    finally:
        os.umask(before)
    assert {file.classifier for file in jar.files} == {
        "",
        "all",
        "serve",
        "sources",
        "javadoc",
        "pom",
        "cyclonedx",
    }
    for file in jar.files:
        here = (tmp_path / "a" / "b" / "elsewhere" / file.name).read_bytes()
        assert here == (packaged_folder / file.name).read_bytes(), file.name
    assert jar.scoring_path.startswith("leaf-mask forest")
    assert jar.file("all").bytes > jar.file("").bytes


def test_maven_alone_builds_the_same_bytes_from_the_kept_project(
    packaged_folder: Path, maven: Maven, tmp_path: Path
) -> None:
    project = shutil.copytree(packaged_folder / "project", tmp_path / "project")
    maven.run(project, "package")
    jars = {path.name: path for path in packaged_folder.glob("*.jar")}
    assert len(jars) == 5
    sbom = packaged_folder / f"{STEM}-cyclonedx.json"
    for name, packaged in {**jars, "sbom.json": sbom}.items():
        assert (project / "target" / name).read_bytes() == packaged.read_bytes(), name


def test_the_jar_scores_a_file_as_the_cluster_did(packaged_folder: Path, tmp_path: Path) -> None:
    score_csv(packaged_folder / f"{STEM}-all.jar", EXAMPLES, tmp_path / "scored.csv")
    assert (tmp_path / "scored.csv").read_text().startswith("predict,p:0,p:1\n")
    assert compare_predictions(EXAMPLES, tmp_path / "scored.csv").proven


def test_the_jar_tests_itself_and_tells_about_itself(packaged_folder: Path) -> None:
    jar = packaged_folder / f"{STEM}-all.jar"
    assert ask_jar(jar, "--self-test").startswith("60 golden rows equal")
    about = json.loads(ask_jar(jar, "--about"))
    assert about["coordinates"] == "org.acme.models:gbm-binomial:1.0.20130901"
    assert about["provenance"] == {"training_set": "0123abcd"}


def test_a_row_that_cannot_be_scored_is_named_and_no_file_is_left(
    packaged_folder: Path, tmp_path: Path
) -> None:
    rows = examples(tmp_path / "rows.csv", [*EXAMPLES.read_text().splitlines()[:3], "x,,,,,,,,,"])
    with pytest.raises(DataError, match=r"rows\.csv can't be scored .*line 4, AGE"):
        score_csv(packaged_folder / f"{STEM}-all.jar", rows, tmp_path / "scored.csv")
    assert not (tmp_path / "scored.csv").exists()


def test_a_jar_that_is_none_is_a_failed_workload(tmp_path: Path) -> None:
    with pytest.raises(WorkloadFailed, match=r"x\.jar --about ended with 1"):
        ask_jar(tmp_path / "x.jar", "--about")


def test_a_jar_that_differs_from_the_cluster_is_no_jar(
    request_of: RequestOf, maven: Maven, tmp_path: Path
) -> None:
    header, *lines = EXAMPLES.read_text().splitlines()
    spoilt = [line.rsplit(",", 2)[0] + ",0.5,0.5" for line in lines[:7]]
    request = request_of(
        "gbm_binomial", examples=examples(tmp_path / "e.csv", [header, *spoilt, *lines[7:]])
    )
    with pytest.raises(ParityError) as failure:
        package(request, tmp_path / "out", maven)
    rows = [line for line in failure.value.differences if line.startswith("golden row")]
    assert len(rows) == 7
    assert [path.name for path in tmp_path.iterdir()] == ["e.csv"]


def test_without_the_clusters_predictions_parity_is_not_proven(
    request_of: RequestOf, maven: Maven, tmp_path: Path
) -> None:
    lines = (DATA / "glm_gaussian" / "examples.csv").read_text().splitlines()
    inputs = [line.rsplit(",", 1)[0] for line in lines]
    request = request_of("glm_gaussian", examples=examples(tmp_path / "e.csv", inputs))
    jar = package(request, tmp_path / "out", maven)
    assert not jar.parity.proven
    assert jar.parity.differing == 0
    runnable = tmp_path / "out" / jar.file("all").name
    assert ask_jar(runnable, "--self-test").startswith("parity not proven")
