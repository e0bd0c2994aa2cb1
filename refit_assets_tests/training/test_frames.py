"""Frames inside a real H2O: their chunks follow from their rows alone."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from refit_assets.training.frames import (
    chunk_rows,
    in_even_chunks,
    parse_uploaded,
    read_part,
    read_ranges,
)
from refit_assets.training.session import Frame, H2OConnection, H2OSession, connected
from refit_assets_tests.training.conftest import Fitted


@pytest.mark.parametrize(
    ("rows", "size"),
    [(1, 8192), (8192, 8192), (63_581, 8192), (4_194_304, 8192), (4_194_305, 8193)],
)
def test_chunks_are_few_and_never_small(rows: int, size: int) -> None:
    assert chunk_rows(rows) == size


@pytest.mark.h2o
@pytest.mark.parametrize("rows", [5, 8192, 20_000])
def test_sorted_rows_are_laid_out_in_even_chunks(
    h2o: H2OConnection, tmp_path: Path, rows: int
) -> None:
    keys = np.random.default_rng(7).permutation(rows) * 7 + 10**12
    texts = np.array([None, "odd", "even"])[keys % 3]
    pq.write_table(pa.table({"key": keys, "text": texts}), tmp_path / "rows.parquet")
    kinds = {"key": "numeric", "text": "enum"}
    with connected(h2o, 600) as session:
        frame = parse_uploaded(session, tmp_path / "rows.parquet", kinds)
        even = in_even_chunks(session, frame.sort("key"))
        size = chunk_rows(rows)
        assert _chunks(session, even) == [
            *[size] * (rows // size),
            *([rows % size] * (rows % size > 0)),
        ]
        told = session.download(even)
    order = np.argsort(keys)
    assert told["key"].to_pylist() == keys[order].tolist()
    assert told["text"].to_pylist() == texts[order].tolist()


@pytest.mark.h2o
def test_ranges_are_those_of_the_rows(fitted: Fitted, h2o: H2OConnection) -> None:
    spec = fitted.request.spec
    with connected(h2o, 600) as session:
        part = read_part(session, spec, fitted.request.training_set, "train")
        ranges = read_ranges(session, spec, part)
        rows = session.download(part.frame)
    assert ranges
    for name, (low, high) in ranges.items():
        values = rows[name].drop_null().to_numpy()
        assert (low, high) == (values.min(), values.max())


def _chunks(session: H2OSession, frame: Frame) -> list[int]:
    answer = session.ask(f"GET /3/FrameChunks/{frame.frame_id}")
    return [chunk["row_count"] for chunk in answer["chunks"]]
