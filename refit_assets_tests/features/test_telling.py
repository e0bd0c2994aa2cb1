"""Progress of a Spark job, from a tracker in memory."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass

from refit_assets.features.telling import render_days, render_tasks, telling


@dataclass(frozen=True)
class Stage:
    numTasks: int  # noqa: N815 - Spark's names
    numCompletedTasks: int  # noqa: N815


@dataclass(frozen=True)
class Job:
    stageIds: Sequence[int]  # noqa: N815


@dataclass(frozen=True)
class Tracker:
    """One job of the stages 0 to 4; those that run, by number."""

    running: dict[int, Stage | None]

    def getActiveJobsIds(self) -> list[int]:  # noqa: N802
        return [1, 2] if self.running else []

    def getJobInfo(self, number: int) -> Job | None:  # noqa: N802
        # The second has ended since it was listed.
        return Job([4, 3, 2, 1, 0]) if number == 1 else None

    def getActiveStageIds(self) -> list[int]:  # noqa: N802
        return [*self.running]

    def getStageInfo(self, number: int) -> Stage | None:  # noqa: N802
        return self.running[number]


def tasks(**running: Stage | None) -> str | None:
    return render_tasks(Tracker({int(k[1:]): stage for k, stage in running.items()}))  # pyright: ignore[reportArgumentType]


def test_all_stages_that_run_are_counted_together() -> None:
    assert tasks(s2=Stage(4, 4), s1=Stage(8, 3)) == "stage 3 of 5, 7 of 12 tasks done"


def test_a_stage_that_ended_since_it_was_listed_is_left_out() -> None:
    assert tasks(s0=None, s1=Stage(8, 3)) == "stage 2 of 5, 3 of 8 tasks done"


def test_between_two_stages_nothing_is_said() -> None:
    assert tasks() is None
    assert tasks(s0=None) is None


def test_days_are_written_as_the_tasks_of_the_last_stage_end() -> None:
    tracker = Tracker({3: Stage(2, 2), 4: Stage(4, 3)})
    assert render_days(tracker, 349) == "about 261 of 349 days done"  # pyright: ignore[reportArgumentType]


def test_before_and_after_the_writing_nothing_is_said() -> None:
    assert render_days(Tracker({}), 349) is None  # pyright: ignore[reportArgumentType]


def test_it_is_told_while_the_work_lasts_and_not_after() -> None:
    told: list[str] = []
    before = threading.active_count()
    heard = threading.Event()

    def listen(line: str) -> None:
        told.append(line)
        heard.set()

    with telling(lambda: "3 of 8", "computing 7 days", listen, every_seconds=0):
        heard.wait()
    assert told[0] == "computing 7 days: 3 of 8"
    assert threading.active_count() == before
