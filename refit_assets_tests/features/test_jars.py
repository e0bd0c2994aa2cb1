"""Spark's jars: fetched once, whole or not at all."""

from pathlib import Path

import pytest

from refit_assets.errors import WorkloadFailed
from refit_assets.features.jars import POM, find_jars


def copy_two(project: Path, goal: str) -> None:
    """Do what Maven's plugin does."""
    assert goal == "dependency:copy-dependencies"
    assert (project / "pom.xml").read_bytes() == POM.read_bytes()
    folder = project / "target" / "dependency"
    folder.mkdir(parents=True)
    for name in ("spark.jar", "iceberg.jar"):
        (folder / name).touch()


def refuse(project: Path, goal: str) -> None:
    message = f"{goal} failed in {project}"
    raise WorkloadFailed(message)


def test_jars_are_fetched_once_and_then_found_without_maven(tmp_path: Path) -> None:
    fetched = find_jars(tmp_path, copy_two)
    assert [path.name for path in fetched] == ["iceberg.jar", "spark.jar"]
    assert find_jars(tmp_path, refuse) == fetched


def test_a_fetch_that_failed_leaves_nothing_that_passes_for_jars(tmp_path: Path) -> None:
    with pytest.raises(WorkloadFailed):
        find_jars(tmp_path, refuse)
    assert list(tmp_path.iterdir()) == []
    assert len(find_jars(tmp_path, copy_two)) == 2


def test_two_who_fetch_at_once_end_with_the_same_jars(tmp_path: Path) -> None:
    def overtaken(project: Path, goal: str) -> None:
        find_jars(tmp_path, copy_two)
        copy_two(project, goal)

    assert find_jars(tmp_path, overtaken) == find_jars(tmp_path, refuse)
