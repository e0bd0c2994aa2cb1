"""Finding a JDK 17 among what a machine has."""

from pathlib import Path

import pytest

from refit_assets.errors import SetupError
from refit_assets.java import find_java


def test_java_home_comes_first(tmp_path: Path) -> None:
    home = _jdk(tmp_path / "mine", "17.0.15")
    assert find_java({"JAVA_HOME": str(home), "PATH": ""}).home == home


def test_another_version_in_java_home_is_passed_over_for_one_on_the_path(tmp_path: Path) -> None:
    old, right = _jdk(tmp_path / "old", "25.0.1"), _jdk(tmp_path / "right", "17.0.2")
    found = find_java({"JAVA_HOME": str(old), "PATH": str(right / "bin")})
    assert (found.home, found.version) == (right, 17)


def test_a_runtime_without_a_compiler_will_not_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("refit_assets.java._USUAL_PLACES", ())
    home = _jdk(tmp_path / "jre", "17.0.2", compiler=False)
    with pytest.raises(SetupError, match=r"a runtime without a compiler, 17.*install a JDK 17"):
        find_java({"JAVA_HOME": str(home), "PATH": ""})


def test_java_8_spells_its_version_in_its_own_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("refit_assets.java._USUAL_PLACES", ())
    home = _jdk(tmp_path / "eight", "1.8.0_402")
    with pytest.raises(SetupError, match="is a JDK 8"):
        find_java({"JAVA_HOME": str(home), "PATH": ""})


def test_no_java_at_all_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("refit_assets.java._USUAL_PLACES", ())
    with pytest.raises(SetupError, match=r"no Java at all.*openjdk-17-jdk-headless"):
        find_java({"PATH": ""})


def _jdk(home: Path, version: str, *, compiler: bool = True) -> Path:
    (home / "bin").mkdir(parents=True)
    for name in ("java", *(["javac"] if compiler else [])):
        program = home / "bin" / name
        program.write_text("#!/bin/sh\n")
        program.chmod(0o755)
    (home / "release").write_text(f'JAVA_VERSION="{version}"\n')
    return home
