"""Landed files: where each lies, what it is, whether its outside is sound, whom a change touches.

All of it without Spark: a missing, empty or cut-off file is refused before a JVM starts.
Belongs here: names, ETags, headers, days that read a file. Does not: values (`reading`).
"""

import codecs
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

from refit_assets.artefacts import Folder, Listed, Storage
from refit_assets.errors import DataError, Finding, SetupError
from refit_assets.features.window import days_between
from refit_assets.spec import ModelSpec, Source

MOST_FINDINGS = DataError.most_shown
CURE = "Nothing was replaced. Land the files again and re-run the features of these days."
_CHUNK = 1 << 20
_FIRST_LINE = 1 << 16


@dataclass(frozen=True, kw_only=True)
class LandedFile:
    """A file as it landed; `day` is None for a source that has one file in all."""

    source: str
    day: date | None
    name: str
    """Below the landing zone."""
    size: int
    etag: str


@dataclass(frozen=True, kw_only=True)
class Landing:
    """The sound files that the features of a range of days read."""

    folder: Folder
    spec: ModelSpec
    first: date
    last: date
    files: tuple[LandedFile, ...]

    def known_as(self, etags: Mapping[str, str]) -> "Landing":
        """The same files under the digests that the storage they were fetched from gives them."""
        files = tuple(replace(one, etag=etags.get(one.name, one.etag)) for one in self.files)
        return replace(self, files=files)

    def of_source(self, source: str) -> tuple[LandedFile, ...]:
        """Files of one source, by day."""
        return tuple(file for file in self.files if file.source == source)

    def inputs(self, day: date) -> dict[str, str]:
        """Name and ETag of each file that this day's features read."""
        return {file.name: file.etag for file in self.files if _reads(self.spec, file, day)}


def landing_folder(uri: str) -> Folder:
    """Open the landing zone at a file: address."""
    parts = urlsplit(uri)
    if parts.scheme != "file":
        message = f"{uri}: a landing zone is a file: address here"
        raise SetupError(message)
    return Folder(root=Path(unquote(parts.path)))


def file_name(source: Source, day: date | None) -> str:
    """Name of a source's file of a day, below the landing zone."""
    return source.path if day is None else source.path.replace("{day}", day.isoformat())


def days_read(spec: ModelSpec, source: Source, first: date, last: date) -> tuple[date | None, ...]:
    """Days of a source that the features of a range read; before its start no data exists."""
    if not source.daily:
        return (None,)
    begin = max(spec.start, first - timedelta(days=source.look_back_days))
    return days_between(begin, last + timedelta(days=1))


def names_read(spec: ModelSpec, first: date, last: date) -> tuple[str, ...]:
    """Names of all files that the features of a range read, whether they are there or not."""
    return tuple(name for _, _, name in _expected(spec, first, last))


def days_touched(spec: ModelSpec, source: str, day: date | None) -> tuple[date, date | None]:
    """First and last day whose features read a file; None: no last."""
    if day is None:
        return spec.start, None
    return day, day + timedelta(days=spec.sources[source].look_back_days)


def inspect_landing(folder: Folder, spec: ModelSpec, first: date, last: date) -> Landing:
    """Look at the outside of every file that the features of a range read.

    Raises:
        DataError: files are missing, empty, cut off, not UTF-8, or have another header.

    """
    findings: list[Finding] = []
    files: list[LandedFile] = []
    for source, day, name in _expected(spec, first, last):
        outside = _outside(folder.path(name))
        findings += _unsound(spec.sources[source], folder.path(name), outside)
        if outside is not None:
            files.append(_landed_file(source, day, name, outside))
    if findings:
        summary = f"landed files of {spec.name} for {first} to {last} are not sound"
        raise DataError(summary, findings, cure=CURE)
    return Landing(folder=folder, spec=spec, first=first, last=last, files=tuple(files))


@dataclass(frozen=True, kw_only=True)
class _Outside:
    size: int
    etag: str
    begin: bytes
    last_line: int
    """Number of the last line, if it lacks its newline; 0 if nothing does."""
    not_utf8: int
    """Line of the first byte that is no UTF-8, or 0."""


def _expected(spec: ModelSpec, first: date, last: date) -> Iterator[tuple[str, date | None, str]]:
    for name, source in spec.sources.items():
        for day in days_read(spec, source, first, last):
            yield name, day, file_name(source, day)


def content_etag(storage: Storage, listed: Listed) -> str | None:
    """Digest of a file's content: the storage's own, or read; None where neither is possible."""
    if listed.etag is not None or not isinstance(storage, Folder):
        return listed.etag
    digest = hashlib.md5(usedforsecurity=False)  # what S3 calls the ETag of a plain upload
    # Plain text paths and no buffer: of a hundred thousand small files those are half the cost.
    with open(f"{storage.root}/{listed.name}", "rb", buffering=0) as file:  # noqa: PTH123
        while chunk := file.read(min(listed.size + 1, _CHUNK)):
            digest.update(chunk)
    return digest.hexdigest()


def _landed_file(source: str, day: date | None, name: str, outside: _Outside) -> LandedFile:
    return LandedFile(source=source, day=day, name=name, size=outside.size, etag=outside.etag)


