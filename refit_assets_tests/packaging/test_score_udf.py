"""The jar's function for Spark: the scores of its own command line, bit for bit."""

import csv
import json
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from refit_assets.packaging.score import score_csv
from refit_assets_tests.packaging.conftest import DATA
from refit_assets_tests.packaging.test_package import EXAMPLES, STEM

pytestmark = [pytest.mark.maven, pytest.mark.spark]

GUIDE = Path(__file__).parents[2] / "docs" / "how-to" / "spark.md"


def run_guide(folder: Path, jar: Path, rows: Path) -> "subprocess.CompletedProcess[str]":
    """Run the example of the guide as a person would: a script of its own."""
    (found,) = re.findall(r"```python\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    script = folder / "guide.py"
    script.write_text(found)
    command = [sys.executable, str(script), str(jar), str(rows), str(folder / "scored")]
    return subprocess.run(command, check=False, capture_output=True, text=True)


def scored(folder: Path) -> list[dict[str, object]]:
    files = sorted((folder / "scored").glob("*.json"))
    return [json.loads(line) for file in files for line in file.read_text().splitlines()]


def test_the_guides_example_gives_the_scores_of_the_command_line(
    packaged_folder: Path, tmp_path: Path
) -> None:
    jar = packaged_folder / f"{STEM}-all.jar"
    ended = run_guide(tmp_path, jar, EXAMPLES)
    assert ended.returncode == 0, ended.stderr
    score_csv(jar, EXAMPLES, tmp_path / "expected.csv")
    with (tmp_path / "expected.csv").open() as stream:
        expected = [tuple(row.values()) for row in csv.DictReader(stream)]
    found = [(row["predict"], repr(row["p:0"]), repr(row["p:1"])) for row in scored(tmp_path)]
    assert len(found) == 60
    assert [(label, float(no), float(yes)) for label, no, yes in found] == [
        (label, float(no), float(yes)) for label, no, yes in expected
    ]


def test_a_struct_without_an_input_is_refused_by_the_inputs_name(
    packaged_folder: Path, tmp_path: Path
) -> None:
    rows = tmp_path / "rows.csv"
    rows.write_text((DATA / "gbm_binomial" / "examples.csv").read_text().replace("VOL", "VOLUME"))
    ended = run_guide(tmp_path, packaged_folder / f"{STEM}-all.jar", rows)
    assert ended.returncode != 0
    assert "VOL: not among the names of the struct" in ended.stderr


def test_a_jar_holds_the_function_and_nothing_of_spark(
    packaged_folder: Path, tmp_path: Path
) -> None:
    names = zipfile.ZipFile(packaged_folder / f"{STEM}-all.jar").namelist()
    assert "org/acme/models/gbm_binomial/ScoreUdf.class" in names
    assert not [name for name in names if "spark" in name or "scala" in name]
    # Without Spark beside it every other class works: the command line just did in its build.
    shutil.copy(packaged_folder / f"{STEM}-all.jar", tmp_path / "alone.jar")
    score_csv(tmp_path / "alone.jar", EXAMPLES, tmp_path / "out.csv")
    assert (tmp_path / "out.csv").stat().st_size > 0
