"""The jars that Spark needs for the feature table, fetched once by Maven into the user's cache.

`jars.xml` pins them. Belongs here: which they are, and where they are kept. Does not: a session
(`resources.spark`), running Maven (`packaging.maven`).
"""

import hashlib
import tempfile
from collections.abc import Callable
from pathlib import Path

# Not `spark.jars.packages`, which costs seconds at every start; the images use the same pom.
POM = Path(__file__).with_name("jars.xml")


def find_jars(cache: Path, run_maven: Callable[[Path, str], object]) -> tuple[Path, ...]:
    """Return the jars, sorted; those that are not in the cache are fetched first.

    Args:
        cache: Folder for what can be fetched again; the jars of each version of the pom get a
            folder of their own in it.
        run_maven: Runs a goal on the project in a folder; asked only where jars are missing.

    """
    pom = POM.read_bytes()
    folder = cache / f"jars-{hashlib.sha256(pom).hexdigest()[:16]}"
    if not folder.is_dir():
        _fetch(pom, folder, run_maven)
    return tuple(sorted(folder.glob("*.jar")))


def _fetch(pom: bytes, folder: Path, run_maven: Callable[[Path, str], object]) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".new-", dir=folder.parent) as text:
        work = Path(text)
        (work / "pom.xml").write_bytes(pom)
        # Without a folder named, the plugin copies to target/dependency.
        run_maven(work, "dependency:copy-dependencies")
        try:
            # Whole or not at all, also when two processes fetch at once.
            (work / "target" / "dependency").rename(folder)
        except OSError:
            if not folder.is_dir():
                raise
