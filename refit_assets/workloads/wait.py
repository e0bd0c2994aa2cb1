"""Waiting for what runs outside this process: the only polling loop there is.

Belongs here: patience and the loop. Does not: what a state means (each workload's module), and
trying again after a failure (Dagster's retry policy).
"""

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TypeVar

from refit_assets.errors import WorkloadTimeout

StateT = TypeVar("StateT")


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How long to wait, how often to look, and by which clock."""

    timeout_seconds: float
    interval_seconds: float = 1.0
    clock: Callable[[], float] = time.monotonic
    """Seconds that never go backwards."""
    sleep: Callable[[float], object] = time.sleep


def wait_until(
    read: Callable[[], StateT], ends: Collection[StateT], what: str, patience: Patience
) -> StateT:
    """Read a state again and again until it is one of `ends`, and return that.

    A state that means failure belongs into `ends`, too, or `read` raises on it: it must not be
    waited out.

    Raises:
        WorkloadTimeout: it did not come in time; names `what` and the last state.

    """
    deadline = patience.clock() + patience.timeout_seconds
    # Read before looking at the clock: an end that came during the last sleep counts.
    while (state := read()) not in ends:
        left = deadline - patience.clock()
        if left <= 0:
            awaited = " or ".join(sorted(str(end) for end in ends))
            message = (
                f"{what} is still {state} after {patience.timeout_seconds:g} s; "
                f"waited for {awaited}"
            )
            raise WorkloadTimeout(message)
        patience.sleep(min(patience.interval_seconds, left))
    return state
