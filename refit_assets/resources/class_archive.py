"""An archive of Spark's classes, which a JVM maps instead of reading them: CDS, JEP 350.

A process that computes one day spends a third of its CPU on reading, checking and linking some
fifteen thousand classes, the same ones each time. The first JVM of an environment that computed
features writes them down when its work is done; those after it start with them.

Belongs here: where an archive lies, how a JVM is told, how one is written. Does not: the session.
"""

import hashlib
import os
import re
import subprocess
import tempfile
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

# 150 MB each, and one for every environment; those of environments that are gone are never used.
_KEPT = 3
# A class of some loader, as a JVM lists it; the JDK's own have an archive already.
_CLASS = re.compile(r"([\w.$]+)/0x[0-9a-f]+")


@dataclass(frozen=True, kw_only=True)
class ClassArchive:
    """One environment's archive, whether it is there or not."""

    file: Path
    jcmd: Path

    @property
    def exists(self) -> bool:
        """Whether a JVM can start with it."""
        return self.file.exists()

    @property
    def java_options(self) -> str:
        """Flags of a JVM that starts with the archive, or that is able to write it."""
        use = (
            f'"-XX:SharedArchiveFile={self.file}"' if self.exists else "-XX:+RecordDynamicDumpInfo"
        )
        # A JVM that can do neither goes on without, and would say so on stdout.
        return f"{use} -Xlog:cds*=off -Xlog:class+path=off"

    def write(self, pid: int, link: Callable[[Iterable[str]], None] | None = None) -> None:
        """Let the JVM of that process write the archive, which takes it some ten CPU seconds.

        It tells on its stdout where it wrote.
        Only a gain is lost where it cannot: a Java without `jcmd`, a full disk, a JVM that dies.

        Args:
            pid: The JVM's process.
            link: Links classes of that JVM by their names; it archives no others, and of Spark's
                it had only loaded a third. Some names are no class that can be found.

        """
        folder = self.file.parent
        with suppress(OSError, subprocess.SubprocessError):
            if link is not None:
                link(_CLASS.findall(self._ask(pid, "VM.class_hierarchy", "-i")))
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(prefix=".new-", dir=folder) as name:
                new = Path(name) / self.file.name
                # jcmd parses its argument once more; quotes keep a path with blanks together.
                self._ask(pid, "VM.cds", "dynamic_dump", f"'{new}'")
                # Whole or not at all, also when two processes write at once.
                new.replace(self.file)
            _remove_all_but_newest(folder.glob(f"*{self.file.suffix}"))

    def _ask(self, pid: int, *what: str) -> str:
        command = [str(self.jcmd), str(pid), *what]
        done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603 - the JDK's own
        return done.stdout


def find_class_archive(folder: Path, java: Path, jars: Iterable[Path]) -> ClassArchive:
    """Return the archive of this Java and these jars; others have another one.

    A JVM refuses an archive when a jar's time or size has changed, and so would every later one.
    """
    seen = hashlib.sha256()
    for file in (java.resolve(), *jars):
        now = file.stat()
        seen.update(f"{file} {now.st_size} {now.st_mtime_ns}\n".encode())
    archive = folder / f"{seen.hexdigest()[:16]}.jsa"
    # Its time tells when it was used last.
    with suppress(OSError):
        os.utime(archive)
    return ClassArchive(file=archive, jcmd=java.with_name("jcmd"))


def _remove_all_but_newest(archives: Iterable[Path]) -> None:
    by_use = sorted(archives, key=lambda file: file.stat().st_mtime, reverse=True)
    for file in by_use[_KEPT:]:
        file.unlink(missing_ok=True)
