"""A Maven repository in a folder: a version appears there by one rename.

Maven itself overwrites a release in such a repository without a word; this refuses.
"""

import os
import shutil
import tempfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from refit_assets.errors import PublishError
from refit_assets.release.repository import Layout, VersionFiles, checksums, render_metadata


@dataclass(frozen=True, kw_only=True)
class FileRepository:
    """A repository below a local folder."""

    root: Path

    @property
    def url(self) -> str:
        """Its root."""
        return self.root.absolute().as_uri()

    def read(self, path: str) -> bytes | None:
        """Return a file, or None where there is none."""
        try:
            return (self.root / path).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None

    def put_version(self, files: VersionFiles) -> None:
        """Assemble the version in a folder beside its place, then rename that folder.

        Raises:
            PublishError: the version's folder holds something already.

        """
        target = self.root / files.layout.folder
        if target.exists():
            message = (
                f"{target} is there without its main jar, as the rest of somebody's interrupted "
                "upload: remove it, then publish again"
            )
            raise PublishError(message)
        target.parent.mkdir(parents=True, exist_ok=True)
        # Hidden, so that nobody takes a half-assembled version for a version.
        beside = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
        try:
            for path, content in files.with_checksums():
                _write(beside / Path(path).name, content)
            # A temporary folder is its owner's alone, and others read a repository.
            beside.chmod(0o755)
            _rename(beside, target)
        finally:
            shutil.rmtree(beside, ignore_errors=True)

    def finish(self, files: VersionFiles) -> None:
        """Do nothing: one rename made the version whole."""

    def put_metadata(self, layout: Layout, now: datetime) -> None:
        """List the versions whose folders are there; two who do so at once agree in the end."""
        versions: list[str] = []
        while versions != (there := self._versions(layout)):
            versions = there
            content = render_metadata(layout, versions, now)
            for path, text in ((layout.metadata, content), *checksums(layout.metadata, content)):
                _replace(self.root / path, text)

    def _versions(self, layout: Layout) -> list[str]:
        # Hidden folders are versions in the making.
        poms = (self.root / layout.artifact_folder).glob(f"[!.]*/{layout.artifact}-*.pom")
        return sorted({pom.parent.name for pom in poms})


def _rename(beside: Path, target: Path) -> None:
    try:
        # It fails where files lie already, so of two publishers one wins whole.
        beside.rename(target)
    except OSError as error:
        message = (
            f"{target} could not be put there, as if somebody else published the same version "
            f"just now ({error.strerror}): publish again to compare with it"
        )
        raise PublishError(message, transient=True) from error


def _write(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        # The rename must not reach the disk before the bytes.
        os.fsync(file.fileno())


def _replace(path: Path, content: bytes) -> None:
    handle, name = tempfile.mkstemp(prefix=".metadata-", dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    temporary.write_bytes(content)
    temporary.chmod(0o644)
    temporary.replace(path)
