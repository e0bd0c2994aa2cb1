"""Where the machine's Java lies: H2O runs on 8 to 17, Spark and the jars' build need 17.

Belongs here: finding a JDK and its version. Does not: starting anything with it.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from refit_assets.errors import SetupError

VERSION = 17
"""The only one that suits H2O 3.46 (8 to 17) and Spark 4 (17 and later)."""

_USUAL_PLACES = (
    "/usr/lib/jvm/*",
    "/usr/java/*",
    "/opt/java/*",
    "/opt/jdk*",
    "/opt/homebrew/opt/openjdk@17",
    "/Library/Java/JavaVirtualMachines/*/Contents/Home",
    "~/.sdkman/candidates/java/*",
    "~/.jdks/*",
)
CURE = (
    f"install a JDK {VERSION} (Debian, Ubuntu: apt-get install openjdk-{VERSION}-jdk-headless; "
    f"Fedora: dnf install java-{VERSION}-openjdk-devel; macOS: brew install openjdk@{VERSION}) "
    "or point JAVA_HOME to one"
)


@dataclass(frozen=True, kw_only=True)
class Java:
    """A Java installation."""

    home: Path
    version: int

    @property
    def command(self) -> Path:
        """The `java` program."""
        return self.home / "bin" / "java"

    @property
    def compiles(self) -> bool:
        """Whether it is a JDK, not just a runtime."""
        return (self.home / "bin" / "javac").exists()


def find_java(environment: Mapping[str, str] | None = None) -> Java:
    """Find a JDK 17: JAVA_HOME first, then PATH, then where packages put it.

    Raises:
        SetupError: there is none; says which versions there are and what to install.

    """
    values = os.environ if environment is None else environment
    found = [_inspect(home) for home in dict.fromkeys(_homes(values))]
    known = [java for java in found if java is not None]
    for java in known:
        if java.version == VERSION and java.compiles:
            return java
    raise SetupError(_missing(known))


def _homes(values: Mapping[str, str]) -> Iterator[Path]:
    if home := values.get("JAVA_HOME"):
        yield Path(home)
    on_path = shutil.which("java", path=values.get("PATH"))
    if on_path is not None:
        # /usr/bin/java is a link to where the JDK lies.
        yield Path(on_path).resolve().parents[1]
    for place in _USUAL_PLACES:
        pattern = Path(place).expanduser()
        yield from sorted(path.resolve() for path in pattern.parent.glob(pattern.name))


@lru_cache(maxsize=64)
def _inspect(home: Path) -> Java | None:
    """Read the version from the `release` file of every JDK since 9; ask the program otherwise."""
    release = home / "release"
    if not (home / "bin" / "java").exists():
        return None
    text = release.read_text(encoding="utf-8") if release.exists() else ""
    # Java 8 calls itself 1.8.
    match = re.search(r'JAVA_VERSION="(?:1\.)?(\d+)', text)
    if match is None:
        match = re.search(r'version "(?:1\.)?(\d+)', _asked(home / "bin" / "java"))
    return None if match is None else Java(home=home, version=int(match[1]))


def _asked(java: Path) -> str:
    command = [str(java), "-version"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stderr


def _missing(known: Iterable[Java]) -> str:
    there = [
        f"{java.home} is {'a JDK' if java.compiles else 'a runtime without a compiler,'} "
        f"{java.version}"
        for java in known
    ]
    seen = "; ".join(there) or "no Java at all"
    return f"no JDK {VERSION} was found ({seen}): {CURE}"
