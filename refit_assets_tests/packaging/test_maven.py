"""Maven as a subprocess, with scripts in its place; the real one is in test_package."""

import os
import stat
import zipfile
from pathlib import Path

import pytest

from refit_assets.class_archive import ClassArchive
from refit_assets.errors import SetupError, WorkloadFailed
from refit_assets.packaging.maven import Maven, find_java, find_maven

POM = """<project xmlns="http://maven.apache.org/POM/4.0.0">
<groupId>org.acme</groupId><artifactId>late</artifactId><version>1.0</version></project>"""


def script(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "pom.xml").write_text(POM)
    return folder


def maven(tmp_path: Path, text: str, **settings: object) -> Maven:
    executable = script(tmp_path / "bin" / "mvn", text)
    return Maven(executable=executable, java_home=tmp_path, **settings)  # pyright: ignore[reportArgumentType]


def jdk(folder: Path, version: str, *, compiler: bool = True) -> Path:
    script(folder / "bin" / "java", "")
    if compiler:
        script(folder / "bin" / "javac", "")
    (folder / "release").write_text(f'IMPLEMENTOR="x"\nJAVA_VERSION="{version}"\n')
    return folder


def library(folder: Path, version: str) -> Path:
    """Lay down the jar of a Maven, under the name that Debian gives it."""
    jar = folder / "lib" / "maven-core-3.x.jar"
    jar.parent.mkdir()
    with zipfile.ZipFile(jar, "w") as opened:
        name = "META-INF/maven/org.apache.maven/maven-core/pom.properties"
        opened.writestr(name, f"artifactId=maven-core\nversion={version}\n")
    return jar


def test_goals_run_in_the_projects_folder_and_the_log_comes_back(
    tmp_path: Path, project: Path
) -> None:
    log = maven(tmp_path, 'echo "$PWD|$*|$JAVA_HOME"').run(project, "package")
    assert log.startswith(f"{project}|--batch-mode --no-transfer-progress package|{tmp_path}")


def builder(tmp_path: Path, archive: ClassArchive, ends: int = 0) -> Maven:
    """A Maven that tells its JVM's flags, and writes what a JVM would write at its end."""
    text = 'for f in $MAVEN_OPTS; do case $f in *AtExit=*) echo new > "${f#*=}";; esac; done'
    return maven(tmp_path, f'{text}; echo "$MAVEN_OPTS"; exit {ends}', archive=archive)


@pytest.fixture
def archive(tmp_path: Path) -> ClassArchive:
    return ClassArchive(file=tmp_path / "classes" / "one.jsa", java=tmp_path / "bin" / "java")


def test_the_first_build_leaves_its_classes_for_those_after_it(
    tmp_path: Path, project: Path, archive: ClassArchive
) -> None:
    builds, shared = builder(tmp_path, archive), f"-XX:SharedArchiveFile={archive.file} "
    # Other goals load too little.
    assert "AtExit" not in builds.run(project, "dependency:list")
    assert not archive.exists
    assert "-XX:ArchiveClassesAtExit=" in builds.run(project, "package", "-DskipTests")
    assert [file.name for file in archive.file.parent.iterdir()] == [archive.file.name]
    assert shared in builds.run(project, "package")
    assert shared in builds.run(project, "dependency:list")


def test_a_build_that_fails_leaves_no_classes(
    tmp_path: Path, project: Path, archive: ClassArchive
) -> None:
    with pytest.raises(WorkloadFailed):
        builder(tmp_path, archive, ends=1).run(project, "package")
    assert [*archive.file.parent.iterdir()] == []


def test_a_build_goes_on_where_no_classes_can_be_left(
    tmp_path: Path, project: Path, archive: ClassArchive
) -> None:
    archive.file.parent.write_text("no folder")
    assert "jsa" not in builder(tmp_path, archive).run(project, "package")


