"""The only caller of Maven: finds it, runs it, and says what went wrong.

Belongs here: the subprocess, its settings, reading its log. Does not: what is built (`project`),
what becomes of the jars (`package`).
"""

import logging
import os
import re
import shutil
import signal
import subprocess
import tempfile
import zipfile
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

from refit_assets.class_archive import ClassArchive, find_class_archive
from refit_assets.errors import SetupError, WorkloadFailed

OLDEST_MAVEN = (3, 8)
OLDEST_JAVA = 17
REPOSITORY_VARIABLE = "REFIT_MAVEN_LOCAL_REPOSITORY"
OFFLINE_VARIABLE = "REFIT_MAVEN_OFFLINE"

_log = logging.getLogger(__name__)

# These builds last seconds: the second compiler would cost more time than it saves.
_JVM_FLAGS = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xshare:auto"
# Every repository but a local one leads nowhere. Unlike -o, plugins that resolve artefacts
# themselves then still work (the SBOM's skips its work silently under -o).
_OFFLINE_SETTINGS = """<settings><mirrors><mirror>
  <id>offline</id><mirrorOf>*</mirrorOf><url>file:///offline-see-REFIT_MAVEN_OFFLINE</url>
</mirror></mirrors></settings>
"""
# Artefacts of the repository count whichever mirror they once came from.
_ANY_ORIGIN = "-Daether.enhancedLocalRepository.trackingFilename=refit-tracks-nothing"
_BUILD = "package"
_CORE = "META-INF/maven/org.apache.maven/maven-core/pom.properties"
_NETWORK = re.compile(r"Could not transfer artifact|Could not resolve|Unknown host|timed out")
_NOISE = re.compile(r"\[ERROR\]\s*($|->|To see the full|Re-run Maven|For more information|\[Help)")
_MOST_ERROR_LINES = 12


@dataclass(frozen=True, kw_only=True)
class Maven:
    """A Maven that can build: where it is, the JDK it runs on, the repository it fills."""

    executable: Path
    java_home: Path
    repository: Path | None = None
    """Local repository; None for Maven's own choice."""
    offline: bool = False
    """True where the repository holds everything, and nothing may be fetched."""
    archive: ClassArchive | None = None
    """Classes to start with, which the first build writes; None where there is no second one."""
    timeout_seconds: int = 900

    def run(self, project: Path, *goals: str) -> str:
        """Run goals on the project in that folder and return Maven's log.

        Raises:
            WorkloadFailed: a goal failed; names project and goal and the first real errors.
                Transient if a repository could not be reached.

        """
        with (
            tempfile.TemporaryDirectory(prefix="refit-maven-") as folder,
            self._archived(goals) as flags,
        ):
            command = [*self._command(Path(folder), offline=self.offline), *goals]
            try:
                ended = self._run(command, project, flags)
            except subprocess.TimeoutExpired as error:
                raise _overdue(project, goals, error) from error
            if ended.returncode != 0:
                _log.error("%s\n%s\n%s", " ".join(command), ended.stdout, ended.stderr)
                raise _failure(project, goals, ended.stdout + ended.stderr)
        return ended.stdout

    @contextmanager
    def beside(self, project: Path, *goals: str) -> Generator[Callable[[], None]]:
        """Begin goals beside other work on the project; what is given waits for their end.

        It fetches nothing: two Mavens that fill one repository at once may spoil it. What fails,
        for that reason or another, is run once more when it is waited for, and tells why there.
        What nobody waited for is ended.
        """
        with (
            tempfile.TemporaryDirectory(prefix="refit-maven-") as folder,
            self._archived(goals) as flags,
            subprocess.Popen(  # noqa: S603 - our own command line
                [*self._command(Path(folder), offline=True), *goals],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                process_group=0,  # its own, to be ended with all that it started
                **self._surroundings(project, flags),
            ) as process,
        ):

            def wait() -> None:
                try:
                    failed = process.wait(self.timeout_seconds) != 0
                except subprocess.TimeoutExpired as error:
                    raise _overdue(project, goals, error) from error
                if failed:
                    self.run(project, *goals)

            try:
                yield wait
            finally:
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)

    @contextmanager
    def _archived(self, goals: tuple[str, ...]) -> Generator[tuple[str, ...]]:
        """Give flags for the classes that a JVM starts with, or that the first build writes."""
        if self.archive is None:
            yield ()
        elif self.archive.exists or _BUILD not in goals:
            yield self.archive.use
        else:
            with self.archive.written_at_exit() as flags:
                yield flags

    def _run(
        self, command: list[str], project: Path, flags: tuple[str, ...]
    ) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(  # noqa: S603 - our own command line
            command,
            check=False,
            capture_output=True,
            text=True,
            timeout=self.timeout_seconds,
            **self._surroundings(project, flags),
        )

    def _surroundings(self, project: Path, flags: tuple[str, ...]) -> dict[str, Any]:
        return {
            "cwd": project,
            "env": self.environment(os.environ, flags),
            "stdin": subprocess.DEVNULL,
            "umask": 0o022,  # a jar records the permissions of what went into it
        }

    def environment(self, around: Mapping[str, str], flags: tuple[str, ...] = ()) -> dict[str, str]:
        """Return the environment of Maven: ours, less what would change what is built."""
        leaking = {"MAVEN_ARGS", "MAVEN_CONFIG", "JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS"}
        kept = {name: value for name, value in around.items() if name not in leaking}
        options = [_JVM_FLAGS, *flags, kept.get("MAVEN_OPTS", "")]
        return {**kept, "JAVA_HOME": str(self.java_home), "MAVEN_OPTS": " ".join(options).strip()}

    def _command(self, folder: Path, *, offline: bool) -> list[str]:
        command = [str(self.executable), "--batch-mode", "--no-transfer-progress"]
        if self.repository is not None:
            command.append(f"-Dmaven.repo.local={self.repository}")
        if offline:
            settings = folder / "settings.xml"
            settings.write_text(_OFFLINE_SETTINGS)
            command += ["--settings", str(settings), _ANY_ORIGIN]
        return command