def _reads(spec: ModelSpec, file: LandedFile, day: date) -> bool:
    first, last = days_touched(spec, file.source, file.day)
    return first <= day and (last is None or day <= last)


def _outside(path: Path) -> _Outside | None:
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return _scan(path, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=16384)
def _scan(path: Path, size: int, modified: int) -> _Outside:
    """Read a file once; a run for several ranges of days asks for the same files again."""
    # Parts of the key only: a file that changed is read again.
    del size, modified
    digest = hashlib.md5(usedforsecurity=False)  # what S3 calls the ETag of a plain upload
    # A character may lie across two chunks.
    decoder = codecs.getincrementaldecoder("utf-8")()
    begin, end, lines, not_utf8, read = b"", b"", 0, 0, 0
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
            begin, end, read = begin or chunk[:_FIRST_LINE], chunk[-1:], read + len(chunk)
            not_utf8 = not_utf8 or _bad_line(decoder, chunk, lines)
            lines += chunk.count(b"\n")
    return _Outside(
        size=read,
        etag=digest.hexdigest(),
        begin=begin,
        last_line=0 if end in {b"", b"\n"} else lines + 1,
        not_utf8=not_utf8,
    )


def _bad_line(decoder: codecs.IncrementalDecoder, chunk: bytes, lines: int) -> int:
    try:
        decoder.decode(chunk)
    except UnicodeDecodeError as error:
        return lines + 1 + chunk.count(b"\n", 0, error.start)
    return 0


def _unsound(source: Source, path: Path, outside: _Outside | None) -> list[Finding]:
    where = str(path)
    if outside is None:
        return [Finding(where=where, expected="a file", found="none")]
    if not outside.size:
        return [Finding(where=where, expected=f"a {source.format} file", found="0 bytes")]
    if source.format == "parquet":
        return _parquet_problems(source, path)
    findings = [*_line_problems(where, outside)]
    if source.format == "csv":
        return _header_problems(source, where, outside.begin) + findings
    return _object_problems(source, where, outside.begin) + findings


def _line_problems(where: str, outside: _Outside) -> Iterable[Finding]:
    if outside.not_utf8:
        found = "bytes that are not"
        yield Finding(where=where, row=outside.not_utf8, expected="UTF-8", found=found)
    if outside.last_line:
        expected, found = "a newline after the last line", "none: the file is cut off"
        yield Finding(where=where, row=outside.last_line, expected=expected, found=found)


def _header_problems(source: Source, where: str, begin: bytes) -> list[Finding]:
    declared = list(source.columns)
    line = begin.split(b"\n", 1)[0].rstrip(b"\r").decode("utf-8", "replace")
    names = [name[1:-1] if name[:1] == name[-1:] == '"' else name for name in line.split(",")]
    findings = [
        Finding(
            where=where, row=1, column=want, expected=f"{want!r} in the header", found=repr(got)
        )
        for want, got in zip(declared, names, strict=False)
        if want != got
    ]
    if len(names) != len(declared):
        expected = f"{len(declared)} columns in the header"
        findings.insert(0, Finding(where=where, row=1, expected=expected, found=f"{len(names)}"))
    return findings[:MOST_FINDINGS]


def _object_problems(source: Source, where: str, begin: bytes) -> list[Finding]:
    line = begin.split(b"\n", 1)[0]
    try:
        names = set(json.loads(line))
    except (ValueError, TypeError):
        found = repr(line[:40].decode("utf-8", "replace"))
        return [Finding(where=where, row=1, expected="a JSON object", found=found)]
    # A key that is not there is a missing value; one misspelt would make a whole column so.
    strange = sorted(names - set(source.columns))
    expected = "only declared keys"
    return [Finding(where=where, row=1, expected=expected, found=repr(name)) for name in strange]


def _parquet_problems(source: Source, path: Path) -> list[Finding]:
    import pyarrow.parquet as pq
    from pyarrow import ArrowException

    try:
        schema = pq.read_schema(path)
    except (ArrowException, OSError) as error:
        found = str(error).splitlines()[0]
        return [Finding(where=str(path), expected="a whole Parquet file", found=found)]
    return _schema_problems(source, str(path), {f.name: str(f.type) for f in schema})


_ARROW = {
    "int": ("int32",),
    "bigint": ("int64",),
    "double": ("double",),
    "string": ("string", "large_string"),
    "date": ("date32[day]",),
    "boolean": ("bool",),
}


def _schema_problems(source: Source, where: str, types: dict[str, str]) -> list[Finding]:
    findings: list[Finding] = []
    for name, declared in source.columns.items():
        found = types.get(name, "no such column")
        if not _same_type(declared, found.replace(" ", "")):
            finding = Finding(where=where, column=name, expected=declared, found=found)
            findings.append(finding)
    return findings


def _same_type(declared: str, found: str) -> bool:
    # Of any unit: reading casts it, and refuses what the cast would cut off.
    if declared == "timestamp":
        return found.startswith("timestamp[")
    if declared.startswith("decimal"):
        return found.endswith(declared.removeprefix("decimal")) and found.startswith("decimal")
    return found in _ARROW.get(declared, ())
