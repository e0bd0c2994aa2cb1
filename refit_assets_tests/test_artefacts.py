"""Files of a folder: whole or not there, one winner of a race; records as JSON."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from refit_assets.artefacts import (
    ArtefactStore,
    Folder,
    day_name,
    jar_name,
    record_from_json,
    record_to_json,
    trial_name,
)
from refit_assets.errors import DataError


@dataclass(frozen=True, kw_only=True)
class Part:
    share: float
    label: str | None = None


@dataclass(frozen=True, kw_only=True)
class Whole:
    day: date
    rows: int
    parts: tuple[Part, ...] = ()


WHOLE = Whole(day=date(2013, 1, 2), rows=3, parts=(Part(share=0.1), Part(share=1.0, label="é")))


@pytest.fixture(params=[True, False], ids=["durable", "quick"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Folder:
    return Folder(root=tmp_path / "store", durable=request.param)


def test_what_was_written_is_read_and_replaced_whole(folder: Folder) -> None:
    assert folder.read("a/b.json") is None
    folder.write("a/b.json", b"a long first content")
    folder.write("a/b.json", b"second")
    assert folder.read("a/b.json") == b"second"
    assert [path.name for path in folder.root.rglob("*")] == ["a", "b.json"]


def test_a_reader_never_meets_half_a_write(folder: Folder) -> None:
    contents = {letter * 200_000 for letter in (b"a", b"b")}
    folder.write("name", b"a" * 200_000)
    done = threading.Event()

    def read_on() -> set[bytes | None]:
        seen = {folder.read("name")}
        while not done.is_set():
            seen.add(folder.read("name"))
        return seen

    with ThreadPoolExecutor() as pool:
        reading = pool.submit(read_on)
        for _ in range(20):
            for content in contents:
                folder.write("name", content)
        done.set()
        assert reading.result() <= contents


def test_one_of_many_writers_of_a_new_name_wins(folder: Folder) -> None:
    start = threading.Barrier(8)

    def write(number: int) -> bool:
        start.wait()
        return folder.write_new("releases/1.json", str(number).encode())

    with ThreadPoolExecutor(8) as pool:
        won = [*pool.map(write, range(8))]
    assert won.count(True) == 1
    assert folder.read("releases/1.json") == str(won.index(True)).encode()
    assert [path.name for path in folder.path("releases").iterdir()] == ["1.json"]


def test_a_name_that_is_taken_keeps_its_content(folder: Folder) -> None:
    folder.write("name", b"first")
    assert not folder.write_new("name", b"second")
    assert folder.read("name") == b"first"


def test_names_are_sorted_and_leave_out_what_is_still_being_written(folder: Folder) -> None:
    for name in ("m/b.json", "m/a/z.json", "m/a.json", "other/c.json"):
        folder.write(name, b"")
    folder.path("m/.new-abc").write_bytes(b"half")
    assert folder.names("m/") == ["m/a.json", "m/a/z.json", "m/b.json"]
    assert folder.names("nothing/") == []


def test_files_go_up_and_come_down(folder: Folder, tmp_path: Path) -> None:
    local, back = tmp_path / "local", tmp_path / "x" / "back"
    local.write_bytes(b"jar")
    folder.upload(local, "jars/1.jar")
    folder.download("jars/1.jar", back)
    assert back.read_bytes() == b"jar"
    assert folder.names("jars/") == ["jars/1.jar"]
    with pytest.raises(FileNotFoundError, match=r"jars/2\.jar"):
        folder.download("jars/2.jar", back)


def test_the_address_of_a_folder_is_a_file_address(tmp_path: Path) -> None:
    assert Folder(root=tmp_path / "a b").uri == f"{tmp_path.as_uri()}/a%20b"


def test_a_record_is_read_as_it_was_written(folder: Folder) -> None:
    store = ArtefactStore(storage=folder)
    store.write_record("whole.json", WHOLE)
    assert store.read_record(Whole, "whole.json") == WHOLE
    assert store.read_record(Whole, "none.json") is None


def test_equal_records_have_equal_bytes_in_the_order_of_their_fields() -> None:
    content = record_to_json(WHOLE)
    assert content == record_to_json(record_from_json(Whole, content, "whole.json"))
    assert content.startswith(b'{\n  "day": "2013-01-02",\n  "rows": 3,\n  "parts": [\n')
    assert content.endswith(b"}\n")


def test_a_new_record_does_not_replace_another(folder: Folder) -> None:
    store = ArtefactStore(storage=folder)
    assert store.write_new_record("part.json", Part(share=0.5))
    assert not store.write_new_record("part.json", Part(share=0.7))
    assert store.need_record(Part, "part.json", made_by="m/part") == Part(share=0.5)


def test_a_record_that_must_be_there_names_the_asset_that_makes_it(folder: Folder) -> None:
    store = ArtefactStore(storage=folder)
    with pytest.raises(DataError, match=r"store/part\.json is not there: materialise m/part first"):
        store.need_record(Part, "part.json", made_by="m/part")


@pytest.mark.parametrize(
    ("content", "field"),
    [
        (b'{"day": "2013-01-02", "rows": "many"}', "rows"),
        (b'{"day": "2013-01-02"}', "rows"),
        (b'{"day": "2013-01-02", "rows": 1, "parts": [{"share": "x"}]}', r"parts\.0\.share"),
        (b"{", "Invalid JSON"),
    ],
)
def test_a_broken_record_names_its_file_and_field(content: bytes, field: str) -> None:
    with pytest.raises(DataError, match=rf"(?s)days/1\.json is no Whole.*{field}"):
        record_from_json(Whole, content, "days/1.json")


def test_every_file_has_a_place_of_its_own() -> None:
    refit = ArtefactStore(storage=Folder(root=Path())).refit("late", "2013-02-04")
    assert refit.name("verdict.json") == "models/late/refits/2013-02-04/verdict.json"
    assert day_name("late", "2013-01-02") == "models/late/days/2013-01-02.json"
    assert trial_name("late", "gbm-1", "trial.json") == "models/late/trials/gbm-1/trial.json"
    assert jar_name("late", "1.0.0", "late.jar") == "models/late/jars/1.0.0/late.jar"
