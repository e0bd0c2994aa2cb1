"""Commits: a neighbour's, and a server's hiccup, are looked past; a real failure is not."""

from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from pyiceberg.exceptions import CommitFailedException

from refit_assets.errors import DataError
from refit_assets.features.table import FeatureTable

HICCUP = OSError("AWS Error UNKNOWN (HTTP status 400) during CompleteMultipartUpload")


@dataclass(frozen=True, kw_only=True)
class Troubled(FeatureTable):
    """A table whose commits fail in turn, each as it is told, and then succeed."""

    failures: list[Exception]
    asked: list[str] = field(default_factory=list)
    looks: list[str] = field(default_factory=list)

    def load(self) -> Any:  # noqa: ANN401 - a table of pyiceberg's, as far as a tag needs it
        self.looks.append(self.name)
        return self

    def manage_snapshots(self) -> "Troubled":
        return self

    def create_tag(self, snapshot_id: int, name: str, *, max_ref_age_ms: int | None) -> "Troubled":
        del snapshot_id, max_ref_age_ms
        self.asked.append(name)
        return self

    def commit(self) -> None:
        if self.failures:
            raise self.failures.pop(0)

    @property
    def metadata_location(self) -> str:
        return "s3://bucket/metadata.json"


def troubled(*failures: Exception) -> Troubled:
    return Troubled(catalogue_uri="", warehouse_uri="", model="churn", failures=[*failures])


@pytest.mark.parametrize(
    "failures", [[], [HICCUP, HICCUP], [CommitFailedException("theirs")] * 5 + [HICCUP]]
)
def test_a_tag_is_set_however_often_others_were_quicker(failures: list[Exception]) -> None:
    table = troubled(*failures)
    assert table.tag("refit", 7) == "s3://bucket/metadata.json"
    assert len(table.asked) == len(failures) + 1


@pytest.mark.parametrize("failures", [[], [CommitFailedException("theirs"), HICCUP]])
def test_a_table_that_was_loaded_is_loaded_anew_only_after_a_commit_that_failed(
    failures: list[Exception],
) -> None:
    table = troubled(*failures)
    loaded: Any = replace(table, looks=[])
    assert table.tag("refit", 7, loaded=loaded) == "s3://bucket/metadata.json"
    assert len(table.looks) == len(failures)


def test_a_store_that_never_takes_it_is_told_as_it_said() -> None:
    with pytest.raises(OSError, match="CompleteMultipartUpload"):
        troubled(*[HICCUP] * 3).tag("refit", 7)


def test_a_table_that_others_write_to_all_the_time_is_told() -> None:
    with pytest.raises(DataError, match="no commit in 20 attempts"):
        troubled(*[CommitFailedException("theirs")] * 20).tag("refit", 7)
