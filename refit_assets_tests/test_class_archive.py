"""An archive of classes: written by a JVM that worked, mapped by those after it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from refit_assets.class_archive import ClassArchive, find_class_archive, user_cache
from refit_assets.packaging.maven import find_java
from refit_assets_tests.features.conftest import LANDING

PROJECT = Path(__file__).parents[1]

# Run from its source: the compiler's classes are not in the archive that a JDK has of its own.
ECHO = """
class Echo {
    public static void main(String[] arguments) throws Exception {
        System.out.println("up");
        System.in.read();
    }
}
"""


@pytest.fixture
def jar(tmp_path: Path) -> Path:
    path = tmp_path / "one.jar"
    path.write_text("a jar")
    return path


@pytest.fixture
def archive(tmp_path: Path, jar: Path) -> ClassArchive:
    # A user's name may have a blank.
    return find_class_archive(tmp_path / "a cache", find_java(), [jar])


def echo(folder: Path, archive: ClassArchive, *options: str, writes: bool = False) -> str:
    """Run a JVM, let it write the archive or not, and return all that it said."""
    source = folder / "Echo.java"
    source.write_text(ECHO)
    command = [str(find_java()), *archive.use_or_write, *options, str(source)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as jvm:
        assert jvm.stdout is not None
        said = ""
        while not said.endswith("up\n"):
            line = jvm.stdout.readline()
            assert line, said
            said += line
        if writes:
            archive.write(jvm.pid)
        return said + jvm.communicate("\n")[0]


def test_another_jar_or_another_time_of_it_has_another_archive(
    archive: ClassArchive, jar: Path, tmp_path: Path
) -> None:
    cache, java = archive.file.parents[1], find_java()
    assert find_class_archive(cache, java, [jar]) == archive
    other = tmp_path / "two.jar"
    other.write_text("a jar")
    os.utime(other, ns=(0, jar.stat().st_mtime_ns))
    assert find_class_archive(cache, java, [other]) != archive
    os.utime(jar, ns=(0, 0))
    assert find_class_archive(cache, java, [jar]) != archive


@pytest.mark.spark
def test_a_jvm_that_died_leaves_no_file(archive: ClassArchive) -> None:
    with subprocess.Popen(["true"]) as dead:
        dead.wait()
    archive.write(dead.pid)
    assert list(archive.file.parent.iterdir()) == []


@pytest.mark.spark
def test_a_jvm_starts_with_what_another_one_wrote(archive: ClassArchive, tmp_path: Path) -> None:
    echo(tmp_path, archive, writes=True)
    said = echo(tmp_path, archive, "-Xlog:class+load")
    assert any("javac" in line and "shared objects file (top)" in line for line in said.split("\n"))
    assert [file.name for file in archive.file.parent.iterdir()] == [archive.file.name]


@pytest.mark.spark
def test_an_archive_that_no_jvm_can_read_is_passed_over_in_silence(
    archive: ClassArchive, tmp_path: Path
) -> None:
    archive.file.parent.mkdir(parents=True)
    archive.file.write_text("no archive")
    assert echo(tmp_path, archive) == "up\n"


@pytest.mark.spark
def test_the_four_that_were_used_last_are_kept_and_what_a_killed_process_left_is_not(
    archive: ClassArchive, jar: Path, tmp_path: Path
) -> None:
    folder = archive.file.parent
    folder.mkdir(parents=True)
    for n, name in enumerate(("oldest", "older", "old", "newer")):
        (folder / f"{name}.jsa").touch()
        os.utime(folder / f"{name}.jsa", (n, n))
    for name in (".new-at-work", ".new-killed"):
        (folder / name).mkdir()
    os.utime(folder / ".new-killed", (0, 0))
    echo(tmp_path, archive, writes=True)
    kept = {"older.jsa", "old.jsa", "newer.jsa", ".new-at-work", archive.file.name}
    assert {file.name for file in folder.iterdir()} == kept
    os.utime(archive.file, (0, 0))
    assert find_class_archive(folder.parent, find_java(), [jar]).file.stat().st_mtime > 4


PROGRAM = """
import re, subprocess, sys
from pathlib import Path
from pyspark import SparkContext
from refit_assets.packaging.maven import find_java
from refit_assets_tests.features.conftest import Home, day
from refit_assets.resources.spark import EmbeddedSpark

home = Home(root=Path(sys.argv[1]))
spark = EmbeddedSpark(cache=Path(sys.argv[2]), cores=1)
if sys.argv[3:]:
    result = spark.features(home.request(day(1), day(8)), lambda line: None)
    print([found.digest for found in result.days])
else:
    spark.session()
ask = [find_java().with_name("jcmd"), str(SparkContext._gateway.proc.pid), "PerfCounter.print"]
counters = subprocess.run(ask, check=True, capture_output=True, text=True).stdout
for counter in ("sharedLoadedClasses", "loadedClasses"):
    print(re.search(rf"java.cls.{counter}=(\\d+)", counters)[1])
spark.close()
"""


@pytest.mark.spark
def test_features_leave_an_archive_for_the_next_spark(tmp_path: Path) -> None:
    home, cache = tmp_path / "home", tmp_path / "cache"
    shutil.copytree(LANDING, home / "landing")
    (home / "warehouse").mkdir()
    cache.mkdir()
    for folder in user_cache().glob("jars-*"):
        (cache / folder.name).symlink_to(folder)

    def run(*what: str) -> list[str]:
        command = [sys.executable, "-c", PROGRAM, str(home), str(cache), *what]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=PROJECT)
        return done.stdout.splitlines()

    run()
    # A session that computed nothing has seen too little.
    assert not (cache / "classes").exists()
    days, of_the_jdk, _ = run("features")
    assert len(list((cache / "classes").iterdir())) == 1
    again, of_the_archive, others = run("features")
    # A JDK has an archive of its own, of its own classes; Spark's are ten times as many.
    assert 0 < 5 * int(of_the_jdk) < int(of_the_archive)
    # Without those that were only loaded, it were hardly more than the others.
    assert 2 * int(others) < int(of_the_archive)
    assert again == days
