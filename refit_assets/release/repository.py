"""The Maven 2 layout: where each file of a version lies, its checksums, the list of versions.

Belongs here: names and texts as Maven defines them, pure, and the seam behind which a repository
is reached. Does not: folders (`file_repository`), HTTP (`http_repository`), what may be published
(`publish`).
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Protocol

from refit_assets.errors import PublishError
from refit_assets.packaging.versions import JarVersion

CHECKSUMS = ("md5", "sha1", "sha256")

_COORDINATES = re.compile(r"([A-Za-z0-9_.-]+):([A-Za-z0-9_.-]+):([A-Za-z0-9_.-]+)")
_VERSIONS = re.compile(r"<version>\s*([^<\s]+)\s*</version>")


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Where a version of an artefact lies below the root of a repository."""

    group: str
    artifact: str
    version: str

    @classmethod
    def parse(cls, coordinates: str) -> "Layout":
        """Read `group:artifact:version`.

        Raises:
            PublishError: it is written otherwise.

        """
        match = _COORDINATES.fullmatch(coordinates)
        if match is None:
            message = f"{coordinates!r} are no coordinates: expected group:artifact:version"
            raise PublishError(message)
        return cls(group=match[1], artifact=match[2], version=match[3])

    def __str__(self) -> str:
        """Render as `parse` reads it."""
        return f"{self.group}:{self.artifact}:{self.version}"

    @property
    def artifact_folder(self) -> str:
        """Folder of all versions."""
        return f"{self.group.replace('.', '/')}/{self.artifact}"

    @property
    def folder(self) -> str:
        """Folder of this version."""
        return f"{self.artifact_folder}/{self.version}"

    @property
    def metadata(self) -> str:
        """Path of the list of versions."""
        return f"{self.artifact_folder}/maven-metadata.xml"

    @property
    def stem(self) -> str:
        """How the name of each file of this version begins."""
        return f"{self.artifact}-{self.version}"

    @property
    def jar(self) -> str:
        """Name of the main jar, without which nobody can resolve the version."""
        return f"{self.stem}.jar"

    @property
    def pom(self) -> str:
        """Name of the pom."""
        return f"{self.stem}.pom"

    def path(self, name: str) -> str:
        """Path of a file of this version."""
        return f"{self.folder}/{name}"


@dataclass(frozen=True, kw_only=True)
class VersionFiles:
    """The tested bytes of a version, in the order in which they are uploaded."""

    layout: Layout
    files: Mapping[str, bytes]
    """By name; the main jar comes last."""

    def with_checksums(self) -> Iterator[tuple[str, bytes]]:
        """Each file by its path, followed by its checksums."""
        for name, content in self.files.items():
            path = self.layout.path(name)
            yield path, content
            yield from checksums(path, content)


class Repository(Protocol):
    """A Maven repository, in a folder or behind HTTP."""

    @property
    def url(self) -> str:
        """Its root, without credentials."""
        ...

    def read(self, path: str) -> bytes | None:
        """Return a file, or None where there is none."""
        ...

    def put_version(self, files: VersionFiles) -> None:
        """Put all files of a version there; nothing of it resolves before all are there.

        Raises:
            PublishError: a file is there with other bytes, or did not arrive.

        """
        ...

    def finish(self, files: VersionFiles) -> None:
        """Add what an interrupted upload may have left out of a version that resolves."""
        ...

    def put_metadata(self, layout: Layout, now: datetime) -> None:
        """Add the version to the list of versions."""
        ...


def checksums(path: str, content: bytes) -> Iterator[tuple[str, bytes]]:
    """Path and text of each checksum file of a file."""
    for name in CHECKSUMS:
        # MD5 and SHA-1 are what the layout asks for; SHA-256 is what we compare.
        digest = hashlib.new(name, content, usedforsecurity=False)
        yield f"{path}.{name}", digest.hexdigest().encode()


def sha256(content: bytes) -> str:
    """Digest of a file, in hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def read_versions(metadata: bytes) -> list[str]:
    """Versions that a list of versions names, in its order."""
    _, _, after = metadata.decode().partition("<versions>")
    return _VERSIONS.findall(after.partition("</versions>")[0])


def render_metadata(layout: Layout, versions: Iterable[str], now: datetime) -> bytes:
    """Render the list of versions, oldest first; a backfilled version is never the latest."""
    ordered = sort_versions({*versions, layout.version})
    listed = "".join(f"      <version>{version}</version>\n" for version in ordered)
    text = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        "<metadata>\n"
        f"  <groupId>{layout.group}</groupId>\n"
        f"  <artifactId>{layout.artifact}</artifactId>\n"
        "  <versioning>\n"
        f"    <latest>{ordered[-1]}</latest>\n"
        f"    <release>{ordered[-1]}</release>\n"
        f"    <versions>\n{listed}    </versions>\n"
        f"    <lastUpdated>{now.astimezone(UTC):%Y%m%d%H%M%S}</lastUpdated>\n"
        "  </versioning>\n"
        "</metadata>\n"
    )
    return text.encode()


def sort_versions(versions: Iterable[str]) -> Sequence[str]:
    """Order versions as Maven does; those that are not ours come first."""
    return sorted(versions, key=_order)


def _order(version: str) -> tuple[int, int, date, int, str]:
    try:
        known = JarVersion.parse(version)
    except PublishError:
        return 0, 0, date.min, 0, version
    return known.major, known.minor, known.day, known.build, version
