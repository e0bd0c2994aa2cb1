"""The jars that Spark needs for the feature table, fetched once by Maven into the user's cache.

`jars.xml` pins them. Belongs here: finding and fetching them. Does not: a session
(`resources.spark`).
"""

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from refit_assets.errors import SetupError

POM = Path(__file__).with_name("jars.xml")
_MOST_SECONDS = 900


def find_jars(cache: Path) -> tuple[Path, ...]:
    """Return the jars, sorted; those that are not in the cache are fetched first.

    Raises:
        SetupError: Maven is not there, or cannot fetch them.

    """
    pom = POM.read_bytes()
    folder = cache / f"jars-{hashlib.sha256(pom).hexdigest()[:16]}"
    if not folder.is_dir():
        _fetch(pom, folder)
    return tuple(sorted(folder.glob("*.jar")))


def _fetch(pom: bytes, folder: Path) -> None:
    maven = shutil.which("mvn")
    if maven is None:
        message = "Spark's Iceberg jars are not here yet, and there is no mvn: install Maven 3.8+"
        raise SetupError(message)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".new-", dir=folder.parent) as text:
        work = Path(text)
        (work / "pom.xml").write_bytes(pom)
        _copy(maven, work)
        try:
            # Whole or not at all, also when two processes fetch at once.
            (work / "jars").rename(folder)
        except OSError:
            if not folder.is_dir():
                raise


def _copy(maven: str, work: Path) -> None:
    command = [maven, "-q", "-B", "-f", str(work / "pom.xml"), "dependency:copy-dependencies"]
    command.append(f"-DoutputDirectory={work / 'jars'}")
    try:
        done = subprocess.run(  # noqa: S603 - our own command
            command,
            cwd=work,
            capture_output=True,
            text=True,
            timeout=_MOST_SECONDS,
            check=False,
            env={**os.environ, "MAVEN_OPTS": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"},
        )
    except subprocess.TimeoutExpired as error:
        message = f"Maven did not fetch Spark's Iceberg jars within {_MOST_SECONDS} s: {command}"
        raise SetupError(message) from error
    if done.returncode:
        tail = "\n".join((done.stdout + done.stderr).splitlines()[-8:])
        message = f"Maven cannot fetch Spark's Iceberg jars ({' '.join(command)}):\n{tail}"
        raise SetupError(message)
