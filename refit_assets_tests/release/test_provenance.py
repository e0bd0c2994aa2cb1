"""The story of a jar, gathered from records and read back."""

import json
import subprocess
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from refit_assets.errors import DataError
from refit_assets.features.training_set import DayPin, TrainingSet
from refit_assets.features.window import RefitWindow
from refit_assets.release.provenance import (
    Component,
    Provenance,
    build_provenance,
    digest_spec,
    provenance_name,
    read_bill_of_materials,
    read_git_commit,
    read_provenance,
    read_versions_installed,
    write_provenance,
)
from refit_assets.spec import ModelSpec

MONDAY = date(2013, 6, 3)
COORDINATES = "com.example.models:flight-delay:1.0.20130603"
SPEC = ModelSpec.model_validate(
    {
        "name": "flight_delay",
        "start": date(2013, 1, 1),
        "sources": {"flights": {"path": "flights/{day}.csv", "columns": {"id": "bigint"}}},
        "features": {
            "key": "id",
            "knowledge_time": "known_at",
            "columns": {"hour": "int", "carrier": "category"},
        },
        "target": {"column": "late", "positive": "late", "negative": "on_time"},
        "refit": {"train": 2, "holdout": 1},
        "trials": {"search": [{"algorithm": "gbm"}], "choose_by": "auc", "validation": 1},
        "jar": {"group": "com.example.models"},
    }
)
BILL: dict[str, Any] = {
    "bomFormat": "CycloneDX",
    "specVersion": "1.6",
    "components": [
        {"purl": "pkg:maven/b/b@2", "licenses": [{"expression": "MIT OR Apache-2.0"}]},
        {
            "purl": "pkg:maven/a/a@1",
            "licenses": [{"license": {"id": "Apache-2.0"}}, {"license": {"name": "Own"}}],
        },
        {"purl": "pkg:maven/c/c@3"},
    ],
}


def pinned() -> TrainingSet:
    days = [
        DayPin(
            day=MONDAY - timedelta(days=n),
            part="holdout" if n == 1 else "train",
            digest=f"digest-{n}",
            rows=100 + n,
            labelled_rows=90,
            files=(f"s3://lake/{n}b.parquet", f"s3://lake/{n}a.parquet"),
        )
        for n in (2, 1)
    ]
    window = RefitWindow(
        as_of=MONDAY,
        train_start=MONDAY - timedelta(days=2),
        validation_start=None,
        holdout_start=MONDAY - timedelta(days=1),
        end=MONDAY,
    )
    return TrainingSet(
        model="flight_delay",
        refit="2013-06-03",
        as_of=MONDAY,
        window=window,
        snapshot_id=42,
        metadata_location="s3://lake/metadata/00001.json",
        tag="refit-2013-06-03",
        contract_digest="c",
        days=tuple(days),
        missing_days=(),
        digest="set-digest",
    )


def story(tmp_path: Path, training_set: TrainingSet | None = None) -> Provenance:
    sbom = tmp_path / "sbom.json"
    sbom.write_text(json.dumps(BILL))
    return build_provenance(
        SPEC,
        training_set or pinned(),
        coordinates=COORDINATES,
        files={"flight-delay-1.0.20130603.jar": "ab", "flight-delay-1.0.20130603-all.jar": "cd"},
        mojo_sha256="mojo",
        versions={"h2o": "3.46.0.11"},
        git_commit="4f3a",
        bill_of_materials=read_bill_of_materials(sbom),
    )


def test_the_story_names_data_code_and_libraries(tmp_path: Path) -> None:
    told = story(tmp_path)
    assert (told.training_set_digest, told.snapshot_id, told.tag) == (
        "set-digest",
        42,
        "refit-2013-06-03",
    )
    assert [(day.part, day.digest, day.rows) for day in told.days] == [
        ("train", "digest-2", 102),
        ("holdout", "digest-1", 101),
    ]
    assert told.data_files == tuple(f"s3://lake/{n}.parquet" for n in ("1a", "1b", "2a", "2b"))
    assert told.contract.names == ("hour", "carrier")
    assert told.spec_sha256 == digest_spec(SPEC)


def test_the_story_names_what_the_settings_were_searched_on(tmp_path: Path) -> None:
    earlier = replace(pinned(), refit="2013-05-27", digest="earlier", days=pinned().days[:1])
    told = story(tmp_path, replace(pinned(), search=earlier)).search
    assert told is not None
    assert (told.refit, told.training_set_digest) == ("2013-05-27", "earlier")
    assert [one.digest for one in told.days] == ["digest-2"]
    assert told.data_files == ("s3://lake/2a.parquet", "s3://lake/2b.parquet")
    assert story(tmp_path).search is None


def test_the_story_reads_back_as_it_was_written(tmp_path: Path) -> None:
    path = write_provenance(tmp_path, story(tmp_path))
    assert path.name == "flight-delay-1.0.20130603-provenance.json"
    assert path.name == provenance_name(COORDINATES)
    assert read_provenance(path) == story(tmp_path)


def test_the_same_refit_tells_the_same_story_byte_for_byte(tmp_path: Path) -> None:
    first = write_provenance(tmp_path, story(tmp_path)).read_bytes()
    assert write_provenance(tmp_path, story(tmp_path)).read_bytes() == first


def test_another_default_of_the_spec_is_another_digest() -> None:
    other = SPEC.model_copy(update={"description": "told"})
    assert digest_spec(other) != digest_spec(SPEC)


def test_the_bill_of_materials_is_summarised_by_library(tmp_path: Path) -> None:
    bill = story(tmp_path).bill_of_materials
    assert bill is not None
    assert bill.format == "CycloneDX 1.6"
    assert bill.components == (
        Component(purl="pkg:maven/a/a@1", licences=("Apache-2.0", "Own")),
        Component(purl="pkg:maven/b/b@2", licences=("MIT OR Apache-2.0",)),
        Component(purl="pkg:maven/c/c@3", licences=()),
    )


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"components": [{}]}'])
def test_what_is_no_bill_of_materials_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "sbom.json"
    path.write_text(text)
    with pytest.raises(DataError, match=r"sbom\.json is no CycloneDX bill of materials"):
        read_bill_of_materials(path)


def test_libraries_that_are_not_installed_are_left_out() -> None:
    found = read_versions_installed(("pyarrow", "no-such-library"))
    assert sorted(found) == ["pyarrow", "python"]


def git(folder: Path, *arguments: str) -> str:
    options = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
    command = ["git", "-C", str(folder), *options, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def test_the_commit_is_told_and_whether_something_was_changed(tmp_path: Path) -> None:
    git(tmp_path, "init")
    assert read_git_commit(tmp_path) is None
    file = tmp_path / "features.py"
    file.write_text("one")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-m", "one")
    commit = git(tmp_path, "rev-parse", "HEAD")
    assert read_git_commit(tmp_path) == commit
    file.write_text("two")
    assert read_git_commit(tmp_path) == f"{commit}-dirty"


def test_outside_a_repository_there_is_no_commit(tmp_path: Path) -> None:
    assert read_git_commit(tmp_path / "nowhere") is None
