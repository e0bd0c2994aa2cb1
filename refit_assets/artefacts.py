"""Where each file of a refit lies, and how any frozen record is read and written as JSON.

Belongs here: names of files, storage of bytes (a folder; S3 on a cluster), JSON of records.
Does not: what the records mean (each stage has its own).
"""

import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Protocol, TypeVar

from pydantic import TypeAdapter, ValidationError

from refit_assets.errors import DataError

RecordT = TypeVar("RecordT")

# A temporary file is its owner's alone; a team reads one another's reports.
_READABLE = 0o644


@dataclass(frozen=True, kw_only=True, slots=True)
class Listed:
    """What a listing tells of one file, without reading it."""

    name: str
    size: int
    modified: int
    """Nanoseconds since 1970, by the storage's clock."""
    etag: str | None
    """Digest of the content, where the storage keeps one; a folder does not."""


class Storage(Protocol):
    """Bytes under names with slashes; a write is whole or did not happen."""

    @property
    def uri(self) -> str:
        """Address of the root, as engines spell it: a file: or s3: URI."""
        ...

    def read(self, name: str) -> bytes | None:
        """Return the bytes, or None where there is no such name."""
        ...

    def write(self, name: str, content: bytes) -> None:
        """Put the bytes there, whatever was there before."""
        ...

    def write_new(self, name: str, content: bytes) -> bool:
        """Put the bytes there if nothing is; False if something is. One writer wins a race."""
        ...

    def names(self, prefix: str) -> Sequence[str]:
        """All names that begin with a prefix that ends in a slash, sorted."""
        ...

    def listed(self, prefix: str) -> Iterator[Listed]:
        """All files below a prefix that ends in a slash, or is empty; in any order."""
        ...

    def look_at(self, name: str) -> Listed | None:
        """Return what a listing tells of one file, or None where there is no such name."""
        ...

    def upload(self, local: Path, name: str) -> None:
        """Put a file there."""
        ...

    def download(self, name: str, local: Path) -> None:
        """Fetch a file; FileNotFoundError names it where it is not there."""
        ...


@dataclass(frozen=True, kw_only=True)
class Folder:
    """Storage in a local folder."""

    root: Path
    durable: bool = True
    """Whether a write survives a power cut; files that can be made again need not wait for it."""

    @property
    def uri(self) -> str:
        """Address of the root."""
        return self.root.absolute().as_uri()

    def path(self, name: str) -> Path:
        """Return where a name lies."""
        return self.root / name

    def read(self, name: str) -> bytes | None:
        """Return the bytes, or None where there is no such name."""
        try:
            return self.path(name).read_bytes()
        except FileNotFoundError:
            return None

    def write(self, name: str, content: bytes) -> None:
        """Put the bytes there, whatever was there before."""
        self._temporary(name, content).replace(self.path(name))

    def write_new(self, name: str, content: bytes) -> bool:
        """Put the bytes there if nothing is; a hard link has one winner."""
        temporary = self._temporary(name, content)
        try:
            os.link(temporary, self.path(name))
        except FileExistsError:
            return False
        finally:
            temporary.unlink()
        return True

    def names(self, prefix: str) -> Sequence[str]:
        """All names below a prefix, sorted; files still being written are left out."""
        return sorted(f"{prefix}{entry.path[skip:]}" for entry, skip in self._files(prefix))

    def listed(self, prefix: str) -> Iterator[Listed]:
        """All files below a prefix; files still being written are left out."""
        for entry, skip in self._files(prefix):
            try:
                status = entry.stat()
            except FileNotFoundError:
                continue  # removed since its folder was read
            yield _listed(f"{prefix}{entry.path[skip:]}", status)

    def look_at(self, name: str) -> Listed | None:
        """Return what a listing tells of one file."""
        try:
            return _listed(name, self.path(name).stat())
        except FileNotFoundError:
            return None

    def upload(self, local: Path, name: str) -> None:
        """Put a file there."""
        target = self.path(name)
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=".new-", dir=target.parent)
        os.close(handle)
        shutil.copyfile(local, temporary)
        Path(temporary).chmod(_READABLE)
        Path(temporary).replace(target)

    def download(self, name: str, local: Path) -> None:
        """Fetch a file."""
        local.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(self.path(name), local)

    def _files(self, prefix: str) -> Iterator[tuple[os.DirEntry[str], int]]:
        """Every file, and how much of its path leads to the prefix."""
        top = str(self.path(prefix))
        waiting = [top]
        while waiting:
            try:
                # Without a Path for each file: a landing zone may hold a hundred thousand.
                with os.scandir(waiting.pop()) as entries:
                    for entry in entries:
                        if entry.is_dir():
                            waiting.append(entry.path)
                        elif not entry.name.startswith(".new-"):
                            yield entry, len(top) + 1
            except FileNotFoundError:
                continue

    def _temporary(self, name: str, content: bytes) -> Path:
        target = self.path(name)
        target.parent.mkdir(parents=True, exist_ok=True)
        # Beside its target: only within one file system a rename is whole.
        handle, temporary = tempfile.mkstemp(prefix=".new-", dir=target.parent)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            if self.durable:
                # Without it a power cut can leave a whole name over an empty file.
                file.flush()
                os.fsync(file.fileno())
        Path(temporary).chmod(_READABLE)
        return Path(temporary)


