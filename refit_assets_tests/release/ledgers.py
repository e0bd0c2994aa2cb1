"""A ledger in memory, and nine weekly refits that may be released into it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from refit_assets.release.ledger import (
    Challenger,
    LedgerEvent,
    champion,
    champion_before,
    plan_approval,
    plan_release,
    plan_rollback,
)

PROJECT = Path(__file__).parents[2]
START = datetime(2026, 1, 5, 12, tzinfo=UTC)
WEEKS = [date(2013, 6, 3) + timedelta(weeks=week) for week in range(9)]


def instant(hours: int) -> datetime:
    return START + timedelta(hours=hours)


def challenger(week: int, *, build: int = 0) -> Challenger:
    day = WEEKS[week]
    return Challenger(
        model="flight_delay",
        refit=day.isoformat(),
        as_of=day,
        version=f"1.0.{day:%Y%m%d}" + (f"-{build}" if build else ""),
        coordinates="com.example.models:flight-delay",
        mojo_sha256=f"mojo-{week}-{build}",
        training_set_digest=f"set-{week}",
    )


@dataclass
class Log:
    """A ledger in memory: one event an hour, each against the champion that history has."""

    events: list[LedgerEvent] = field(default_factory=list[LedgerEvent])

    def add(self, event: LedgerEvent | None) -> LedgerEvent | None:
        if event is not None:
            self.events.append(event)
        return event

    @property
    def now(self) -> datetime:
        return instant(len(self.events) + 1)

    def release(self, week: int, *, promote: bool = True, build: int = 0) -> LedgerEvent | None:
        before = champion_before(self.events, WEEKS[week])
        return self.add(
            plan_release(
                self.events,
                challenger(week, build=build),
                promote=promote,
                reason="better by 0.01" if promote else "worse by 0.02",
                against=None if before is None else before.version,
                by="run 1a2b",
                now=self.now,
            )
        )

    def approve(self, week: int) -> LedgerEvent | None:
        refit = WEEKS[week].isoformat()
        plan = plan_approval(self.events, refit, by="Ada", reason="holiday week", now=self.now)
        return self.add(plan)

    def roll_back(self, week: int) -> LedgerEvent | None:
        version = challenger(week).version
        plan = plan_rollback(self.events, version, by="Ada", reason="complaints", now=self.now)
        return self.add(plan)

    @property
    def serving(self) -> str | None:
        event = champion(self.events)
        return None if event is None else event.version


def released(*weeks: int) -> Log:
    log = Log()
    for week in weeks:
        log.release(week)
    return log


def version(week: int) -> str:
    return challenger(week).version


def versions(events: Sequence[LedgerEvent]) -> list[str | None]:
    return [event.version for event in events]
