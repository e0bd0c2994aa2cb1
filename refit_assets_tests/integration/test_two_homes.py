"""The same refit in two folders, by the real Spark, H2O and Maven: the same bytes in the end.

Its settings are searched for the refit before it, which only one of the folders has made.
"""

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
        "search_every": 2,
    },
    compute={"embedded": {"h2o": {"memory_mib": 1024}, "spark": {"driver_memory_mib": 1024}}},
)
BEFORE, REFIT = "2013-01-08", "2013-01-09"


def refit(home: Path, *keys: str) -> Summary:
    """Do the whole main job in a home of its own, landing to release; the last summary."""
    deployment = Deployment(home=home)
    deployment.prepare()
    shutil.copytree(LANDING, deployment.landing.root, dirs_exist_ok=True)
    summary = None
    for key in keys:
        due = find_due(SPEC, deployment.store, deployment.landing, key)
        summary = run_main_job(SPEC, deployment, due)
    assert summary is not None
    return summary


def in_a_process_of_its_own(home: Path, *keys: str) -> Summary:
    """As `make refit` does it; the job ends its Spark, which the other tests still need."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(refit, home, *keys).result()


def files_of(home: Path, pattern: str) -> dict[str, bytes]:
    found = {path.relative_to(home).as_posix(): path for path in home.glob(pattern)}
    assert found, f"{pattern} finds nothing in {home}"
    return {name: path.read_bytes() for name, path in found.items() if path.is_file()}


def test_the_same_refit_in_two_folders_gives_the_same_mojo_and_jar(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", "")  # the job sets its own
    here, there = tmp_path / "here", tmp_path / "some" / "where" / "else"
    one = in_a_process_of_its_own(here, BEFORE, REFIT)
    other = in_a_process_of_its_own(there, REFIT)
    assert one.digests == other.digests
    assert one.digests.keys() == {"training_set", "mojo", "jar"}
    assert one.version == other.version
    candidate = f"artefacts/models/late/refits/{REFIT}/candidate/model.zip"
    for pattern in (candidate, "**/*20130109*.jar", "**/*20130109*.pom"):
        assert files_of(here, pattern) == files_of(there, pattern), pattern
