"""Columns of pinned data files, read wherever they lie. No Spark, no catalogue."""

from collections.abc import Sequence
from typing import Any


def read_pinned(files: Sequence[str], columns: Sequence[str]) -> Any:  # noqa: ANN401 - pyarrow
    """Read columns of data files (URIs of one storage, at least one) into one Arrow table."""
    import pyarrow.dataset as ds
    from pyarrow.fs import FileSystem

    found = [FileSystem.from_uri(uri) for uri in files]
    paths = [path for _, path in found]
    return ds.dataset(paths, format="parquet", filesystem=found[0][0]).to_table(columns=[*columns])
