"""`refit package` for a stranger's MOJO: the names it makes up, and the jar."""

from dataclasses import replace
from pathlib import Path

import pytest

from refit_assets.errors import SpecError
from refit_assets.packaging.command import (
    class_name,
    package_from_command,
    package_name,
    render_jar,
)
from refit_assets.packaging.maven import Maven
from refit_assets.packaging.package import JarFile, ScoringJar
from refit_assets.packaging.parity import ParityReport
from refit_assets.packaging.project import Coordinates
from refit_assets_tests.packaging.conftest import DATA


@pytest.mark.parametrize(
    ("artifact", "name"), [("flight-delay", "FlightDelay"), ("2nd_try", "Model2ndTry")]
)
def test_classes_are_named_after_the_artifact(artifact: str, name: str) -> None:
    assert class_name(artifact) == name


def test_the_package_is_named_after_group_and_artifact() -> None:
    coordinates = Coordinates.parse("Org.acme-models:flight-delay:1")
    assert package_name(coordinates) == "org.acme_models.flightdelay"


def test_a_group_that_java_cannot_spell_is_refused() -> None:
    with pytest.raises(SpecError, match=r"named after the group 'org\.class'"):
        package_name(Coordinates.parse("org.class:a:1"))


def jar(*, proven: bool) -> ScoringJar:
    file = JarFile(classifier="all", name="a-1-all.jar", sha256="0", bytes=1)
    report = ParityReport(proven=proven, golden_rows=60, adversarial_rows=20_000, differing=0)
    return ScoringJar(
        coordinates="g:a:1",
        version="1",
        files=(file,),
        contract_digest="c",
        mojo_sha256="m",
        scoring_path="generic score0: because",
        parity=report,
        java="17",
    )


def test_what_was_made_is_told_with_what_was_shown_of_it(tmp_path: Path) -> None:
    text = render_jar(jar(proven=True), tmp_path)
    assert "60 rows equal to the cluster's predictions" in text
    assert f"java -jar {tmp_path}/a-1-all.jar score" in text


def test_parity_that_was_not_proven_is_said_aloud(tmp_path: Path) -> None:
    assert "parity: NOT PROVEN" in render_jar(replace(jar(proven=False)), tmp_path)


@pytest.mark.maven
def test_a_strangers_mojo_goes_through_untouched(maven: Maven, tmp_path: Path) -> None:
    folder = DATA / "gbm_binomial"
    made = package_from_command(
        folder / "model.zip",
        folder / "examples.csv",
        "com.stranger:prostate-cancer:1.0",
        tmp_path / "out",
        maven=maven,
    )
    assert made.parity.proven
    assert (tmp_path / "out" / "prostate-cancer-1.0-all.jar").exists()
    row = "src/main/java/com/stranger/prostatecancer/ProstateCancerRow.java"
    assert (tmp_path / "out" / "project" / row).exists()
