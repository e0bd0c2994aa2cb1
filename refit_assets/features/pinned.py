"""Columns of pinned data files, read wherever they lie. No Spark, no catalogue."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import unquote, urlsplit


def read_pinned(files: Sequence[str], columns: Sequence[str]) -> Any:  # noqa: ANN401 - pyarrow
    """Read columns of data files (URIs or paths of one storage, at least one) into one table.

    Raises:
        FileNotFoundError, KeyError, pyarrow.ArrowInvalid: a file is gone or is another one.

    """
    import pyarrow.dataset as ds

    paths = [_path(file) for file in files]
    found = _filesystem(files[0])
    return ds.dataset(paths, format="parquet", filesystem=found).to_table(columns=[*columns])


def _filesystem(file: str) -> Any:  # noqa: ANN401 - pyarrow
    from pyarrow import fs

    if urlsplit(file).scheme in {"", "file"}:
        return fs.LocalFileSystem()
    return fs.FileSystem.from_uri(file)[0]


def _path(file: str) -> str:
    """Path inside its file system; Iceberg also writes file:/a, which Arrow does not take."""
    parts = urlsplit(file)
    return file if not parts.scheme else f"{parts.netloc}{unquote(parts.path)}"
