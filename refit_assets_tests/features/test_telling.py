"""Progress of a Spark job, from a tracker in memory."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass

from refit_assets.features.telling import render_tasks, telling


@dataclass(frozen=True)
class Stage:
    numTasks: int  # noqa: N815 - Spark's names
    numCompletedTasks: int  # noqa: N815


@dataclass(frozen=True)
class Tracker:
    stages: Sequence[Stage | None]

    def getActiveStageIds(self) -> list[int]:  # noqa: N802
        return list(range(len(self.stages)))

    def getStageInfo(self, number: int) -> Stage | None:  # noqa: N802
        return self.stages[number]


def test_all_stages_that_run_are_counted_together() -> None:
    tracker = Tracker([Stage(8, 3), None, Stage(4, 4)])
    assert render_tasks(tracker) == "7 of 12 tasks of this stage done"  # pyright: ignore[reportArgumentType]


def test_between_two_stages_nothing_is_said() -> None:
    assert render_tasks(Tracker([])) is None  # pyright: ignore[reportArgumentType]


def test_it_is_told_while_the_work_lasts_and_not_after() -> None:
    told: list[str] = []
    before = threading.active_count()
    heard = threading.Event()

    def listen(line: str) -> None:
        told.append(line)
        heard.set()

    tracker = Tracker([Stage(8, 3)])
    with telling(tracker, "computing 7 days", listen, every_seconds=0):  # pyright: ignore[reportArgumentType]
        heard.wait()
    assert told[0] == "computing 7 days: 3 of 8 tasks of this stage done"
    assert threading.active_count() == before
