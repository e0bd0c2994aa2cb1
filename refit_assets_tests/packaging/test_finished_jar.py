"""A finished jar by itself: every JDK of the machine, Javadoc, memory, its schema, its server."""

import csv
import json
import re
import signal
import subprocess
import urllib.error
import urllib.request
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path

import jsonschema
import pytest
from prometheus_client.parser import text_string_to_metric_families

from refit_assets.column_types import ColumnType
from refit_assets.features.contract import Column, InputContract
from refit_assets.packaging.maven import find_java
from refit_assets.packaging.parity import compare_predictions
from refit_assets.packaging.project import build_project
from refit_assets.packaging.score import ask_jar
from refit_assets_tests.packaging.conftest import DATA, RequestOf

pytestmark = pytest.mark.maven

STEM = "gbm-binomial-1.0.20130901"
EXAMPLES = DATA / "gbm_binomial" / "examples.csv"
ROW = {"AGE": 72, "RACE": "1.0", "DPROS": "lobe 3", "DCAPS": "2.0", "PSA": 6.7, "VOL": 0}


def jdks() -> dict[str, Path]:
    """Every `java` of this machine by its major version; the one in use counts, too."""
    homes = [find_java().parent.parent, *sorted(Path("/usr/lib/jvm").glob("*"))]
    found: dict[str, Path] = {}
    for home in homes:
        release = home / "release"
        version = release.exists() and re.search(r'JAVA_VERSION="(\d+)', release.read_text())
        if version and int(version[1]) >= 17 and (home / "bin/java").exists():
            found.setdefault(version[1], home / "bin/java")
    return found


def run(
    java: Path, jar: Path, *arguments: str, stdin: str | None = None
) -> "subprocess.CompletedProcess[str]":
    flags = [argument for argument in arguments if argument.startswith("-X")]
    others = [argument for argument in arguments if not argument.startswith("-X")]
    return subprocess.run(
        [str(java), *flags, "-jar", str(jar), *others],
        check=False,
        capture_output=True,
        text=True,
        input=stdin,
    )


@pytest.mark.parametrize("java", jdks().values(), ids=jdks().keys())
def test_every_jdk_scores_as_the_cluster_did_and_complains_of_nothing(
    java: Path, packaged_folder: Path, tmp_path: Path
) -> None:
    jar = packaged_folder / f"{STEM}-all.jar"
    tested = run(java, jar, "--self-test")
    assert tested.stdout.startswith("60 golden rows equal")
    scored = run(java, jar, "score", str(EXAMPLES), str(tmp_path / "scored.csv"))
    assert tested.stderr + scored.stderr == ""
    assert compare_predictions(EXAMPLES, tmp_path / "scored.csv").proven


def test_a_cold_jvm_links_no_lambda_of_ours_before_its_first_prediction(
    packaged_folder: Path,
) -> None:
    jar = packaged_folder / f"{STEM}-all.jar"
    scored = run(find_java(), jar, "-Xlog:class+load", "score", str(EXAMPLES))
    ours = re.findall(r"org\.acme\.models\.\S+", scored.stdout)
    assert "org.acme.models.gbm_binomial.Engine" in ours
    assert [name for name in ours if "$$Lambda" in name] == []


def test_the_javadoc_is_whole(packaged_folder: Path, tmp_path: Path) -> None:
    sources = set((packaged_folder / "project/src/main/java").rglob("*.java"))
    sources -= {path for path in sources if path.name == "ScoreUdf.java"}  # Spark is not here
    command = [str(find_java().with_name("javadoc")), "-quiet", "-Xdoclint:all", "-Werror"]
    command += ["-d", str(tmp_path), "-cp", str(packaged_folder / f"{STEM}-all.jar")]
    ended = subprocess.run(
        [*command, *map(str, sorted(sources))], check=False, capture_output=True, text=True
    )
    assert (ended.returncode, ended.stdout + ended.stderr) == (0, "")


