"""The contract of every storage: a folder, and a bucket of a real S3 server."""

import time
from dataclasses import replace
from pathlib import Path

import pytest

from refit_assets.artefacts import ArtefactStore, Folder, Storage
from refit_assets.errors import DataError, Finding, RefitError, SetupError, WorkloadFailed
from refit_assets.exchange import Exchange, Scored, refusal_of
from refit_assets.storage_s3 import Bucket, open_bucket
from refit_assets_tests.fakes.s3_server import new_bucket


@pytest.fixture
def bucket(s3_address: str, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    return new_bucket(s3_address, monkeypatch)


@pytest.fixture(params=["folder", "bucket", "bucket at its root"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    if request.param == "folder":
        return Folder(root=tmp_path / "store")
    bucket: Bucket = request.getfixturevalue("bucket")
    bucket.write("other/a/b", b"a neighbour's")
    return replace(bucket, prefix="team/store/" if request.param == "bucket" else "")


def test_what_was_written_is_read(storage: Storage) -> None:
    assert storage.read("a/b") is None
    storage.write("a/b", b"1")
    storage.write("a/b", b"2")
    assert storage.read("a/b") == b"2"


def test_the_first_of_two_new_writes_wins(storage: Storage) -> None:
    assert storage.write_new("a/b", b"1")
    assert not storage.write_new("a/b", b"2")
    assert storage.read("a/b") == b"1"


def test_names_are_those_below_the_prefix_sorted(storage: Storage) -> None:
    for name in ("a/c", "a/b/d", "ab/c"):
        storage.write(name, b"")
    assert storage.names("a/") == ["a/b/d", "a/c"]
    assert storage.names("nothing/") == []


def test_a_listing_tells_size_and_time_of_what_lies_below_the_prefix(storage: Storage) -> None:
    before = time.time_ns()
    for name, content in {"a/c": b"12", "a/b/d": b"", "ab/c": b"1"}.items():
        storage.write(name, content)
    found = {one.name: one for one in storage.listed("a/")}
    assert {name: one.size for name, one in found.items()} == {"a/b/d": 0, "a/c": 2}
    for name, one in found.items():
        # S3 tells whole seconds.
        assert abs(one.modified - before) < 60 * 10**9
        assert storage.look_at(name) == one
    assert list(storage.listed("nothing/")) == []
    assert storage.look_at("a/nothing") is None


def test_another_content_is_seen_by_looking(storage: Storage) -> None:
    storage.write("a", b"1")
    before = storage.look_at("a")
    storage.write("a", b"2")
    assert storage.look_at("a") != before


def test_everything_is_listed_from_the_root(storage: Storage) -> None:
    storage.write("a/b", b"")
    storage.write("c", b"")
    assert {"a/b", "c"} <= {one.name for one in storage.listed("")}


def test_a_file_that_is_being_written_is_not_listed(tmp_path: Path) -> None:
    (tmp_path / ".new-123").touch()
    (tmp_path / "whole").touch()
    assert [one.name for one in Folder(root=tmp_path).listed("")] == ["whole"]


def test_more_objects_than_one_answer_of_the_server_holds_are_all_listed(bucket: Bucket) -> None:
    names = [f"a/{n:02}" for n in range(11)]
    for name in names:
        bucket.write(name, b"")
    # The server's pages hold a thousand; it gives smaller ones to whoever asks.
    asking = "before-parameter-build.s3.ListObjectsV2"
    bucket.client.meta.events.register(asking, lambda params, **_: params.update(MaxKeys=5))
    assert bucket.names("a/") == names


def test_files_go_up_and_down(storage: Storage, tmp_path: Path) -> None:
    (tmp_path / "up").write_bytes(b"jar")
    storage.upload(tmp_path / "up", "a/jar")
    storage.download("a/jar", tmp_path / "new" / "down")
    assert (tmp_path / "new" / "down").read_bytes() == b"jar"


def test_a_file_that_is_not_there_is_named(storage: Storage, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="a/jar"):
        storage.download("a/jar", tmp_path / "down")


def test_a_bucket_forgets_what_lies_below_a_prefix_and_nothing_else(bucket: Bucket) -> None:
    for name in ("a/b", "a/c", "ab/c"):
        bucket.write(name, b"")
    bucket.delete("a/")
    assert bucket.names("") == ["ab/c"]


def test_an_address_that_is_none_is_refused() -> None:
    with pytest.raises(SetupError, match="expected s3://bucket/prefix"):
        open_bucket("/tmp/here")


def test_a_programs_error_arrives_as_it_was_raised(tmp_path: Path) -> None:
    exchange = Exchange(store=ArtefactStore(storage=Folder(root=tmp_path)), workload="w")
    finding = Finding(where="a.csv", expected="int", found="'x'", row=3)
    exchange.refuse(DataError("bad", [finding]))
    with pytest.raises(DataError, match="row 3") as caught:
        exchange.answered(Scored)
    assert caught.value.findings == (finding,)


@pytest.mark.parametrize(
    "error", [SetupError("x"), WorkloadFailed("x", transient=True), WorkloadFailed("x")]
)
def test_an_error_stays_transient_or_not(error: RefitError) -> None:
    built = refusal_of(error).build()
    assert (type(built), built.transient) == (type(error), error.transient)


def test_an_answer_is_read_back_and_no_answer_is_none(tmp_path: Path) -> None:
    exchange = Exchange(store=ArtefactStore(storage=Folder(root=tmp_path)), workload="w")
    assert exchange.answered(Scored) is None
    exchange.answer(Scored(predictions="p.csv"))
    assert exchange.answered(Scored) == Scored(predictions="p.csv")
