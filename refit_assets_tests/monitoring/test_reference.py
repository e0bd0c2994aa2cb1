"""What a version is watched against, read from files as Spark writes them."""

from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from refit_assets.features.pinned import read_pinned
from refit_assets.monitoring.drift import compare_number, profile_number
from refit_assets.monitoring.reference import numbers

SHARES = [Decimal("0.1000"), None, Decimal("0.3333"), Decimal("0.0001")]


def feature_file(path: Path, scale: int = 4) -> str:
    """A file of a feature table: short decimals are whole numbers in it, as Spark has them."""
    column = pa.array([value and value.quantize(Decimal(1).scaleb(-scale)) for value in SHARES])
    table = pa.table({"share": column.cast(pa.decimal128(5, scale))})
    pq.write_table(table, path, store_decimal_as_integer=True)
    return path.as_uri()


def test_decimals_are_the_doubles_that_a_person_reads(tmp_path: Path) -> None:
    rows = read_pinned([feature_file(tmp_path / "a.parquet")], ["share"])
    assert pa.types.is_decimal(rows["share"].type)
    # Exactly, not nearly: an edge between two bins is one of these values.
    assert np.array_equal(numbers(rows["share"]), [0.1, np.nan, 0.3333, 0.0001], equal_nan=True)


def test_decimals_are_profiled_and_compared_like_numbers(tmp_path: Path) -> None:
    values = numbers(read_pinned([feature_file(tmp_path / "a.parquet")], ["share"])["share"])
    profile = profile_number("share", values)
    assert (profile.rows, profile.missing) == (4, 1)
    assert compare_number(profile, values).psi == 0
