"""Publishing a scoring jar: the tested bytes of a folder become a version in a Maven repository.

The bytes are uploaded as they were tested, by our own PUTs: no JVM, no second build. A version is
published once; the same bytes again change nothing, other bytes are refused.

    REFIT_MAVEN_USERNAME, REFIT_MAVEN_PASSWORD   credentials of an http(s) repository

Belongs here: which files make a version, whether it may be published, proof that it arrived. Does
not: the layout (`repository`), how bytes travel (`file_repository`, `http_repository`).
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote, urlsplit
from xml.etree import ElementTree as ET

from refit_assets.errors import PublishError
from refit_assets.release.file_repository import FileRepository
from refit_assets.release.http_repository import open_http_repository
from refit_assets.release.repository import Layout, Repository, VersionFiles, checksums, sha256

PROVENANCE = "-provenance.json"

_POM_NAMESPACE = "{http://maven.apache.org/POM/4.0.0}"


@dataclass(frozen=True, kw_only=True)
class Publication:
    """A version in a repository, read back."""

    coordinates: str
    repository: str
    files: Mapping[str, str]
    """Name to SHA-256 digest."""
    was_there: bool
    """Whether the same bytes had been published before."""


def publish(
    folder: Path,
    coordinates: str,
    repository_url: str,
    *,
    environment: Mapping[str, str] = os.environ,
    now: datetime | None = None,
) -> Publication:
    """Publish the version that lies in `folder`; `coordinates` are group:artifact:version.

    The folder holds `<artifact>-<version>.pom` and `.jar`, and beside them any
    `<artifact>-<version>-<classifier>.<extension>`; other files are left alone.

    Raises:
        PublishError: the version is there with other bytes, the upload failed, or what was read
            back differs. Nothing half-published resolves.

    """
    files = read_version_files(folder, Layout.parse(coordinates))
    repository = open_repository(repository_url, environment)
    was_there = _is_published(repository, files)
    if was_there:
        repository.finish(files)
    else:
        repository.put_version(files)
        _verify(repository, files)
    # Also where nothing was uploaded: an earlier attempt may have ended just before the list.
    repository.put_metadata(files.layout, now or datetime.now(UTC))
    digests = {name: sha256(content) for name, content in files.files.items()}
    return Publication(
        coordinates=str(files.layout),
        repository=repository.url,
        files=digests,
        was_there=was_there,
    )


def open_repository(url: str, environment: Mapping[str, str] = os.environ) -> Repository:
    """Open a repository by its address: file:…, a plain path, http:… or https:….

    Raises:
        PublishError: the address is of another kind or holds credentials.

    """
    parts = urlsplit(url)
    if parts.scheme in {"http", "https"}:
        return open_http_repository(url, environment)
    if parts.scheme == "file" and parts.netloc in {"", "localhost"}:
        return FileRepository(root=Path(unquote(parts.path)))
    if not parts.scheme:
        return FileRepository(root=Path(url))
    message = f"{url!r} is no repository: expected file:///path or http(s)://host/path"
    raise PublishError(message)


def read_version_files(folder: Path, layout: Layout) -> VersionFiles:
    """Read the files of a version, in the order of their upload: the pom and the jar last.

    Raises:
        PublishError: pom or jar are missing, or the pom has other coordinates.

    """
    # A classifier begins with a letter: `-2` belongs to another version, not to this one.
    name = re.compile(re.escape(layout.stem) + r"(-[a-z][a-z0-9-]*)?\.(jar|pom|json|xml)")
    found = {path.name: path for path in folder.iterdir() if name.fullmatch(path.name)}
    missing = [name for name in (layout.pom, layout.jar) if name not in found]
    if missing:
        message = f"{folder} holds no {' and no '.join(missing)}: package {layout} first"
        raise PublishError(message)
    _check_pom(found[layout.pom], layout)
    last = (layout.pom, layout.jar)
    order = sorted(found, key=lambda name: (name in last, name == layout.jar, _size(found[name])))
    return VersionFiles(layout=layout, files={name: found[name].read_bytes() for name in order})


def _size(path: Path) -> int:
    # The smallest goes first: a server that refuses does so before megabytes were sent.
    return path.stat().st_size


def _check_pom(path: Path, layout: Layout) -> None:
    root = ET.parse(path).getroot()  # noqa: S314 - we generated it
    space = _POM_NAMESPACE if root.tag.startswith(_POM_NAMESPACE) else ""
    parts = [root.findtext(space + part) for part in ("groupId", "artifactId", "version")]
    found = ":".join(part or "?" for part in parts)
    if found != str(layout):
        message = f"{path} says {found}, expected {layout}: package it under these coordinates"
        raise PublishError(message)


def _is_published(repository: Repository, files: VersionFiles) -> bool:
    """Whether the version is there with these bytes.

    Without its main jar nothing of it resolves: then an earlier upload was interrupted.
    """
    if repository.read(files.layout.path(files.layout.jar)) is None:
        return False
    differing = _find_differing(repository, files)
    if differing:
        message = (
            f"{files.layout} is published in {repository.url} with other bytes "
            f"({', '.join(differing)}): a published version is never overwritten; "
            "package it again under the next version"
        )
        raise PublishError(message)
    return True


def _verify(repository: Repository, files: VersionFiles) -> None:
    """Read everything back, checksums too."""
    differing = [*_find_differing(repository, files)]
    for name, content in files.files.items():
        for path, text in checksums(files.layout.path(name), content):
            if repository.read(path) != text:
                differing.append(Path(path).name)
    if differing:
        message = (
            f"{files.layout} reads back otherwise from {repository.url}: {', '.join(differing)}; "
            "REMOVE the version in the repository, then publish again"
        )
        raise PublishError(message)


def _find_differing(repository: Repository, files: VersionFiles) -> list[str]:
    """Names of the files whose bytes differ, or that are missing.

    The provenance may name another commit that made the same bytes: the first one stays.
    """
    return [
        name
        for name, content in files.files.items()
        if not name.endswith(PROVENANCE) and repository.read(files.layout.path(name)) != content
    ]
