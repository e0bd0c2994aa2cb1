"""How far Spark is, told while it works: one job of minutes should not look like one that hangs.

Belongs here: reading Spark's own count of its tasks. Does not: what the job does (`job`).
"""

import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark import StatusTracker

_EVERY_SECONDS = 10.0


@contextmanager
def telling(
    tracker: "StatusTracker",
    what: str,
    progress: Callable[[str], None],
    every_seconds: float = _EVERY_SECONDS,
) -> Generator[None]:
    """Tell how many tasks are done, every ten seconds, for as long as the block takes."""
    from py4j.protocol import Py4JError

    ended = threading.Event()

    def tell() -> None:
        # A JVM that died is told by whoever waits for the job.
        with suppress(OSError, Py4JError):
            while not ended.wait(every_seconds):
                line = render_tasks(tracker)
                if line is not None:
                    progress(f"{what}: {line}")

    teller = threading.Thread(target=tell, daemon=True)
    teller.start()
    try:
        yield
    finally:
        ended.set()
        teller.join()


def render_tasks(tracker: "StatusTracker") -> str | None:
    """Say how far the present stages are; None between two of them."""
    found = [tracker.getStageInfo(stage) for stage in tracker.getActiveStageIds()]
    stages = [stage for stage in found if stage is not None]
    if not stages:
        return None
    done = sum(stage.numCompletedTasks for stage in stages)
    return f"{done} of {sum(stage.numTasks for stage in stages)} tasks of this stage done"
