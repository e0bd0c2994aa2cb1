"""Frames: the pinned files of a training set inside H2O, typed, checked, in one order.

An explicit sorted list of files, declared types, asserted types and row counts, sorted by the one
unique key, in chunks of one size: the same rows give the same frame, whatever files they lie in.
Belongs here: files to frame, labels and keys out of it. Does not: golden rows (`golden`).
"""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from refit_assets.errors import DataError, Finding
from refit_assets.features.contract import build_contract
from refit_assets.features.training_set import Part, TrainingSet
from refit_assets.spec import ModelSpec
from refit_assets.training.session import Frame, H2OSession

# What H2O makes of a Parquet column that is declared so.
_NUMBERS = frozenset({"int", "real"})
_FEWEST_CHUNK_ROWS = 8192
_MOST_CHUNKS = 512
_CHUNK = "refit_chunk"


@dataclass(frozen=True, kw_only=True)
class PartFrame:
    """One part of a training set inside H2O."""

    frame: Frame
    keys: NDArray[np.int64]
    """Shape (rows,), in the order of the frame; missing labels included for the holdout."""
    labels: NDArray[np.float64]
    """1.0 positive, 0.0 not, or the number; NaN where there is no label."""

    @property
    def name(self) -> str:
        """H2O's name of it."""
        return str(self.frame.frame_id)


def read_part(
    session: H2OSession, spec: ModelSpec, training_set: TrainingSet, part: Part
) -> PartFrame:
    """Import one part: labelled rows sorted by key, or for the holdout all rows as they lie.

    Raises:
        DataError: rows, types or labels are not what the training set and the spec say.

    """
    pins = [pin for pin in training_set.days if pin.part == part]
    rows, labelled = sum(pin.rows for pin in pins), sum(pin.labelled_rows for pin in pins)
    where = f"{spec.name} {training_set.refit}, {part}"
    imported = _imported(session, spec, training_set.files(part), where)
    if imported.nrows != rows:
        message = f"{where}: the training set pins {rows} rows, H2O read {imported.nrows}"
        raise DataError(message, cure=f"materialise {spec.name}/training_set again")
    # No prediction depends on the order of rows, and the holdout's file is sorted when written.
    if part == "holdout":
        return _read_keys(session, spec, imported, where, labelled)
    frame = imported
    if labelled < rows:
        frame = imported[~imported[spec.target.column].isna()]
    # By the one key: over many columns the sort of a small frame asked for 5.8 GB a node.
    ordered = in_even_chunks(session, frame.sort(spec.features.key))
    # The client clears away only what it named itself: the rows as they were read would stay.
    session.remove(str(imported.frame_id))
    return _read_keys(session, spec, ordered, where, labelled)


def local_path(uri: str) -> str:
    """Spell a URI as H2O reads it: a bare path where it is a file."""
    parts = urlsplit(uri)
    return unquote(parts.path) if parts.scheme == "file" else uri


def column_kinds(spec: ModelSpec) -> dict[str, str]:
    """H2O's type of the key, every input and the target."""
    contract = build_contract(spec)
    kinds = {
        column.name: "enum" if column.type.kind == "category" else "numeric"
        for column in contract.columns
    }
    kinds[spec.features.key] = "numeric"
    kinds[spec.target.column] = "enum" if spec.classification else "numeric"
    return kinds


def parse_uploaded(session: H2OSession, path: Path, kinds: Mapping[str, str]) -> Frame:
    """Bring one local Parquet file into H2O, wherever its nodes run; rows keep their order."""
    return _parsed(session, [session.upload(path)], kinds, path.name)


def read_ranges(
    session: H2OSession, spec: ModelSpec, part: PartFrame
) -> dict[str, tuple[float, float]]:
    """Smallest and largest value of each numeric input; inputs without a value are left out."""
    numbers = [c.name for c in build_contract(spec).columns if c.type.kind != "category"]
    # One question for all columns: `min` and `max` of a frame are two for each.
    answer = session.ask(f"GET /3/Frames/{part.name}?row_count=1&full_column_count=-1")
    told = {column["label"]: column for column in answer["frames"][0]["columns"]}
    found: dict[str, tuple[float, float]] = {}
    for name in numbers:
        low, high = float(told[name]["mins"][0]), float(told[name]["maxs"][0])
        if np.isfinite(low) and np.isfinite(high):
            found[name] = (low, high)
    return found


