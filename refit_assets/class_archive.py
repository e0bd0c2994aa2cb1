"""An archive of a program's classes, which a JVM maps instead of reading them: CDS, JEP 350.

A Spark that computes one day spends a third of its CPU on reading, checking and linking some twenty
thousand classes, the same ones each time; Maven's share is smaller. The first JVM of an environment
writes them down when its work is done; those after it start with them.

Belongs here: where an archive lies, how a JVM is told, how one is written. Does not: starting one.
"""

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Generator, Iterable
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

# Up to 190 MB each, two for every environment; those of environments that are gone are never used.
_KEPT = 4
# Of what a JVM that cannot use or write its archive would say on stdout.
_SILENCE = ("-Xlog:cds*=off", "-Xlog:class+path=off")
_NEW = ".new-"
# Far more than any JVM takes to write one.
_WRITING_SECONDS = 3600
# A class of some loader, as a JVM lists it; the JDK's own have an archive already.
_CLASS = re.compile(r"([\w.$]+)/0x[0-9a-f]+")


@dataclass(frozen=True, kw_only=True)
class ClassArchive:
    """One environment's archive, whether it is there or not."""

    file: Path
    java: Path

    @property
    def exists(self) -> bool:
        """Whether a JVM can start with it."""
        return self.file.exists()

    @property
    def use(self) -> tuple[str, ...]:
        """Flags of a JVM that starts with the archive; none where there is none."""
        return (f"-XX:SharedArchiveFile={self.file}", *_SILENCE) if self.exists else ()

    @property
    def use_or_write(self) -> tuple[str, ...]:
        """Flags of a JVM that starts with the archive, or that can be asked to write it."""
        return self.use or ("-XX:+RecordDynamicDumpInfo", *_SILENCE)

    @contextmanager
    def written_at_exit(self) -> Generator[tuple[str, ...]]:
        """Give flags of a JVM that ends within this context, and writes the archive as it does.

        It is kept if the context is left without an error. No flags where nothing can be written.
        """
        with ExitStack() as stack:
            try:
                new = stack.enter_context(self._new())
            except OSError:
                yield ()
                return
            yield (f"-XX:ArchiveClassesAtExit={new}", *_SILENCE)
            self._keep(new)

    def write(self, pid: int, link: Callable[[Iterable[str]], None] | None = None) -> None:
        """Let the JVM of that process write the archive, which takes Spark's some ten CPU seconds.

        It tells on its stdout where it wrote.
        Only a gain is lost where it cannot: a Java without `jcmd`, a full disk, a JVM that dies.

        Args:
            pid: The JVM's process.
            link: Links classes of that JVM by their names; it archives no others, and of Spark's
                it had only loaded a fifth. Some names are no class that can be found.

        """
        with suppress(OSError, subprocess.SubprocessError):
            if link is not None:
                link(_CLASS.findall(self._ask(pid, "VM.class_hierarchy", "-i")))
            with self._new() as new:
                # jcmd parses its argument once more; quotes keep a path with blanks together.
                self._ask(pid, "VM.cds", "dynamic_dump", f"'{new}'")
                self._keep(new)

    @contextmanager
    def _new(self) -> Generator[Path]:
        folder = self.file.parent
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(
            prefix=_NEW, dir=folder, ignore_cleanup_errors=True
        ) as name:
            yield Path(name) / self.file.name

    def _keep(self, new: Path) -> None:
        with suppress(OSError):
            # Whole or not at all, also when two processes write at once.
            new.replace(self.file)
            _remove_left_over(self.file.parent)

    def _ask(self, pid: int, *what: str) -> str:
        command = [str(self.java.with_name("jcmd")), str(pid), *what]
        done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603 - the JDK's own
        return done.stdout


def user_cache() -> Path:
    """Return the folder for what can be fetched or made again."""
    root = os.environ.get("XDG_CACHE_HOME")
    return (Path(root) if root else Path.home() / ".cache") / "refit_assets"


def find_class_archive(cache: Path, java: Path, jars: Iterable[Path]) -> ClassArchive:
    """Return the archive of this Java and these jars in a cache; others have another one.

    A JVM refuses an archive when a jar's time or size has changed, and so would every later one.
    """
    seen = hashlib.sha256()
    for file in (java.resolve(), *jars):
        now = file.stat()
        seen.update(f"{file} {now.st_size} {now.st_mtime_ns}\n".encode())
    archive = cache / "classes" / f"{seen.hexdigest()[:16]}.jsa"
    # Its time tells when it was used last.
    with suppress(OSError):
        os.utime(archive)
    return ClassArchive(file=archive, java=java)


def _remove_left_over(folder: Path) -> None:
    by_use = sorted(folder.glob("*.jsa"), key=lambda file: file.stat().st_mtime, reverse=True)
    for file in by_use[_KEPT:]:
        file.unlink(missing_ok=True)
    # Of a process that was killed while it wrote.
    for new in folder.glob(f"{_NEW}*"):
        if time.time() - new.stat().st_mtime > _WRITING_SECONDS:
            shutil.rmtree(new, ignore_errors=True)
