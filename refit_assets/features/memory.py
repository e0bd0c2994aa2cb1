"""Spark's many ways to say that its memory was short, as one sentence with what to set.

Belongs here: reading it off an error. Does not: how much memory there is (`spec`).
"""

import re
from collections.abc import Generator
from contextlib import contextmanager

from refit_assets.errors import WorkloadFailed

_SHORT = re.compile(
    # A heap's own, a broadcast's, a killed container's; 52 is an executor that met the first.
    r"OutOfMemoryError|Not enough memory to build and broadcast|OOMKilled|exit code (?:52|137)\b"
)
# What is said once the JVM is ending, or gone: with a full heap Spark ends it.
_GONE = re.compile(
    r"SparkContext was shut down|stopped SparkContext|"
    r"Answer from Java side is empty|Error while sending or receiving|Connection refused"
)


@contextmanager
def memory_named(what: str) -> Generator[None]:
    """Run a piece of Spark's work; `what` is what it makes.

    Raises:
        WorkloadFailed: memory was short; says which settings to raise.

    """
    try:
        yield
    except Exception as error:
        errors = [*_chain(error)]
        said = "\n".join(map(_text, errors))
        short = _SHORT.search(said)
        # A database may refuse a connection, too.
        of_spark = any(type(one).__module__.startswith("py4j") for one in errors)
        if short is None and not (of_spark and _GONE.search(said)):
            raise
        told = f"memory ran out ({short[0]})" if short else "its JVM ended, as on a full heap"
        message = (
            f"Spark could not make {what}: {told}. Nothing was replaced. Raise "
            "driver_memory_mib or executor_memory_mib under compute, embedded or kubernetes, "
            "spark, or ask for fewer days at once"
        )
        raise WorkloadFailed(message) from error


def _chain(error: BaseException | None) -> Generator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception as another:  # noqa: BLE001 - py4j asks the JVM for it, which may be gone
        return str(another)
