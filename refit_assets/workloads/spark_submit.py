"""A PySpark script as a process of its own, by `spark-submit`: start it, tell its log, end it.

What `spark_application` is on a cluster. The script starts and stops its session as it likes:
nothing of it reaches the process that waits. Knows nothing of assets or Dagster.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from refit_assets.errors import SetupError, WorkloadFailed
from refit_assets.workloads.watching import Tell

_GRACE_SECONDS = 10
_MOST_LINES = 30
_TRACEBACK = "Traceback (most recent call last)"


@dataclass(frozen=True, kw_only=True)
class Script:
    """A script with all that it is started with."""

    path: Path
    arguments: Sequence[str] = ()
    packages: Sequence[str] = ()
    """Maven coordinates, fetched by Spark unless its cache has them."""
    settings: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)


def build_command(script: Script, spark_home: Path) -> list[str]:
    """Build the command line, as a person would type it."""
    settings = [f"--conf={name}={value}" for name, value in script.settings.items()]
    packages = ["--packages", ",".join(script.packages)] if script.packages else []
    submit = str(spark_home / "bin" / "spark-submit")
    return [submit, *settings, *packages, str(script.path), *script.arguments]


def run_script(script: Script, tell: Tell, spark_home: Path | None = None) -> None:
    """Run a script to its end, and tell each line that it prints.

    Args:
        script: The script.
        tell: Told every line, those of standard error too.
        spark_home: Folder with `bin/spark-submit`; None: that of the installed pyspark.

    Raises:
        SetupError: pyspark is not installed.
        WorkloadFailed: it ended badly; the message has the script's own traceback.

    """
    home = spark_home or find_spark_home()
    environment = {
        **os.environ,
        # Driver and workers are this interpreter, with what is installed for it.
        "PYSPARK_PYTHON": sys.executable,
        "SPARK_HOME": str(home),
        # Into a pipe Python would hold its lines back until there are many.
        "PYTHONUNBUFFERED": "1",
        **script.environment,
    }
    lines: list[str] = []
    started = subprocess.Popen(  # noqa: S603 - the owner's own script
        build_command(script, home),
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        # A group of its own: the JVM and its Python end together.
        start_new_session=True,
    )
    with started as process:
        try:
            assert process.stdout is not None  # noqa: S101 - it is a pipe
            for line in process.stdout:
                lines.append(line.rstrip("\n"))
                tell(lines[-1])
            code = process.wait()
        finally:
            _end(process)
    if code != 0:
        message = f"{script.path.name} ended with exit code {code}{render_tail(lines)}"
        raise WorkloadFailed(message)


def find_spark_home() -> Path:
    """Find the Spark of the installed pyspark, without importing it."""
    found = find_spec("pyspark")
    if found is None or found.origin is None:
        message = "pyspark is not installed here: run `make setup`"
        raise SetupError(message)
    return Path(found.origin).parent


def render_tail(lines: Sequence[str]) -> str:
    """Render what a failure's message shows of a log: the last traceback, or the last lines.

    The frames of the JVM below a Python error say nothing to whoever wrote the script.
    """
    last = max((n for n, line in enumerate(lines) if _TRACEBACK in line), default=None)
    own = [line for line in lines[last:] if not line.startswith("\tat ")]
    # Of a traceback the beginning counts too; of anything else the end.
    shown = own[-_MOST_LINES:] if last is None else own[:_MOST_LINES]
    return "".join(f"\n  | {line}" for line in shown)


def _end(process: "subprocess.Popen[str]") -> None:
    """End whatever still runs, the JVM's children included."""
    if process.poll() is not None:
        return
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(_GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
