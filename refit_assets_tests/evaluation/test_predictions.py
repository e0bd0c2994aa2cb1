"""Reading what jar and cluster answered, and parity over all rows."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from refit_assets.errors import DataError, ParityError
from refit_assets.evaluation.predictions import (
    Predictions,
    compare_bits,
    read_cluster_predictions,
    read_jar_predictions,
    require_parity,
)
from refit_assets_tests.evaluation.flights import air_spec, flights_spec, holdout, predictions

CSV = "predict,p:late,p:on_time\nlate,0.30000000000000004,0.7\non_time,1.0E-5,0.99999\n"


def test_the_jars_doubles_are_read_to_the_last_bit(tmp_path: Path) -> None:
    (tmp_path / "scores.csv").write_text(CSV)
    found = read_jar_predictions(flights_spec(), tmp_path / "scores.csv", rows=2)
    assert found.columns["p:late"].tolist() == [0.1 + 0.2, 1e-5]
    assert found.labels == ("late", "on_time")


def test_a_regression_has_no_labels(tmp_path: Path) -> None:
    (tmp_path / "scores.csv").write_text("predict\n12.5\n")
    found = read_jar_predictions(air_spec(), tmp_path / "scores.csv", rows=1)
    assert (found.columns["predict"].tolist(), found.labels) == ([12.5], None)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (CSV, "expected 3 predictions"),
        ("predict\nlate\n", "does not hold p:late, p:on_time, predict"),
        (CSV.replace("1.0E-5", "NaN") + "late,1,0\n", "row 2: p:late is nan"),
        (CSV.replace("1.0E-5", "") + "late,1,0\n", "row 2: p:late is nan"),
    ],
)
def test_answers_that_are_no_answers_are_refused(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "scores.csv").write_text(text)
    with pytest.raises(DataError, match=says):
        read_jar_predictions(flights_spec(), tmp_path / "scores.csv", rows=3)


def in_cluster(path: Path, keys: list[int]) -> Path:
    scores = pa.array(np.linspace(0, 1, len(keys)))
    pq.write_table(pa.table({"flight_id": keys, "p:late": scores, "p:on_time": scores}), path)
    return path


def test_in_cluster_predictions_are_brought_into_the_holdouts_order(tmp_path: Path) -> None:
    spec = flights_spec()
    rows = holdout(spec)
    path = in_cluster(tmp_path / "cluster.parquet", rows.keys.tolist()[::-1])
    found = read_cluster_predictions(spec, rows, path)
    assert found.columns["p:late"][0] == 1.0


def test_in_cluster_predictions_of_other_rows_are_refused(tmp_path: Path) -> None:
    spec = flights_spec()
    path = in_cluster(tmp_path / "cluster.parquet", [1, 2])
    with pytest.raises(DataError, match="predictions of 2 rows, the holdout has 540"):
        read_cluster_predictions(spec, holdout(spec), path)


def test_in_cluster_predictions_without_a_column_are_refused(tmp_path: Path) -> None:
    spec = flights_spec()
    pq.write_table(pa.table({"flight_id": [1]}), tmp_path / "cluster.parquet")
    with pytest.raises(DataError, match="lacks p:late, p:on_time; it has flight_id"):
        read_cluster_predictions(spec, holdout(spec), tmp_path / "cluster.parquet")


def test_equal_bits_prove_parity() -> None:
    jar = predictions()
    parity = compare_bits(np.arange(540), jar, jar)
    assert (parity.rows, parity.values, parity.proven) == (540, 1080, True)
    require_parity(parity, "late")


def test_one_bit_is_a_difference_and_all_of_them_are_told() -> None:
    cluster = Predictions(columns={"predict": np.array([0.0, 1.0, 2.0])})
    jar = Predictions(columns={"predict": np.array([-0.0, 1.0, np.nextafter(2.0, 3)])})
    parity = compare_bits([11, 12, 13], cluster, jar)
    assert not parity.proven
    with pytest.raises(ParityError, match="2 of 3 rows") as raised:
        require_parity(parity, "late")
    assert raised.value.differences == (
        "key 11, predict: cluster 0.0, jar -0.0",
        "key 13, predict: cluster 2.0, jar 2.0000000000000004",
    )


def test_nothing_compared_proves_nothing() -> None:
    assert not compare_bits([], Predictions(columns={}), Predictions(columns={})).proven
