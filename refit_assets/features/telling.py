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
    render: Callable[[], str | None],
    what: str,
    progress: Callable[[str], None],
    every_seconds: float = _EVERY_SECONDS,
) -> Generator[None]:
    """Tell how far something is, every ten seconds, for as long as the block takes."""
    from py4j.protocol import Py4JError

    ended = threading.Event()

    def tell() -> None:
        # A JVM that died is told by whoever waits for the job.
        with suppress(OSError, Py4JError):
            while not ended.wait(every_seconds):
                line = render()
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
    """Say how far the present job's stages are; None between two jobs."""
    jobs = [tracker.getJobInfo(job) for job in tracker.getActiveJobsIds()]
    planned = sorted({stage for job in jobs if job is not None for stage in job.stageIds})
    active = set(tracker.getActiveStageIds())
    stages = [stage for stage in map(tracker.getStageInfo, sorted(active)) if stage is not None]
    if not stages or not planned:
        return None
    # Stages end in the order of their numbers, and each works on all the days.
    at = max((number for number, stage in enumerate(planned, 1) if stage in active), default=1)
    done = sum(stage.numCompletedTasks for stage in stages)
    of_all = sum(stage.numTasks for stage in stages)
    return f"stage {at} of {len(planned)}, {done} of {of_all} tasks done"


def render_days(tracker: "StatusTracker", days: int) -> str | None:
    """Say how many days are written; None between two stages.

    A task of the last stage writes whole days of its own, and each about as many.
    """
    stages = [tracker.getStageInfo(stage) for stage in tracker.getActiveStageIds()]
    last = next((stage for stage in reversed(stages) if stage is not None), None)
    if last is None:
        return None
    written = days * last.numCompletedTasks // last.numTasks
    return f"about {written} of {days} days done"
