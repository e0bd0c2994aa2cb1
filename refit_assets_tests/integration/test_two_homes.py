"""The same refit in two folders, by the real Spark, H2O and Maven: the same bytes in the end."""

import shutil
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from refit_assets.assets.main_job import run_main_job
from refit_assets.release.due import find_due
from refit_assets.release.summary import Summary
from refit_assets.resources.deployment import Deployment
from refit_assets_tests.features.conftest import LANDING, build_spec

pytestmark = [
    pytest.mark.spark,
    pytest.mark.h2o,
    pytest.mark.maven,
    # py4j and h2o leave sockets and logs to the garbage collector.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]
SPEC = build_spec(
    refit={"cadence": "daily", "train": 5, "holdout": 2},
    trials={
        "search": [
            {"algorithm": "gbm", "parameters": {"ntrees": 5, "min_rows": 2}},
            {"algorithm": "glm"},
        ],
        "choose_by": "auc",
        "validation": 2,
    },
    compute={"embedded": {"h2o": {"memory_mib": 1024}, "spark": {"driver_memory_mib": 1024}}},
)


def refit(home: Path) -> Summary:
    """Do the whole main job in a home of its own: landing to release."""
    deployment = Deployment(home=home)
    deployment.prepare()
    shutil.copytree(LANDING, deployment.landing.root, dirs_exist_ok=True)
    due = find_due(SPEC, deployment.store, deployment.landing, None)
    summary = run_main_job(SPEC, deployment, due)
    assert summary is not None
    return summary


def in_a_process_of_its_own(home: Path) -> Summary:
    """As `make refit` does it; the job ends its Spark, which the other tests still need."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(refit, home).result()


def files_of(home: Path, pattern: str) -> dict[str, bytes]:
    found = {path.relative_to(home).as_posix(): path for path in home.glob(pattern)}
    assert found, f"{pattern} finds nothing in {home}"
    return {name: path.read_bytes() for name, path in found.items() if path.is_file()}


def test_the_same_refit_in_two_folders_gives_the_same_mojo_and_jar(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", "")  # the job sets its own
    here, there = tmp_path / "here", tmp_path / "some" / "where" / "else"
    one, other = in_a_process_of_its_own(here), in_a_process_of_its_own(there)
    assert one.digests == other.digests
    assert one.digests.keys() == {"training_set", "mojo", "jar"}
    assert one.version == other.version
    for pattern in ("artefacts/models/late/refits/*/candidate/model.zip", "**/*.jar", "**/*.pom"):
        assert files_of(here, pattern) == files_of(there, pattern), pattern