@pytest.mark.maven
def test_a_real_maven_starts_with_what_the_first_one_left(
    tmp_path: Path, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packaging = "<modelVersion>4.0.0</modelVersion><packaging>pom</packaging></project>"
    (project / "pom.xml").write_text(POM.replace("</project>", packaging))
    log = tmp_path / "classes.log"
    monkeypatch.setenv("MAVEN_OPTS", f"-Xlog:class+load:file={log}")

    def from_the_archive() -> int:
        find_maven(cache=tmp_path / "cache").run(project, "package")
        return log.read_text().count("shared objects file (top)")

    assert from_the_archive() == 0
    assert from_the_archive() > 0
    # `mvn` takes a blank for the end of a flag.
    assert find_maven(cache=tmp_path / "a cache").archive is None


def test_a_failure_names_project_goal_first_errors_and_the_folder(
    tmp_path: Path, project: Path
) -> None:
    text = 'echo "[ERROR] Foo.java:[3,1] cannot find symbol"; echo "[ERROR] "; exit 1'
    with pytest.raises(WorkloadFailed) as failure:
        maven(tmp_path, text).run(project, "package")
    message = str(failure.value)
    assert "mvn package failed for org.acme:late:1.0" in message
    assert "Foo.java:[3,1] cannot find symbol" in message
    assert f"cd {project} && mvn package" in message
    assert not failure.value.transient


def test_both_streams_of_a_failure_are_logged(
    tmp_path: Path, project: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(WorkloadFailed):
        maven(tmp_path, "echo outward; echo inward >&2; exit 1").run(project, "package")
    assert "outward" in caplog.text
    assert "inward" in caplog.text


def test_a_repository_that_cannot_be_reached_is_worth_another_try(
    tmp_path: Path, project: Path
) -> None:
    text = 'echo "[ERROR] Could not transfer artifact a:b:jar:1 from/to central"; exit 1'
    with pytest.raises(WorkloadFailed) as failure:
        maven(tmp_path, text).run(project, "package")
    assert failure.value.transient


def test_a_build_that_hangs_is_ended(tmp_path: Path, project: Path) -> None:
    with pytest.raises(WorkloadFailed, match="took over 0 s"):
        maven(tmp_path, "exec sleep 60", timeout_seconds=0).run(project, "package")


CALLS = 'echo "$*" >> calls'
FETCHED = "--batch-mode --no-transfer-progress package"


def calls(project: Path) -> list[str]:
    return (project / "calls").read_text().splitlines()


def test_goals_beside_others_fetch_nothing_and_are_waited_for(
    tmp_path: Path, project: Path
) -> None:
    with maven(tmp_path, CALLS).beside(project, "package") as wait:
        wait()
    (only,) = calls(project)
    assert "--settings" in only


def test_what_failed_beside_others_is_run_alone_then_and_may_fetch(
    tmp_path: Path, project: Path
) -> None:
    lacking = f'{CALLS}; case "$*" in *--settings*) exit 1; esac'
    with maven(tmp_path, lacking).beside(project, "package") as wait:
        wait()
    beside, alone = calls(project)
    assert "--settings" in beside
    assert alone == FETCHED


def test_what_fails_beside_others_and_alone_tells_why(tmp_path: Path, project: Path) -> None:
    broken = maven(tmp_path, 'echo "[ERROR] Foo.java:3: no comment"; exit 1')
    with (
        pytest.raises(
            WorkloadFailed, match=r"mvn javadoc failed for org\.acme:late.*\n.*no comment"
        ),
        broken.beside(project, "javadoc") as wait,
    ):
        wait()


def test_goals_beside_others_that_hang_are_ended(tmp_path: Path, project: Path) -> None:
    hanging = maven(tmp_path, "exec sleep 60", timeout_seconds=0)
    with (
        pytest.raises(WorkloadFailed, match=r"mvn package .* took over 0 s"),
        hanging.beside(project, "package") as wait,
    ):
        wait()


def test_what_nobody_waits_for_is_ended_with_all_that_it_started(
    tmp_path: Path, project: Path
) -> None:
    os.mkfifo(project / "alive")
    forking = maven(tmp_path, "(sleep 20; echo survived) > alive & wait")
    with forking.beside(project, "package"):
        stream = (project / "alive").open()  # returns when the other end was opened, too
    with stream:
        assert stream.read() == ""


def test_offline_every_repository_leads_nowhere_and_the_local_one_is_ours(
    tmp_path: Path, project: Path
) -> None:
    text = 'echo "$*"; while [ "$1" != --settings ]; do shift; done; cat "$2"'
    offline = maven(tmp_path, text, offline=True, repository=tmp_path / "repository")
    log = offline.run(project, "package")
    assert f"-Dmaven.repo.local={tmp_path / 'repository'}" in log
    assert "<mirrorOf>*</mirrorOf>" in log


def test_what_would_change_a_build_does_not_leak_in(tmp_path: Path) -> None:
    around = {"MAVEN_ARGS": "-T4", "JAVA_TOOL_OPTIONS": "-Dx", "MAVEN_OPTS": "-Xmx1g", "HOME": "h"}
    environment = maven(tmp_path, "").environment(around)
    assert "MAVEN_ARGS" not in environment
    assert "JAVA_TOOL_OPTIONS" not in environment
    assert environment["MAVEN_OPTS"].endswith(" -Xmx1g")
    assert environment["HOME"] == "h"


def test_the_environment_says_where_the_repository_is_and_that_it_is_whole(tmp_path: Path) -> None:
    library(tmp_path, "3.9.1")
    script(tmp_path / "bin" / "mvn", "")
    home = jdk(tmp_path / "jdk", "21.0.1")
    found = find_maven(
        {
            "PATH": str(tmp_path / "bin"),
            "JAVA_HOME": str(home),
            "REFIT_MAVEN_LOCAL_REPOSITORY": str(tmp_path / "r"),
            "REFIT_MAVEN_OFFLINE": "1",
        }
    )
    assert (found.repository, found.offline) == (tmp_path / "r", True)
    assert found.java_home == home


def test_without_maven_it_is_said_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match=r"install Maven 3\.8 or later"):
        find_maven({"PATH": str(tmp_path)})


def test_an_old_maven_is_refused(tmp_path: Path) -> None:
    script(tmp_path / "bin" / "mvn", 'echo "Apache Maven 3.6.3"')
    around = {"PATH": str(tmp_path / "bin"), "JAVA_HOME": str(jdk(tmp_path / "jdk", "17"))}
    refused = r"is Maven 3\.6; install Maven 3\.8"
    with pytest.raises(SetupError, match=refused):
        find_maven(around)
    # Its jar is asked first, and itself where the jar does not tell.
    jar = library(tmp_path, "3.6.3")
    script(tmp_path / "bin" / "mvn", 'echo "Apache Maven 3.9.1"')
    with pytest.raises(SetupError, match=refused):
        find_maven(around)
    jar.write_text("no jar")
    assert find_maven(around).executable == tmp_path / "bin" / "mvn"


def test_an_old_java_is_refused_even_in_java_home(tmp_path: Path) -> None:
    home = jdk(tmp_path / "jdk", "11.0.2")
    with pytest.raises(SetupError, match="no Java 17 in JAVA_HOME"):
        find_java({"PATH": str(tmp_path), "JAVA_HOME": str(home)})


def test_a_java_without_a_compiler_runs_jars_but_builds_none(tmp_path: Path) -> None:
    home = jdk(tmp_path / "jre", "17.0.1", compiler=False)
    script(tmp_path / "bin" / "mvn", 'echo "Apache Maven 3.9.0"')
    around = {"PATH": f"{tmp_path / 'bin'}{os.pathsep}/bin", "JAVA_HOME": str(home)}
    assert find_java(around) == home / "bin" / "java"
    with pytest.raises(SetupError, match="a Java without a compiler"):
        find_maven(around)
