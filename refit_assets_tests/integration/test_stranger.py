"""`refit package` alone, for MOJOs that somebody else trained on H2O's prostate data.

The examples are written by the lines that docs/how-to shows; nothing of ours trains or exports.
"""
# ruff: noqa: ANN401 - h2o has no types

import json
import shutil
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from refit_assets.cli import refit
from refit_assets.packaging.score import ask_jar
from refit_assets_tests.packaging.matrix import running_h2o

pytestmark = [
    pytest.mark.h2o,
    pytest.mark.maven,
    # h2o's own launcher leaves the log files of its JVM open.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]

INPUTS = ["AGE", "RACE", "PSA", "VOL"]


@pytest.fixture(scope="module")
def h2o(tmp_path_factory: pytest.TempPathFactory) -> Generator[Any]:
    with running_h2o(tmp_path_factory.mktemp("h2o")) as running:
        yield running


@pytest.fixture(scope="module")
def prostate(h2o: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    # H2O reads nothing below a hidden folder, such as .venv.
    there = Path(h2o.__file__).parent / "h2o_data" / "prostate.csv"
    frame = h2o.import_file(str(shutil.copy(there, tmp_path_factory.mktemp("data"))))
    for name in ("CAPSULE", "RACE", "DPROS"):
        frame[name] = frame[name].asfactor()
    return frame


@dataclass(frozen=True, kw_only=True)
class Stranger:
    """What somebody has who trained a model: its MOJO, and examples with its predictions."""

    folder: Path

    def package(self, examples: str, *options: str) -> str:
        """Run the command as it stands in the guide, and return what it printed."""
        words = [
            "--mojo",
            str(self.folder / "model.zip"),
            "--examples",
            str(self.folder / examples),
        ]
        words += ["--coordinates", "com.stranger:prostate:1.0.0", "--out", str(self.folder / "out")]
        ended = CliRunner().invoke(refit, ["package", *words, *options])
        assert ended.exit_code == 0, ended.output
        return ended.output

    @property
    def jar(self) -> Path:
        return self.folder / "out" / "prostate-1.0.0-all.jar"


def trained(h2o: Any, frame: Any, estimator: Any, target: str, folder: Path) -> Stranger:
    estimator.train(x=INPUTS, y=target, training_frame=frame)
    estimator.download_mojo(str(folder / "model.zip"))
    scored = frame.cbind(estimator.predict(frame))
    classes = frame[target].levels()[0] if frame[target].isfactor()[0] else []
    scored.names = [*frame.names, "predict", *(f"p:{label}" for label in classes)]
    h2o.download_csv(scored, str(folder / "examples.csv"))
    h2o.download_csv(frame, str(folder / "inputs.csv"))
    return Stranger(folder=folder)


def test_two_classes_with_the_clusters_predictions_are_proven_and_without_are_not(
    h2o: Any, prostate: Any, tmp_path: Path
) -> None:
    gbm = h2o.estimators.H2OGradientBoostingEstimator(ntrees=20, seed=1)
    stranger = trained(h2o, prostate, gbm, "CAPSULE", tmp_path)
    assert "parity: NOT PROVEN, the examples have no predictions" in stranger.package("inputs.csv")
    assert ask_jar(stranger.jar, "--self-test").startswith("parity not proven")
    assert "parity: 380 rows equal to the cluster's" in stranger.package("examples.csv")
    assert ask_jar(stranger.jar, "--self-test").startswith("380 golden rows equal")
    made = sorted(path.name for path in (tmp_path / "out").iterdir() if path.suffix != ".jar")
    assert made == ["parity.json", "project", "prostate-1.0.0-cyclonedx.json", "prostate-1.0.0.pom"]


@pytest.mark.parametrize(
    ("algorithm", "target"),
    [("RandomForest", "DPROS"), ("GeneralizedLinear", "GLEASON")],
    ids=["multinomial", "regression"],
)
def test_many_classes_and_numbers_are_proven_too(
    h2o: Any, prostate: Any, tmp_path: Path, algorithm: str, target: str
) -> None:
    estimator = getattr(h2o.estimators, f"H2O{algorithm}Estimator")(seed=1)
    stranger = trained(h2o, prostate, estimator, target, tmp_path)
    told = json.loads(stranger.package("examples.csv", "--json"))
    assert told["parity"]["proven"]
    assert (told["parity"]["golden_rows"], told["parity"]["differing"]) == (380, 0)
