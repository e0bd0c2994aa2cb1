"""Scoring a CSV file with a jar: what is evaluated is what is served.

Belongs here: the one subprocess that does it. Does not: measuring the scores.
"""

import subprocess
from pathlib import Path

from refit_assets.errors import DataError, WorkloadFailed
from refit_assets.packaging.maven import find_java

_BAD_ROW = 1
_TAIL_CHARS = 2000


def score_csv(jar: Path, rows: Path, predictions: Path) -> None:
    """Score `rows` with a runnable jar (`-all`) and write `predictions`, a row for each, in order.

    `rows` has a header that names the model's inputs, in any order, among any others;
    `predictions` gets `predict`, then `p:<class>` for every class (`predict` alone for a
    regression), doubles as text that reads back as the same bits.

    Raises:
        DataError: a row can't be scored; names line and column. No `predictions` is left.
        WorkloadFailed: the jar itself failed.

    """
    ended = run_jar(jar, "score", str(rows), str(predictions), "--quiet")
    if ended.returncode == _BAD_ROW:
        message = f"{rows} can't be scored by {jar.name}: {ended.stderr.strip()}"
        raise DataError(message)
    _check(jar, "score", ended)


def ask_jar(jar: Path, question: str) -> str:
    """Return what a runnable jar prints for `--about`, `--inputs` or `--self-test`.

    Raises:
        WorkloadFailed: the jar failed; for `--self-test`, the rows that differ are in the text.

    """
    ended = run_jar(jar, question)
    _check(jar, question, ended)
    return ended.stdout.strip()


def run_jar(jar: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run `java -jar` with the machine's Java and return how it ended."""
    # These runs are short: a second collector thread costs more than it brings.
    command = [str(find_java()), "-XX:+UseSerialGC", "-jar", str(jar), *arguments]
    return subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603


def _check(jar: Path, what: str, ended: "subprocess.CompletedProcess[str]") -> None:
    if ended.returncode != 0:
        message = (
            f"java -jar {jar} {what} ended with {ended.returncode}: "
            f"{(ended.stderr or ended.stdout)[-_TAIL_CHARS:].strip()}"
        )
        raise WorkloadFailed(message)
