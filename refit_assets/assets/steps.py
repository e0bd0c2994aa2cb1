"""What every asset does around its one call of a stage: measure, tell, fail as Dagster fails.

Errors of ours become Dagster's here and nowhere else.
"""

import logging
import os
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field

import dagster as dg

from refit_assets.errors import RefitError

PROGRESS = logging.getLogger("refit_assets.progress")
"""Every line of progress, for whoever runs the assets without the UI."""

RETRY_TRANSIENT = dg.RetryPolicy(max_retries=2, delay=5)


def cpu_seconds() -> float:
    """CPU seconds of this process and of everything below it, ended children included."""
    import psutil

    total = 0.0
    me = psutil.Process(os.getpid())
    for process in (me, *me.children(recursive=True)):
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            # It ended between the listing and the look.
            continue
        total += times.user + times.system + times.children_user + times.children_system
    return total


@dataclass
class Step:
    """A stage at work."""

    context: dg.AssetExecutionContext
    started: float = field(default_factory=time.monotonic)
    cpu_started: float = field(default_factory=cpu_seconds)

    def tell(self, line: str) -> None:
        """One line of progress, into the run's log and to the command line."""
        self.context.log.info(line)
        PROGRESS.info(line)

    @property
    def figures(self) -> dict[str, float]:
        """Wall and CPU seconds so far, with those of all processes below this one."""
        return {
            "seconds": round(time.monotonic() - self.started, 2),
            "cpu_seconds": round(cpu_seconds() - self.cpu_started, 2),
        }


@contextmanager
def step(context: dg.AssetExecutionContext) -> Generator[Step]:
    """Run a stage, measured; its errors end the step, and only transient ones are tried again."""
    with refusals(), _no_second_attempt_of_what_was_stopped(context):
        yield Step(context)


@contextmanager
def _no_second_attempt_of_what_was_stopped(context: dg.AssetExecutionContext) -> Generator[None]:
    """End the step of a run that somebody stopped: Dagster's retry policy would begin it again.

    An interrupt of any other cause is a node on its way down, and the policy's business.
    """
    try:
        yield
    except (dg.DagsterExecutionInterruptedError, KeyboardInterrupt) as interrupt:
        run = context.instance.get_run_by_id(context.run.run_id)
        if run is None or run.status != dg.DagsterRunStatus.CANCELING:
            raise
        raise dg.Failure(description="stopped by somebody", allow_retries=False) from interrupt


@contextmanager
def refusals() -> Generator[None]:
    """Turn errors of ours into Dagster's: transient ones are tried again, no others."""
    try:
        yield
    except RefitError as error:
        if error.transient:
            raise
        raise dg.Failure(description=str(error), allow_retries=False) from error
    except (dg.Failure, dg.RetryRequested, ConnectionError, TimeoutError):
        # Networks recover: their errors are worth another attempt, whoever raised them.
        raise
    except Exception as error:
        # Unforeseen, so a bug: another attempt would only hide it behind a delay.
        said = f"{type(error).__name__}: {error}"
        raise dg.Failure(description=said, allow_retries=False) from error