def chunk_rows(rows: int) -> int:
    """How many rows lie in each chunk of a training frame of so many rows.

    Trees sample their rows chunk by chunk, and a GLM adds up chunk by chunk: so chunks must follow
    from the number of rows alone, never from files, cores or nodes. 8192 rows keep two cores busy
    with a quarter of a year of flights; 512 chunks are enough for as many cores.
    """
    return max(_FEWEST_CHUNK_ROWS, -(-rows // _MOST_CHUNKS))


def in_even_chunks(session: H2OSession, frame: Frame) -> Frame:
    """Lay a frame out in chunks of `chunk_rows`; values and their order stay.

    H2O's sort leaves a chunk for each leading byte of the key, up to 256 of a few hundred rows,
    and growing trees over those takes 1.7 times as long as over eight. H2O has no command for
    it, but binding columns lays the later ones out like the first.
    """
    size, rows = chunk_rows(frame.nrows), frame.nrows
    with tempfile.TemporaryDirectory(prefix="refit-chunk-") as folder:
        path = Path(folder) / "chunk.parquet"
        pq.write_table(pa.table({_CHUNK: pa.repeat(pa.scalar(1, pa.int32()), size)}), path)
        chunk = parse_uploaded(session, path, {_CHUNK: "numeric"})
    chunks = [chunk] * (rows // size)
    if rows % size:
        chunks.append(chunk[: rows % size, :])
    layout = chunks[0].rbind(chunks[1:]) if len(chunks) > 1 else chunks[0]
    even = layout.cbind(frame)[frame.names]
    even.refresh()  # h2o's expressions are lazy, and what this one is made of goes now
    session.remove(str(chunk.frame_id))
    return even


def _imported(session: H2OSession, spec: ModelSpec, files: Sequence[str], where: str) -> Frame:
    if not files:
        message = f"{where}: the training set pins no files"
        raise DataError(message)
    paths = sorted(local_path(uri) for uri in files)
    kinds = column_kinds(spec)
    raw = session.h2o.lazy_import(paths)
    if len(raw) != len(paths):
        message = f"{where}: H2O found {len(raw)} of {len(paths)} files; the first is {paths[0]}"
        raise DataError(message)
    return _parsed(session, raw, kinds, where)


def _parsed(session: H2OSession, raw: Sequence[str], kinds: Mapping[str, str], where: str) -> Frame:
    parsed = session.ask("POST /3/Parse", data=_parse_request(session, raw, kinds, where))
    session.wait(parsed["job"]["key"]["name"], f"{where}: reading {len(raw)} files")
    frame = session.h2o.get_frame(parsed["destination_frame"]["name"])
    _refuse_types(where, kinds, frame.types)
    return frame


def _parse_request(
    session: H2OSession, raw: Sequence[str], kinds: Mapping[str, str], where: str
) -> dict[str, Any]:
    """Let H2O look at the files, and put the declared types in place of its guesses."""
    sources = _quoted(raw)
    guess = session.ask("POST /3/ParseSetup", data={"source_frames": sources})
    names: list[str] = guess["column_names"]
    _refuse_lost(where, kinds, names)
    types = [kinds.get(name, kind) for name, kind in zip(names, guess["column_types"], strict=True)]
    taken = ("destination_frame", "parse_type", "separator", "check_header", "chunk_size")
    return {
        **{name: guess[name] for name in (*taken, "number_columns")},
        "source_frames": sources,
        "column_names": _quoted(names),
        "column_types": _quoted(types),
        # The day, the knowledge time and what the contract dropped are in the files, and not read.
        "skipped_columns": [at for at, name in enumerate(names) if name not in kinds],
        "delete_on_done": True,
        "blocking": False,
    }


def _quoted(texts: Sequence[str]) -> list[str]:
    return [f'"{text}"' for text in texts]


def _refuse_lost(where: str, kinds: Mapping[str, str], names: Sequence[str]) -> None:
    lost = sorted(set(kinds) - set(names))
    if lost:
        message = f"{where}: the files lack {', '.join(lost)}; they have {', '.join(names)}"
        raise DataError(message)


def _refuse_types(where: str, kinds: Mapping[str, str], found: Mapping[str, str]) -> None:
    wrong = [
        Finding(where=where, column=name, expected=kind, found=found.get(name, "nothing"))
        for name, kind in kinds.items()
        if found.get(name) != kind
        # A column without any value has no type of its own; it is missing in every row.
        and not (kind == "numeric" and found.get(name) in _NUMBERS)
    ]
    if wrong:
        message = f"{where}: H2O read other types than the contract says"
        raise DataError(message, wrong)


def _read_keys(
    session: H2OSession, spec: ModelSpec, frame: Frame, where: str, labelled: int
) -> PartFrame:
    key, target = spec.features.key, spec.target.column
    table = session.download(frame[[key, target]])
    keys = table[key].to_numpy().astype(np.int64)
    labels = _labels(spec, table[target], where)
    ordered = np.sort(keys)
    twice = ordered[1:][ordered[1:] == ordered[:-1]]
    if len(twice):
        message = f"{where}: {key} {twice[0]} stands twice; {len(twice)} keys do"
        raise DataError(message)
    if int(np.isfinite(labels).sum()) != labelled:
        message = (
            f"{where}: the training set pins {labelled} labelled rows, "
            f"H2O read {int(np.isfinite(labels).sum())}"
        )
        raise DataError(message)
    return PartFrame(frame=frame, keys=keys, labels=labels)


def _labels(spec: ModelSpec, column: Any, where: str) -> NDArray[np.float64]:  # noqa: ANN401
    if not spec.classification:
        return column.to_numpy().astype(np.float64)
    texts = column.to_pylist()
    strange = sorted({text for text in texts if text is not None} - set(spec.target.classes))
    if strange:
        expected = " or ".join(spec.target.classes)
        message = f"{where}: {spec.target.column} is {strange[0]!r}, expected {expected}"
        raise DataError(message)
    codes = {spec.target.positive: 1.0, spec.target.negative: 0.0, None: np.nan}
    return np.array([codes[text] for text in texts], dtype=np.float64)