def find_maven(environment: Mapping[str, str] | None = None, *, cache: Path | None = None) -> Maven:
    """Find the machine's Maven and JDK.

    `REFIT_MAVEN_LOCAL_REPOSITORY` names a local repository of our own, `REFIT_MAVEN_OFFLINE=1` says
    that it holds everything. In `cache`, where there is one, builds leave the classes that those
    after them start with.

    Raises:
        SetupError: there is no Maven 3.8 or later, or no JDK 17 or later; says what to install.

    """
    around = os.environ if environment is None else environment
    executable = shutil.which("mvn", path=around.get("PATH"))
    if executable is None:
        message = "mvn is not on the PATH; install Maven 3.8 or later (apt-get install maven)"
        raise SetupError(message)
    java_home = find_java_home(around)
    _check_version(Path(executable), java_home)
    repository = around.get(REPOSITORY_VARIABLE)
    return Maven(
        executable=Path(executable),
        java_home=java_home,
        repository=None if repository is None else Path(repository).absolute(),
        offline=around.get(OFFLINE_VARIABLE, "") not in {"", "0"},
        archive=None if cache is None else _find_archive(Path(executable), java_home, cache),
    )


def _find_archive(executable: Path, java_home: Path, cache: Path) -> ClassArchive | None:
    # `mvn` splits its options at blanks, quoted or not.
    if re.search(r"\s", str(cache)):
        return None
    # What is on Maven's class path; all else it loads by loaders of its own, which cannot be kept.
    jars = sorted((executable.resolve().parent.parent / "boot").glob("*.jar"))
    return find_class_archive(cache, java_home / "bin" / "java", jars)


