"""What a command costs: wall seconds, and CPU seconds of it and of everything that it started.

A JVM outlives the Python that started it, and Spark forks processes for every file that it writes.
So this process adopts what its commands leave behind (Linux only), and waits for the last of it.
"""

import ctypes
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_ADOPT_ORPHANS = 36  # PR_SET_CHILD_SUBREAPER of Linux


@dataclass(frozen=True, kw_only=True)
class Measured:
    """A command that ended well."""

    printed: str
    seconds: float
    """Until the command itself ended."""
    cpu_seconds: float


def measure(command: Sequence[str], environment: Mapping[str, str]) -> Measured:
    """Run a command; its progress goes to our stderr."""
    if ctypes.CDLL(None).prctl(_ADOPT_ORPHANS, 1, 0, 0, 0):
        sys.exit("error: CPU seconds of JVMs can be counted on Linux only")
    before, started = _ended_children(), time.monotonic()
    with tempfile.TemporaryFile("w+") as printed:
        subprocess.run(command, check=True, stdout=printed, env=environment)
        seconds = time.monotonic() - started
        _wait_for_orphans()
        printed.seek(0)
        return Measured(
            printed=printed.read(), seconds=seconds, cpu_seconds=_ended_children() - before
        )


def _wait_for_orphans() -> None:
    while True:
        try:
            os.wait()
        except ChildProcessError:
            return


def _ended_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