@pytest.mark.parametrize("more", [0, 120])
def test_columns_may_be_called_as_the_classes_fields_are(
    packaged_folder: Path, request_of: RequestOf, tmp_path: Path, more: int
) -> None:
    odd = ["encoder", "levels", "numbers", "builder", "row", "own", "at", *["class", "String"]]
    names = [*ROW, "GLEASON", *odd, *(f"x{number}" for number in range(more))]
    kinds = dict.fromkeys(names, "number")
    kinds |= dict.fromkeys(["RACE", "DPROS", "DCAPS", *odd[::2]], "category")
    columns = [
        Column(name=name, type=ColumnType(kind=kind), nullable=True) for name, kind in kinds.items()
    ]
    examples = tmp_path / "examples.csv"
    examples.write_text(",".join(names) + "\n" + ",".join("1" for _ in names) + "\n")
    contract = InputContract(columns=tuple(columns), target="CAPSULE", classes=("0", "1"))
    request = request_of("gbm_binomial", contract=contract, examples=examples)
    build_project(request, tmp_path / "project")
    sources = (tmp_path / "project/src/main/java").rglob("Prostate*.java")
    command = [str(find_java().with_name("javac")), "-Xlint:all", "-Werror"]
    command += ["-d", str(tmp_path), "-cp", str(packaged_folder / f"{STEM}-all.jar")]
    ended = subprocess.run(
        [*command, *map(str, sources)], check=False, capture_output=True, text=True
    )
    assert (ended.returncode, ended.stderr) == (0, "")


def test_more_rows_than_memory_are_scored(packaged_folder: Path, tmp_path: Path) -> None:
    header, *rows = EXAMPLES.read_text().splitlines()
    times = 4000
    table = tmp_path / "rows.csv"
    table.write_text("\n".join([header, *(rows * times)]) + "\n")
    assert table.stat().st_size > 16 << 20
    jar = packaged_folder / f"{STEM}-all.jar"
    ended = run(find_java(), jar, "-Xmx16m", "score", str(table), str(tmp_path / "scored.csv"))
    assert (ended.returncode, ended.stderr) == (0, "")
    with (tmp_path / "scored.csv").open() as stream:
        assert sum(1 for _ in stream) == 1 + times * len(rows)


def test_the_schema_is_a_json_schema_that_takes_good_rows_and_refuses_bad_ones(
    packaged_folder: Path,
) -> None:
    schema = json.loads(ask_jar(packaged_folder / f"{STEM}-all.jar", "--inputs"))
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    with EXAMPLES.open(newline="") as stream:
        for row in csv.DictReader(stream):
            validator.validate(_as_json(row, schema["properties"]))
    assert [error.json_path for error in validator.iter_errors({**ROW, "AGE": "old"})] == ["$.AGE"]
    assert [error.json_path for error in validator.iter_errors({**ROW, "RACE": 1})] == ["$.RACE"]


def _as_json(row: Mapping[str, str], properties: Mapping[str, dict[str, object]]) -> object:
    def value(name: str, cell: str) -> object:
        if not cell:
            return None
        return cell if "string" in str(properties[name]["type"]) else float(cell)

    return {name: value(name, row[name]) for name in properties}


@contextmanager
def served(folder: Path) -> Generator[str]:
    """Serve by the `-serve` jar on a free port; the process must end well when it is asked to."""
    command = [str(find_java()), "-jar", str(folder / f"{STEM}-serve.jar"), "--port=0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        announced = re.search(r"serving on (\S+)", process.stderr.readline())
        assert announced
        try:
            yield f"http://{announced[1]}"
        finally:
            process.send_signal(signal.SIGTERM)
        assert process.stderr.read() == ""
        assert process.wait() == 128 + signal.SIGTERM


def call(url: str, body: object = None) -> str:
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(url, data=data)) as answer:
        return answer.read().decode()


def test_the_server_scores_and_prometheus_can_read_its_metrics(packaged_folder: Path) -> None:
    with served(packaged_folder) as url:
        one = json.loads(call(f"{url}/score", ROW))
        assert json.loads(call(f"{url}/score", [ROW, ROW])) == [one, one]
        with pytest.raises(urllib.error.HTTPError, match="400"):
            call(f"{url}/score", {"AGE": "old"})
        families = {
            family.name: {tuple(sample.labels.values()): sample.value for sample in family.samples}
            for family in text_string_to_metric_families(call(f"{url}/metrics"))
        }
    assert families["scoring_requests"] == {("200",): 2.0, ("400",): 1.0}
    assert families["scoring_rows"] == {(): 3.0}
    assert families["scoring_seconds"][("+Inf",)] == 3.0
    # This one; and perhaps the one before, answered but not yet ended.
    assert families["scoring_requests_in_flight"][()] >= 1
