"""Scores in the table of predictions: those of the jar's command line, bit for bit."""

import csv
import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from refit_assets.errors import DataError
from refit_assets.packaging.maven import Maven
from refit_assets.packaging.package import package
from refit_assets.packaging.score import score_csv
from refit_assets.predictions.jar import read_function
from refit_assets.predictions.job import PredictionsRequest, predict_days
from refit_assets_tests.packaging.conftest import DATA, RequestOf
from refit_assets_tests.predictions.score_twice import (
    build_request,
    scores,
    write_features,
)

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = [
    pytest.mark.spark,
    pytest.mark.maven,
    # PySpark leaves the sockets of what it collected to the garbage collector.
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),
]

EXAMPLES = DATA / "gbm_binomial" / "examples.csv"


@pytest.fixture
def jar(packaged_folder: Path) -> Path:
    (found,) = packaged_folder.glob("*-all.jar")
    return found


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "home" / "warehouse").mkdir(parents=True)
    return tmp_path / "home"


@pytest.fixture
def request_(spark: "SparkSession", home: Path) -> PredictionsRequest:
    day = write_features(spark, home, "late", EXAMPLES)
    return build_request(home, day, "unused", "1.0.20130901")


def command_line(jar: Path, folder: Path) -> list[dict[str, str]]:
    score_csv(jar, EXAMPLES, folder / "expected.csv")
    with (folder / "expected.csv").open() as stream:
        return list(csv.DictReader(stream))


def test_the_tables_scores_are_the_command_lines_bit_for_bit(
    spark: "SparkSession", request_: PredictionsRequest, jar: Path, tmp_path: Path
) -> None:
    result = predict_days(spark, request_, jar, lambda _: None)
    found, expected = scores(result), command_line(jar, tmp_path)
    assert len(found) == 60
    assert [row["score"].hex() for row in found] == [float(row["p:1"]).hex() for row in expected]
    assert {row["model_version"] for row in found} == {"1.0.20130901"}
    again = predict_days(spark, request_, jar, lambda _: None)
    assert again.days[0].digest == result.days[0].digest
    assert len(scores(again)) == 60


def test_rows_that_are_not_the_recorded_ones_are_refused_and_nothing_is_written(
    spark: "SparkSession", request_: PredictionsRequest, jar: Path
) -> None:
    (day,) = request_.days
    wrong = replace(request_, days=(replace(day, rows=61),))
    with pytest.raises(DataError, match="61 rows, as the features have"):
        predict_days(spark, wrong, jar, lambda _: None)


def test_a_jar_tells_its_function_and_inputs(jar: Path) -> None:
    function = read_function(jar)
    assert function.class_name == "org.acme.models.gbm_binomial.ScoreUdf"
    assert "GLEASON" in function.inputs


def test_two_versions_in_one_process_score_by_their_own_classes(
    jar: Path, request_of: RequestOf, maven: Maven, tmp_path: Path
) -> None:
    other = request_of("glm_gaussian", package="org.acme.models.gbm_binomial")
    package(other, tmp_path / "other", maven)
    (other_jar,) = (tmp_path / "other").glob("*-all.jar")
    home = tmp_path / "home"
    home.mkdir()
    for name, path in (("one.jar", jar), ("other.jar", other_jar)):
        shutil.copy(path, home / name)
    module = "refit_assets_tests.predictions.score_twice"
    command = [sys.executable, "-m", module, str(home), "one.jar", "other.jar", str(EXAMPLES)]
    ended = subprocess.run(command, check=False, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    one, two, three = json.loads(ended.stdout.splitlines()[-1])
    assert one == three
    expected = [float(row["p:1"]).hex() for row in command_line(jar, tmp_path)]
    assert one == expected
    score_csv(other_jar, EXAMPLES, tmp_path / "two.csv")
    with (tmp_path / "two.csv").open() as stream:
        assert two == [float(row["predict"]).hex() for row in csv.DictReader(stream)]
