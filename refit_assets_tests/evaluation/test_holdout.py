"""The holdout from real Parquet files of two days."""

from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from refit_assets.errors import DataError
from refit_assets.evaluation.holdout import column_text, read_holdout, write_inputs_csv
from refit_assets_tests.evaluation.flights import FILES, air_spec, flights_spec, holdout


def rewritten(tmp_path: Path, **columns: pa.Array) -> list[str]:
    table = pq.read_table(FILES[0])
    for name, values in columns.items():
        table = table.set_column(table.column_names.index(name), name, values)
    pq.write_table(table, tmp_path / "changed.parquet")
    return [str(tmp_path / "changed.parquet")]


def test_rows_are_sorted_by_key_and_those_without_label_are_left_out() -> None:
    found = holdout(flights_spec())
    assert len(found) == 540
    assert found.unlabelled_rows == 60
    assert (found.keys[1:] > found.keys[:-1]).all()
    late = [label == "late" for label in found.rows["late"].to_pylist()]
    assert (found.labels == late).all()


def test_the_order_of_files_and_their_spelling_do_not_matter() -> None:
    spec = flights_spec()
    uris = [f"file:{file}" for file in reversed(FILES)]
    assert read_holdout(spec, uris).rows == holdout(spec).rows


def test_a_number_is_its_own_label() -> None:
    found = holdout(air_spec())
    assert found.labels.tolist() == found.rows["air_time"].to_pylist()


def test_the_csv_has_exact_decimals_and_nothing_for_missing(tmp_path: Path) -> None:
    spec = flights_spec()
    found = holdout(spec)
    write_inputs_csv(spec, found, tmp_path / "rows.csv")
    header, *lines = (tmp_path / "rows.csv").read_text().splitlines()
    assert header == "carrier,origin,hour,distance,precip,pressure"
    assert len(lines) == len(found)
    for line, precip, pressure in zip(
        lines, found.rows["precip"].to_pylist(), found.rows["pressure"].to_pylist(), strict=True
    ):
        cells = line.split(",")
        assert "E" not in cells[4]
        assert Decimal(cells[4]) == precip
        assert cells[5] == ("" if pressure is None else str(pressure))


def test_a_category_with_a_comma_is_quoted(tmp_path: Path) -> None:
    spec = flights_spec()
    strange = pa.array(['a "b", c'] * 300)
    write_inputs_csv(spec, read_holdout(spec, rewritten(tmp_path, carrier=strange)), tmp_path / "x")
    assert (tmp_path / "x").read_text().splitlines()[1].startswith('"a ""b"", c",')


def test_tiny_decimals_are_written_without_exponents() -> None:
    values = [Decimal("0.000000000001"), Decimal(0), None]
    column = pa.chunked_array([pa.array(values, pa.decimal128(18, 12))])
    assert column_text(column).to_pylist() == ["0.000000000001", "0.000000000000", None]


def test_a_key_that_stands_twice_is_named(tmp_path: Path) -> None:
    files = rewritten(tmp_path, flight_id=pa.array([7] * 300, pa.int64()))
    with pytest.raises(DataError, match="flight_id 7 stands twice"):
        read_holdout(flights_spec(), files)


def test_a_missing_key_is_refused(tmp_path: Path) -> None:
    files = rewritten(tmp_path, flight_id=pa.array([None] * 300, pa.int64()))
    with pytest.raises(DataError, match="have no flight_id"):
        read_holdout(flights_spec(), files)


def test_a_label_that_is_neither_of_the_two_is_named(tmp_path: Path) -> None:
    files = rewritten(tmp_path, late=pa.array(["diverted"] * 300))
    with pytest.raises(DataError, match="'diverted' in the holdout is neither"):
        read_holdout(flights_spec(), files)


def test_a_holdout_without_any_label_is_refused(tmp_path: Path) -> None:
    files = rewritten(tmp_path, late=pa.array([None] * 300, pa.string()))
    with pytest.raises(DataError, match="none of the 300 rows"):
        read_holdout(flights_spec(), files)


@pytest.mark.parametrize(("files", "says"), [([], "no files"), (["gone.parquet"], "can't be read")])
def test_files_that_are_not_there_lead_back_to_the_training_set(
    files: list[str], says: str
) -> None:
    with pytest.raises(DataError, match=f"{says}.*late/training_set"):
        read_holdout(flights_spec(), files)