def place_of(storage: Storage, name: str) -> str:
    """Where a person finds a stored file: a path on this machine, or its address."""
    return str(storage.path(name)) if isinstance(storage, Folder) else f"{storage.uri}/{name}"


@dataclass(frozen=True, kw_only=True)
class ArtefactStore:
    """Records and files of all models, over one storage."""

    storage: Storage

    def write_record(self, name: str, record: Any) -> None:  # noqa: ANN401 - any frozen record
        """Store a frozen dataclass as JSON."""
        self.storage.write(name, record_to_json(record))

    def write_new_record(self, name: str, record: Any) -> bool:  # noqa: ANN401
        """Store a record unless the name is taken."""
        return self.storage.write_new(name, record_to_json(record))

    def read_record(self, kind: type[RecordT], name: str) -> RecordT | None:
        """Read a record, or None where there is none.

        Raises:
            DataError: the file is there but is no such record.

        """
        content = self.storage.read(name)
        return None if content is None else record_from_json(kind, content, name)

    def need_record(self, kind: type[RecordT], name: str, *, made_by: str) -> RecordT:
        """Read a record that must be there; `made_by` is the asset to materialise otherwise."""
        record = self.read_record(kind, name)
        if record is None:
            message = f"{self.storage.uri}/{name} is not there: materialise {made_by} first"
            raise DataError(message)
        return record

    def refit(self, model: str, refit: str) -> "RefitFiles":
        """Names of the files of one refit."""
        return RefitFiles(model=model, refit=refit)


@dataclass(frozen=True, kw_only=True)
class RefitFiles:
    """Names of the files of one refit, below the storage's root."""

    model: str
    refit: str

    @property
    def folder(self) -> str:
        """Where all of them lie."""
        return f"models/{self.model}/refits/{self.refit}"

    def name(self, file: str) -> str:
        """Name of one file, such as training_set.json."""
        return f"{self.folder}/{file}"


def _listed(name: str, status: os.stat_result) -> Listed:
    return Listed(name=name, size=status.st_size, modified=status.st_mtime_ns, etag=None)


def day_name(model: str, day: str) -> str:
    """Name of the record of one day of a feature table."""
    return f"models/{model}/days/{day}.json"


def refused_name(model: str) -> str:
    """Name of the record of landed files that a model's features refused."""
    return f"models/{model}/refused.json"


def predicted_name(model: str, day: str) -> str:
    """Name of the record of one day of a model's predictions."""
    return f"models/{model}/predictions/{day}.json"


def monitored_name(model: str, day: str, file: str = "monitored.json") -> str:
    """Name of a file of what monitoring found on one day."""
    return f"models/{model}/monitoring/{day}/{file}"


def reference_name(model: str, training_set: str, version: str) -> str:
    """Name of what a version is watched against, made of its training set."""
    return f"models/{model}/references/{version}-{training_set[:16]}.json"


def trial_name(model: str, key: str, file: str) -> str:
    """Name of a file of a fitted trial; trials are shared by all refits of a model."""
    return f"models/{model}/trials/{key}/{file}"


def jar_name(model: str, version: str, file: str) -> str:
    """Name of a file of a packaged jar."""
    return f"models/{model}/jars/{version}/{file}"


def record_to_json(record: Any) -> bytes:  # noqa: ANN401 - any frozen record
    """Render a frozen dataclass as JSON, keys in the order of its fields."""
    return _adapter(type(record)).dump_json(record, indent=2) + b"\n"


def record_from_json(kind: type[RecordT], content: bytes, name: str) -> RecordT:
    """Read a record; DataError names the file and the field that does not fit."""
    try:
        return _adapter(kind).validate_json(content)
    except ValidationError as error:
        message = f"{name} is no {kind.__name__}: {error}"
        raise DataError(message) from error


@cache
def _adapter(kind: type[RecordT]) -> TypeAdapter[RecordT]:
    # Building one takes milliseconds; a ledger reads hundreds of records of one kind.
    return TypeAdapter(kind)
