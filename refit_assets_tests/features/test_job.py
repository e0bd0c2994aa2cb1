"""The features program with real Spark and Iceberg: what is written, and what never is."""

import os
import signal
import subprocess
import sys
import threading
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pytest

from refit_assets.errors import DataError, SpecError
from refit_assets.features.conform import table_types
from refit_assets.features.job import compute_features, find_features, inspect_request
from refit_assets.features.table import DayRecord, spark_catalogue
from refit_assets.features.training_set import due_days, pin_training_set, read_days
from refit_assets.features.window import days_between
from refit_assets_tests.features.conftest import COLUMNS, Home, build_spec, day

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

# py4j leaves its sockets to the garbage collector, which `lake` calls while this still holds.
pytestmark = [pytest.mark.spark, pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")]
ALL = days_between(day(1), day(9))


def digests(days: tuple[DayRecord, ...]) -> dict[date, str]:
    return {record.day: record.digest for record in days}


def rows_of(record: DayRecord) -> int:
    return sum(pq.read_metadata(uri.removeprefix("file://")).num_rows for uri in record.files)


def answering(monkeypatch: pytest.MonkeyPatch, *edits: str) -> None:
    """Let features.py answer other values: Spark SQL over its own columns."""
    # Here: where no Spark starts, it is collected without importing pyspark.
    from refit_assets_tests.features import model

    real = model.features

    def features(landed: Any) -> "DataFrame":  # noqa: ANN401
        answered = real(landed)
        edited = {edit.rsplit(" as ", 1)[1]: edit for edit in edits}
        return answered.selectExpr(*(edited.get(name, name) for name in answered.columns))

    monkeypatch.setattr(model, "features", features)


def test_one_run_writes_all_days_and_any_range_gives_the_same_digests(lake: Home) -> None:
    whole = lake.compute(1, 8)
    assert [record.day for record in whole.days] == list(ALL)
    assert sum(record.rows for record in whole.days) == 189
    assert all(rows_of(record) == record.rows for record in whole.days)
    assert 0 < whole.days[0].labelled_rows < whole.days[0].rows
    again = (*lake.compute(4, 4).days, *lake.compute(5, 7).days)
    expected = digests(whole.days)
    assert all(expected[record.day] == record.digest for record in again)
    assert len({record.digest for record in whole.days}) == len(ALL)
    assert whole.lineage["coldest"] == (("weather", "temp"),)
    assert whole.lineage["late_share"] == (("flights", "arr_delay"),)
    assert whole.lineage["day"] == ()
    assert whole.lineage.keys() == table_types(build_spec()).keys()


def test_another_partitioning_gives_the_same_digests(lake: Home) -> None:
    first = digests(lake.compute(1, 8).days)
    assert lake.spark is not None
    other = lake.spark.newSession()
    for key, value in {
        "spark.sql.shuffle.partitions": "13",
        "spark.sql.files.maxPartitionBytes": "2000",
        "spark.sql.adaptive.enabled": "false",
        "spark.sql.autoBroadcastJoinThreshold": "-1",
    }.items():
        other.conf.set(key, value)
    second = compute_features(_Settings(other), lake.request(day(1), day(8)), lambda _: None)  # pyright: ignore[reportArgumentType]
    assert digests(second.days) == first


class _Settings:
    """A session whose new sessions keep its settings, as a cluster's own defaults would."""

    def __init__(self, session: Any) -> None:  # noqa: ANN401
        self._session = session

    def newSession(self) -> Any:  # noqa: ANN401, N802
        return self._session


def test_only_the_asked_days_are_replaced(lake: Home) -> None:
    before = {record.day: record.files for record in lake.compute(1, 8).days}
    result = lake.compute(4, 5)
    after = lake.table().files(day(1), day(8), result.snapshot_id)
    assert [d for d in ALL if before[d] != after[d]] == [day(4), day(5)]
    assert {record.day: record.files for record in result.days} == {
        day(4): after[day(4)],
        day(5): after[day(5)],
    }


def test_a_day_that_became_empty_is_empty(lake: Home) -> None:
    lake.compute(3, 5)
    path = lake.path("flights", 4)
    path.write_text(path.read_text().splitlines(keepends=True)[0])
    result = lake.compute(4, 4)
    assert (result.days[0].rows, result.days[0].files) == (0, ())
    left = lake.table().files(day(1), day(8), result.snapshot_id)
    assert sorted(left) == [day(3), day(5)]
    assert lake.compute(3, 5).days[1].digest == result.days[0].digest


def test_a_changed_day_makes_the_days_that_look_back_to_it_due(lake: Home) -> None:
    before = digests(lake.compute(1, 8).days)
    lake.edit("flights", 3, 2, ",B6,", ",AA,")
    spec = build_spec()
    listed = lake.request(day(1), day(8))
    landing = inspect_request(listed)
    due = due_days(lake.store, spec, {d: landing.inputs(d) for d in ALL})
    assert due == (day(3), day(4), day(5))
    after = digests(lake.compute(1, 8).days)
    changed = {d for d in ALL if before[d] != after[d]}
    assert day(3) in changed
    assert changed <= set(due)
    assert len(changed) > 1


def test_the_landing_is_refused_before_spark_is_asked_for(home: Home) -> None:
    home.edit("flights", 3, 5, "2013,1", "2013,x")

    def never() -> Any:  # noqa: ANN401
        pytest.fail("Spark was started")

    with pytest.raises(DataError, match="row 5, column month"):
        compute_features(never, home.request(day(3), day(3)), lambda _: None)


BAD_ANSWERS: list[tuple[str, str, str]] = [
    ("if(flight_key % 5 = 0, null, carrier) as carrier", "carrier", "a value"),
    ("if(flight_key % 5 = 0, 'ZZ', carrier) as carrier", "carrier", "one of AA, B6, UA"),
    ("if(flight_key % 5 = 0, 0, distance) as distance", "distance", "at least 1"),
    ("distance + 3000000000 as distance", "distance", "int, exactly"),
    ("cast(coldest as double) + 0.001D as coldest", "coldest", "decimal(6,2), exactly"),
    ("cast(coldest as decimal(9,2)) + 10000 as coldest", "coldest", "decimal(6,2), exactly"),
    ("cast(1.5 as decimal(5,4)) as late_share", "late_share", "at most 1"),
    ("cast(distance as string) as distance", "distance", "int"),
    ("'perhaps' as arrival", "arrival", "'late', 'on_time' or null"),
    ("cast(null as bigint) as flight_key", "flight_key", "a value"),
    ("flight_key * 100 as flight_key", "flight_key", "a key within ±2^53"),
    ("1L as flight_key", "flight_key", "one row a key"),
    ("cast(null as timestamp) as knowledge_time", "knowledge_time", "a value"),
    ("cast(null as date) as day", "day", "a value"),
    ("date_add(day, 30) as day", "day", "a day from 2013-01-01 to 2013-01-04"),
]


@pytest.mark.parametrize(("edit", "column", "expected"), BAD_ANSWERS)
def test_features_that_break_the_contract_replace_nothing(
    lake: Home, monkeypatch: pytest.MonkeyPatch, edit: str, column: str, expected: str
) -> None:
    answering(monkeypatch, edit)
    with pytest.raises(DataError, match="Nothing was replaced") as caught:
        lake.compute(3, 4)
    assert 0 < len(caught.value.findings) <= 20
    assert {(f.column, f.expected) for f in caught.value.findings} == {(column, expected)}
    assert not (lake.root / "catalogue.db").exists()


def test_a_level_may_be_stored_as_missing(lake: Home) -> None:
    carrier = {
        "type": "category",
        "nullable": True,
        "levels": ["AA", "UA"],
        "unknown_level": "missing",
    }
    (record,) = lake.compute(4, 4, build_spec({**COLUMNS, "carrier": carrier})).days
    stored = pq.read_table(record.files[0].removeprefix("file://"))["carrier"].to_pylist()
    assert set(stored) == {"AA", "UA", None}


def test_levels_and_bounds_stand_for_themselves(
    lake: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    odd = "O'Hare\\n"
    least = {"type": "decimal(6,5)", "minimum": 1e-05}
    carrier = {"type": "category", "levels": ["B6", "UA", odd]}
    spec = build_spec({**COLUMNS, "carrier": carrier, "late_share": least})
    named = r"if(carrier = 'AA', 'O\'Hare\\n', carrier) as carrier"
    answering(monkeypatch, named, "0.00001 as late_share")
    (record,) = lake.compute(4, 4, spec).days
    stored = pq.read_table(record.files[0].removeprefix("file://"))["carrier"].to_pylist()
    assert set(stored) == {"B6", "UA", odd}
    monkeypatch.undo()
    answering(monkeypatch, named, "0.0 as late_share")
    with pytest.raises(DataError, match="column late_share: expected at least 1e-05"):
        lake.compute(4, 4, spec)


def test_a_missing_column_and_a_missing_module_are_named(lake: Home) -> None:
    with pytest.raises(DataError, match="column altitude: expected int, found no such column"):
        lake.compute(4, 4, build_spec({**COLUMNS, "altitude": "int"}))
    features = {**build_spec().features.model_dump(), "module": "refit_assets_tests.nowhere"}
    with pytest.raises(SpecError, match=r"no module refit_assets_tests\.nowhere"):
        find_features(build_spec(features=features))


def test_an_error_within_features_py_replaces_nothing(
    lake: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    answering(monkeypatch, "cast(carrier as int) as distance")
    with pytest.raises(DataError, match=r"features of late cannot be computed: .*CAST_INVALID"):
        lake.compute(4, 4)


def test_a_new_column_of_the_contract_is_added_and_makes_days_due(lake: Home) -> None:
    fewer = {name: column for name, column in COLUMNS.items() if name != "coldest"}
    old = lake.compute(1, 8, build_spec(fewer))
    new = lake.compute(4, 4)
    assert new.days[0].contract_digest != old.days[0].contract_digest
    landing = inspect_request(lake.request(day(1), day(8)))
    due = due_days(lake.store, build_spec(), {d: landing.inputs(d) for d in ALL})
    assert due == tuple(d for d in ALL if d != day(4))
    back = lake.compute(4, 4, build_spec(fewer))
    assert back.days[0].digest == old.days[3].digest


def test_a_column_of_another_type_is_refused(lake: Home) -> None:
    lake.compute(4, 4)
    wider = {**COLUMNS, "coldest": {"type": "decimal(9,2)", "nullable": True}}
    with pytest.raises(DataError, match=r"coldest is decimal\(6,2\) in the table"):
        lake.compute(4, 4, build_spec(wider))


def test_runs_of_different_days_at_once_lose_nothing(lake: Home) -> None:
    expected = digests(lake.compute(1, 8).days)
    failures: list[Exception] = []

    def run(first: int, last: int) -> None:
        try:
            lake.compute(first, last)
        except Exception as error:  # noqa: BLE001 - told to the test
            failures.append(error)

    threads = [threading.Thread(target=run, args=days) for days in ((1, 2), (3, 4), (5, 8))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    records = read_days(lake.store, build_spec(), ALL)
    assert digests(tuple(records.values())) == expected
    pinned = pin_training_set(lake.store, lake.table(), build_spec(), "2013-01-07")
    assert len(pinned.days) == 6


CHILD = """
import sys
from pathlib import Path
from refit_assets_tests.features.conftest import Home, day
from refit_assets.resources.spark import EmbeddedSpark

home = Home(root=Path(sys.argv[1]))
tell = lambda line: print(line, flush=True)
EmbeddedSpark().features(home.request(day(1), day(8)), tell)
"""


def test_a_run_killed_while_it_writes_leaves_the_days_as_they_were(lake: Home) -> None:
    expected = digests(lake.compute(1, 8).days)
    table = lake.table()
    before = table.load().current_snapshot()
    root = Path(__file__).parents[2]
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(lake.root)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
    )
    assert child.stdout is not None
    for line in child.stdout:
        if "writing them" in line:
            break
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()
    assert table.load().current_snapshot() == before
    assert digests(lake.compute(1, 8).days) == expected
    pin_training_set(lake.store, table, build_spec(), "2013-01-07")


def test_a_corrupted_file_replaces_nothing_and_landed_again_gives_the_same_days(lake: Home) -> None:
    expected = digests(lake.compute(1, 8).days)
    before = lake.table().load().current_snapshot()
    path = lake.landing.path("flights/2013-01-04.csv")
    whole = path.read_bytes()
    path.write_bytes(whole[:-20])
    with pytest.raises(DataError, match=r"2013-01-04\.csv, row \d+: .*the file is cut off"):
        lake.compute(1, 8)
    assert lake.table().load().current_snapshot() == before
    path.write_bytes(whole)
    assert digests(lake.compute(1, 8).days) == expected


def test_a_day_that_was_written_but_not_recorded_is_refused_until_it_is_rerun(lake: Home) -> None:
    lake.compute(1, 8)
    assert lake.spark is not None
    compute_features(lake.spark, lake.request(day(4), day(4)), lambda _: None)
    spec = build_spec()
    with pytest.raises(DataError, match=r"day 2013-01-04: .* written but not recorded"):
        pin_training_set(lake.store, lake.table(), spec, "2013-01-07")
    lake.compute(4, 4)
    assert pin_training_set(lake.store, lake.table(), spec, "2013-01-07").missing_days == ()


def test_an_expired_snapshot_stays_readable_by_its_tag(lake: Home) -> None:
    lake.compute(1, 8)
    spec = build_spec()
    pinned = pin_training_set(lake.store, lake.table(), spec, "2013-01-07")
    lake.compute(1, 8)
    assert lake.spark is not None
    session = lake.spark.newSession()
    for key, value in spark_catalogue(lake.catalogue_uri, lake.warehouse_uri).items():
        session.conf.set(key, value)
    session.sql(
        "CALL refit.system.expire_snapshots(table => 'features.late', "
        "older_than => TIMESTAMP '2100-01-01', retain_last => 1)"
    )
    assert all(Path(uri.removeprefix("file://")).exists() for uri in pinned.files("train"))