def find_java(environment: Mapping[str, str] | None = None) -> Path:
    """Find a `java` of version 17 or later, which runs scoring jars; it may be a bare JRE.

    Raises:
        SetupError: there is none; says what to install.

    """
    around = os.environ if environment is None else environment
    homes = [Path(around["JAVA_HOME"])] if around.get("JAVA_HOME") else []
    found = shutil.which("java", path=around.get("PATH"))
    # A `java` on the PATH is mostly a link; its home is where it leads.
    homes += [] if found is None else [Path(found).resolve().parent.parent]
    for home in homes:
        if _java_version(home) >= OLDEST_JAVA:
            return home / "bin" / "java"
    message = f"no Java {OLDEST_JAVA} in JAVA_HOME or on the PATH; install openjdk-17-jdk-headless"
    raise SetupError(message)


def find_java_home(environment: Mapping[str, str]) -> Path:
    """Find a JDK (with a compiler) of version 17 or later.

    Raises:
        SetupError: there is none; says what to install.

    """
    home = find_java(environment).parent.parent
    if not (home / "bin" / "javac").exists():
        message = f"{home} is a Java without a compiler; install openjdk-17-jdk-headless"
        raise SetupError(message)
    return home


def _java_version(home: Path) -> int:
    """Major version of the Java in that folder; 0 if it is none."""
    # This file tells without the start of a JVM.
    release = home / "release"
    if not release.exists() or not (home / "bin" / "java").exists():
        return 0
    match = re.search(r'^JAVA_VERSION="(\d+)', release.read_text(errors="replace"), re.MULTILINE)
    return int(match[1]) if match else 0


def _check_version(executable: Path, java_home: Path) -> None:
    # Maven's own jar tells its version without the second that `mvn --version` takes.
    match = re.search(r"(?m)^version=(\d+)\.(\d+)", _core_properties(executable))
    if match is None:
        match = _ask_version(executable, java_home)
    if match is None or (int(match[1]), int(match[2])) < OLDEST_MAVEN:
        found = "an unknown version" if match is None else f"Maven {match[1]}.{match[2]}"
        message = f"{executable} is {found}; install Maven 3.8 or later"
        raise SetupError(message)


def _core_properties(executable: Path) -> str:
    # Debian names the jar maven-core-3.x.jar, whatever its version.
    for jar in (executable.resolve().parent.parent / "lib").glob("maven-core-*.jar"):
        with suppress(OSError, KeyError, zipfile.BadZipFile), zipfile.ZipFile(jar) as opened:
            return opened.read(_CORE).decode()
    return ""


def _ask_version(executable: Path, java_home: Path) -> "re.Match[str] | None":
    environment = {**os.environ, "JAVA_HOME": str(java_home)}
    ended = subprocess.run(  # noqa: S603 - the machine's own Maven
        [str(executable), "--version"], check=False, capture_output=True, text=True, env=environment
    )
    return re.search(r"Apache Maven (\d+)\.(\d+)", ended.stdout)


def _overdue(
    project: Path, goals: tuple[str, ...], error: subprocess.TimeoutExpired
) -> WorkloadFailed:
    return WorkloadFailed(f"mvn {' '.join(goals)} in {project} took over {error.timeout:.0f} s")


def _failure(project: Path, goals: tuple[str, ...], log: str) -> WorkloadFailed:
    lines = [line for line in log.splitlines() if "[ERROR]" in line and not _NOISE.match(line)]
    shown = lines[:_MOST_ERROR_LINES] or log.splitlines()[-_MOST_ERROR_LINES:]
    name = _project_name(project / "pom.xml")
    errors = "\n".join(f"  {line}" for line in shown)
    message = (
        f"mvn {' '.join(goals)} failed for {name}:\n{errors}\n"
        f"the project was kept: cd {project} && mvn {' '.join(goals)}"
    )
    return WorkloadFailed(message, transient=_NETWORK.search(log) is not None)


def _project_name(pom: Path) -> str:
    space = "{http://maven.apache.org/POM/4.0.0}"
    root = ET.parse(pom).getroot()  # noqa: S314 - a pom that we wrote
    return ":".join(
        root.findtext(f"{space}{key}") or "?" for key in ("groupId", "artifactId", "version")
    )
