"""Memory that was short is named as such, whichever of Spark's errors says so."""

import subprocess
import sys

import pytest
from py4j.protocol import Py4JError

from refit_assets.errors import DataError, RefitError, WorkloadFailed
from refit_assets.features.memory import memory_named

OF_SPARK = (
    "java.lang.OutOfMemoryError: Java heap space",
    "org.apache.spark.SparkException: Not enough memory to build and broadcast the table",
    "ExecutorLostFailure (executor 2 exited): exited with exit code 137(SIGKILL, possible OOM)",
)
FULL_HEAP = """
from refit_assets.features.memory import memory_named
from refit_assets.resources.spark import EmbeddedSpark
from refit_assets.spec import SparkSize

session = EmbeddedSpark(cores=1).session(SparkSize(driver_memory_mib=512))
with memory_named("one long text"):
    session.sql("select repeat(cast(id as string), 500000000) from range(9)").collect()
"""


def failure(error: Exception) -> Exception:
    """What becomes of an error."""
    with pytest.raises(RefitError) as told:
        work(error)
    return told.value


def work(error: Exception) -> None:
    with memory_named("features of 2013-01-01"):
        raise error


@pytest.mark.parametrize("said", OF_SPARK)
def test_short_memory_is_named_with_what_to_set(said: str) -> None:
    told = failure(RuntimeError(said))
    assert isinstance(told, WorkloadFailed)
    assert str(told).startswith("Spark could not make features of 2013-01-01: memory ran out")
    assert "driver_memory_mib or executor_memory_mib" in str(told)
    assert not told.transient


def test_an_error_that_hides_it_is_looked_behind() -> None:
    aborted = DataError("features cannot be computed: Job aborted")
    aborted.__cause__ = RuntimeError(OF_SPARK[0])
    assert isinstance(failure(aborted), WorkloadFailed)


@pytest.mark.parametrize(
    "said",
    [
        "Answer from Java side is empty",
        # What a slow machine has said before the JVM is gone.
        "org.apache.spark.SparkException: Job 0 cancelled because SparkContext was shut down",
        "java.lang.IllegalStateException: Cannot call methods on a stopped SparkContext.",
    ],
)
def test_a_jvm_that_ends_is_told(said: str) -> None:
    assert "its JVM ended, as on a full heap" in str(failure(Py4JError(said)))


def test_a_database_that_is_gone_is_no_jvm() -> None:
    with pytest.raises(ConnectionRefusedError):
        work(ConnectionRefusedError("Connection refused"))


def test_other_errors_stay_what_they_are() -> None:
    other = DataError("row 7 is bad, exit code 1370")
    assert failure(other) is other


@pytest.mark.spark
def test_a_full_heap_is_met_and_named() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", FULL_HEAP], check=False, capture_output=True, text=True
    )
    assert ended.returncode == 1
    assert "WorkloadFailed: Spark could not make one long text: " in ended.stderr
