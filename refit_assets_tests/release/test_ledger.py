"""The ledger's folds and plans over events in memory, and its files in a folder."""

import random
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from threading import Thread

import pytest

from refit_assets.artefacts import Folder
from refit_assets.errors import LedgerError
from refit_assets.release.ledger import (
    Challenger,
    LedgerEvent,
    Plan,
    append,
    champion,
    champion_before,
    decision,
    event_name,
    history,
    plan_approval,
    plan_release,
    plan_rollback,
    promotes_now,
    read_events,
    releases,
    timeline,
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


def test_an_empty_ledger_has_no_champion() -> None:
    assert champion([]) is None
    assert champion_before([], WEEKS[0]) is None
    assert timeline([]) == ()
    assert history([]) == ()
    assert promotes_now([], WEEKS[0])


def test_a_promotion_serves_and_names_what_it_replaced_and_was_judged_against() -> None:
    log = released(0, 1)
    assert log.serving == version(1)
    assert [(e.replaced, e.against) for e in log.events] == [
        (None, None),
        (version(0), version(0)),
    ]


def test_a_held_refit_changes_nothing() -> None:
    log = released(0)
    held = log.release(1, promote=False)
    assert held is not None
    assert (held.kind, held.against, held.replaced) == ("held", version(0), None)
    assert log.serving == version(0)


def test_what_served_at_an_instant_is_a_question_to_the_clock() -> None:
    log = released(0, 1, 2)
    served = [champion(log.events, at=instant(hour)) for hour in range(4)]
    assert [event and event.version for event in served] == [
        None,
        version(0),
        version(1),
        version(2),
    ]


def test_whose_place_in_history_a_day_is_is_a_question_to_the_as_of_dates() -> None:
    log = released(0, 2)
    day_before, within = WEEKS[2] - timedelta(days=1), WEEKS[2] + timedelta(days=3)
    assert champion(log.events, as_of=WEEKS[0] - timedelta(days=1)) is None
    assert versions([e for e in [champion(log.events, as_of=day_before)] if e]) == [version(0)]
    assert versions([e for e in [champion(log.events, as_of=within)] if e]) == [version(2)]


def test_a_late_backfill_of_old_refits_does_not_change_what_serves_today() -> None:
    log = released(5)
    for week in (2, 3, 4):
        event = log.release(week)
        assert event is not None
        assert (event.kind, event.replaced) == ("promoted", None)
    assert log.serving == version(5)
    assert [turn.event.version for turn in timeline(log.events)] == [version(5)]
    assert not promotes_now(log.events, WEEKS[4])


def test_a_late_backfill_rewrites_history_but_not_what_was_known_then() -> None:
    log = released(5)
    known_then = instant(1)
    log.release(2)
    now = champion(log.events, as_of=WEEKS[3])
    assert now is not None
    assert now.version == version(2)
    assert champion(log.events, as_of=WEEKS[3], at=known_then) is None


def test_a_backfill_compares_each_refit_with_the_one_before_it_in_history() -> None:
    log = released(5)
    backfilled = [log.release(week) for week in (2, 3, 4)]
    assert [event and event.against for event in backfilled] == [None, version(2), version(3)]
    before = champion_before(log.events, WEEKS[5])
    assert before is not None
    assert before.version == version(4)


def test_history_orders_by_as_of_and_the_timeline_by_the_clock() -> None:
    log = released(1, 3, 0, 2)
    assert [tenure.event.version for tenure in history(log.events)] == [
        version(week) for week in range(4)
    ]
    first, *_, last = history(log.events)
    assert (first.first_day, first.last_day) == (WEEKS[0], WEEKS[1] - timedelta(days=1))
    assert (last.first_day, last.last_day) == (WEEKS[3], None)
    turns = timeline(log.events)
    assert [(t.event.version, t.since, t.until) for t in turns] == [
        (version(1), instant(1), instant(2)),
        (version(3), instant(2), None),
    ]


def test_the_timeline_at_an_instant_knows_nothing_later() -> None:
    log = released(0, 1)
    (turn,) = timeline(log.events, at=instant(1))
    assert (turn.event.version, turn.until) == (version(0), None)
    assert [t.event.version for t in history(log.events, at=instant(1))] == [version(0)]


def test_releasing_the_same_candidate_again_adds_nothing() -> None:
    log = released(0, 1)
    log.release(2, promote=False)
    assert log.release(1) is None
    assert log.release(2, promote=False) is None
    assert log.release(0, promote=False) is None
    assert len(log.events) == 3


def test_a_backfill_over_released_refits_adds_nothing() -> None:
    log = released(0, 1, 2)
    assert [log.release(week) for week in range(3)] == [None, None, None]


def test_a_held_candidate_that_now_passes_is_promoted() -> None:
    log = released(0)
    log.release(1, promote=False)
    log.release(1)
    assert [event.kind for event in log.events] == ["promoted", "held", "promoted"]
    assert log.serving == version(1)


def test_another_candidate_of_the_same_refit_replaces_the_first() -> None:
    log = released(0, 1)
    event = log.release(1, build=1)
    assert event is not None
    assert (event.version, event.against, event.replaced) == (
        version(1) + "-1",
        version(0),
        version(1),
    )
    assert log.serving == version(1) + "-1"


def test_a_candidate_held_again_after_another_was_held_is_told_again() -> None:
    log = Log()
    log.release(0, promote=False)
    log.release(0, promote=False, build=1)
    assert log.release(0, promote=False) is not None


def test_a_comparison_with_an_outdated_champion_is_refused() -> None:
    log = released(0, 1)
    with pytest.raises(
        LedgerError, match=rf"compared with no champion, but .* is {version(1)}: materialise"
    ):
        plan_release(
            log.events,
            challenger(2),
            promote=True,
            reason="better",
            against=None,
            by="run",
            now=log.now,
        )


def test_a_comparison_with_a_champion_that_history_does_not_have_is_refused() -> None:
    with pytest.raises(LedgerError, match=r"compared with 9\.9, but the champion .* is none"):
        plan_release([], challenger(2), promote=True, reason="", against="9.9", by="run", now=START)


def test_a_version_is_given_away_once() -> None:
    log = released(0)
    twin = replace(challenger(1), version=version(0))
    with pytest.raises(LedgerError, match=r"stands for refit 2013-06-03 already"):
        plan_release(
            log.events,
            twin,
            promote=True,
            reason="",
            against=version(0),
            by="run",
            now=log.now,
        )


def test_a_person_can_approve_a_held_refit_by_name_and_reason() -> None:
    log = released(0)
    log.release(1, promote=False)
    event = log.approve(1)
    assert event is not None
    assert (event.kind, event.by, event.reason) == ("approved", "Ada", "holiday week")
    assert (event.version, event.replaced) == (version(1), version(0))
    assert log.serving == version(1)
    assert versions(releases(log.events)) == [version(0), version(1)]


def test_approving_twice_adds_nothing_and_nor_does_releasing_what_was_approved() -> None:
    log = Log()
    log.release(0, promote=False)
    log.approve(0)
    assert log.approve(0) is None
    assert log.release(0, promote=False) is None
    assert len(log.events) == 2


def test_what_is_not_held_cannot_be_approved() -> None:
    log = released(0)
    log.release(1, promote=False)
    with pytest.raises(
        LedgerError, match=r"nothing to approve .* 2013-07-01; held are: 2013-06-10"
    ):
        log.approve(4)
    with pytest.raises(LedgerError, match=r"held are: none"):
        Log().approve(0)


def test_approving_an_old_refit_over_a_newer_one_is_refused() -> None:
    log = Log()
    log.release(0, promote=False)
    log.release(1)
    with pytest.raises(LedgerError, match=r"put an old model over a newer one"):
        log.approve(0)


@pytest.mark.parametrize(("by", "reason"), [("", "because"), ("Ada", "  ")])
def test_a_person_signs_with_name_and_reason(by: str, reason: str) -> None:
    log = released(0)
    with pytest.raises(LedgerError, match=r"rollback needs a name and a reason"):
        plan_rollback(log.events, version(0), by=by, reason=reason, now=log.now)
    with pytest.raises(LedgerError, match=r"approval needs a name and a reason"):
        plan_approval(log.events, "2013-06-03", by=by, reason=reason, now=log.now)


def test_a_rollback_serves_the_old_version_from_its_instant_on() -> None:
    log = released(0, 1, 2)
    event = log.roll_back(0)
    assert event is not None
    assert (event.kind, event.version, event.replaced) == ("rolled_back", version(0), version(2))
    assert (event.refit, event.mojo_sha256) == (WEEKS[0].isoformat(), "mojo-0-0")
    assert log.serving == version(0)
    served = champion(log.events, at=instant(3))
    assert served is not None
    assert served.version == version(2)


def test_after_a_rollback_old_refits_stay_out_and_the_next_is_compared_with_what_serves() -> None:
    log = released(0, 3)
    log.roll_back(0)
    log.release(1)
    assert log.serving == version(0)
    event = log.release(4)
    assert event is not None
    assert (event.against, event.replaced) == (version(0), version(0))
    assert log.serving == version(4)


def test_rolling_back_twice_lies_behind_the_newest_model_both_times() -> None:
    log = released(0, 1, 2)
    log.roll_back(1)
    log.roll_back(0)
    assert log.serving == version(0)
    assert [event.as_of for event in log.events[2:]] == [WEEKS[2]] * 3


def test_a_rolled_back_candidate_does_not_return_by_releasing_it_again() -> None:
    log = released(0, 1)
    log.roll_back(0)
    assert log.release(1) is None
    assert log.serving == version(0)


def test_a_rolled_back_refit_with_new_data_may_serve_again() -> None:
    log = released(0, 1)
    log.roll_back(0)
    log.release(1, build=1)
    assert log.serving == version(1) + "-1"


def test_one_can_roll_forward_again() -> None:
    log = released(0, 1)
    log.roll_back(0)
    log.roll_back(1)
    assert log.serving == version(1)


def test_rolling_back_to_what_serves_adds_nothing() -> None:
    assert released(0, 1).roll_back(1) is None


def test_rolling_back_to_a_version_never_published_names_those_that_are() -> None:
    log = released(0, 1)
    log.release(2, promote=False)
    with pytest.raises(
        LedgerError, match=rf"{version(2)} was never published.* {version(0)}, {version(1)}$"
    ):
        log.roll_back(2)
    with pytest.raises(LedgerError, match=r"published are: none"):
        Log().roll_back(0)


def test_the_decision_on_a_packaged_refit_can_be_looked_up() -> None:
    log = released(0)
    log.release(1, promote=False)
    assert decision(log.events, challenger(1)) is log.events[1]
    assert decision(log.events, challenger(2)) is None
    log.approve(1)
    log.release(1, promote=False, build=1)
    assert decision(log.events, challenger(1)) is log.events[2]


def repackaged(log: Log) -> LedgerEvent | None:
    """Judge the model of week 1 again, in a jar that was built anew."""
    again = replace(challenger(1), version=version(1) + "-7")
    before = version(0)
    return log.add(
        plan_release(
            log.events, again, promote=True, reason="", against=before, by="run", now=log.now
        )
    )


def test_the_same_model_in_another_jar_is_released_in_its_place() -> None:
    log = released(0, 1)
    event = repackaged(log)
    assert event is not None
    assert (event.version, event.replaced) == (version(1) + "-7", version(1))
    assert repackaged(log) is None


def test_a_model_that_was_rolled_back_does_not_return_in_another_jar() -> None:
    log = released(0, 1)
    log.roll_back(0)
    assert repackaged(log) is None
    assert log.serving == version(0)


def test_a_slow_clock_does_not_run_backwards_in_the_ledger() -> None:
    log = released(0)
    event = plan_rollback(
        [*log.events, replace(log.events[0], sequence=2, version="1.1.20130603")],
        version(0),
        by="Ada",
        reason="slow clock",
        now=START - timedelta(days=1),
    )
    assert event is not None
    assert event.recorded_at == log.events[0].recorded_at


def test_an_instant_without_a_zone_is_refused() -> None:
    log = released(0)
    for ask in (champion, timeline, history):
        with pytest.raises(LedgerError, match=r"2026-01-05T12:00:00 is no instant: write it with"):
            ask(log.events, at=START.replace(tzinfo=None))


def test_an_instant_may_be_asked_in_any_zone_but_is_recorded_in_utc() -> None:
    log = released(0)
    elsewhere = instant(1).astimezone(timezone(timedelta(hours=2)))
    assert champion(log.events, at=elsewhere) is log.events[0]
    for wrong in (elsewhere, instant(1).replace(tzinfo=None)):
        with pytest.raises(LedgerError, match=r"recorded_at is .* expected UTC"):
            replace(log.events[0], recorded_at=wrong)


def test_the_timeline_and_the_fold_agree_at_every_instant_of_any_ledger() -> None:
    for seed in range(60):
        dice = random.Random(seed)
        log = Log()
        for _ in range(25):
            play(log, dice)
        agree(log.events)


def play(log: Log, dice: random.Random) -> None:
    week, build = dice.randrange(len(WEEKS)), dice.randrange(2)
    move = dice.choice(["release", "release", "hold", "approve", "roll back"])
    try:
        if move == "approve":
            log.approve(week)
        elif move == "roll back":
            log.roll_back(week)
        else:
            log.release(week, promote=move == "release", build=build)
    except LedgerError:
        assert move in {"approve", "roll back"}


def agree(events: Sequence[LedgerEvent]) -> None:
    turns = timeline(events)
    for hour in range(len(events) + 2):
        served = champion(events, at=instant(hour))
        mine = [
            t
            for t in turns
            if t.since <= instant(hour) and (not t.until or instant(hour) < t.until)
        ]
        assert [turn.event for turn in mine] == ([] if served is None else [served])
    for tenure in history(events):
        assert champion(events, as_of=tenure.first_day) == tenure.event
        assert tenure.last_day is None or champion(events, as_of=tenure.last_day) == tenure.event
    replaced = [turn.event.replaced for turn in turns[1:]]
    assert replaced == [turn.event.version for turn in turns[:-1]]


# Files


def plan_week(week: int) -> Plan:
    def plan(events: Sequence[LedgerEvent]) -> LedgerEvent | None:
        log = Log(events=list(events))
        return log.release(week)

    return plan


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(root=tmp_path)


def test_events_read_back_as_they_were_written(folder: Folder) -> None:
    written = [append(folder, "flight_delay", plan_week(week)) for week in (0, 1)]
    assert list(read_events(folder, "flight_delay")) == written
    assert folder.names("ledger/") == [event_name("flight_delay", n) for n in (1, 2)]


def test_a_plan_of_nothing_writes_nothing(folder: Folder) -> None:
    append(folder, "flight_delay", plan_week(0))
    assert append(folder, "flight_delay", plan_week(0)) is None
    assert len(read_events(folder, "flight_delay")) == 1


def test_two_models_have_ledgers_of_their_own(folder: Folder) -> None:
    append(folder, "flight_delay", plan_week(0))
    assert read_events(folder, "air_time") == ()


def test_the_loser_of_a_race_plans_again_over_the_winners_event(folder: Folder) -> None:
    seen: list[int] = []

    def plan(events: Sequence[LedgerEvent]) -> LedgerEvent | None:
        seen.append(len(events))
        if not events:
            append(folder, "flight_delay", plan_week(0))
        return Log(events=list(events)).release(1)

    # Planned over nothing, it would have been compared with no champion.
    event = append(folder, "flight_delay", plan)
    assert seen == [0, 1]
    assert event is not None
    assert (event.sequence, event.against) == (2, version(0))


def test_one_who_loses_every_race_gives_up(folder: Folder) -> None:
    turns = iter(range(100))

    def plan(events: Sequence[LedgerEvent]) -> LedgerEvent | None:
        append(folder, "flight_delay", lambda now: numbered(now, next(turns)))
        return numbered(events, 999)

    with pytest.raises(LedgerError, match=r"20 attempts to append lost"):
        append(folder, "flight_delay", plan)


def numbered(events: Sequence[LedgerEvent], number: int) -> LedgerEvent:
    event = released(0).events[0]
    return replace(event, sequence=len(events) + 1, version=f"{number}.0.20130603")


def test_many_writers_lose_no_event(folder: Folder) -> None:
    def write(number: int) -> None:
        append(folder, "flight_delay", lambda events: numbered(events, number))

    threads = [Thread(target=write, args=(number,)) for number in range(1, 9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    events = read_events(folder, "flight_delay")
    assert [event.sequence for event in events] == list(range(1, 9))
    assert len({event.version for event in events}) == 8


def test_what_a_crash_left_half_written_is_no_event(folder: Folder) -> None:
    append(folder, "flight_delay", plan_week(0))
    ledger = folder.path("ledger/flight_delay")
    (ledger / ".new-4f3a").write_bytes(b'{"sequence": 2')
    (ledger / "00000002.json.part").write_bytes(b"{")
    assert len(read_events(folder, "flight_delay")) == 1
    assert append(folder, "flight_delay", plan_week(1)) is not None


WRITER = """
import sys
from pathlib import Path
from refit_assets.artefacts import Folder
from refit_assets.release.ledger import append
from refit_assets_tests.release.test_ledger import numbered

for number in range(1, 10_000):
    append(Folder(root=Path(sys.argv[1])), "flight_delay", lambda now: numbered(now, number))
    print(number, flush=True)
"""


def test_a_writer_killed_at_any_point_leaves_a_ledger_that_reads_and_grows(folder: Folder) -> None:
    command = [sys.executable, "-c", WRITER, str(folder.root)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=PROJECT) as writer:
        assert writer.stdout is not None
        for _ in range(5):
            writer.stdout.readline()
        writer.kill()
    events = read_events(folder, "flight_delay")
    assert len(events) >= 5
    event = append(folder, "flight_delay", lambda now: numbered(now, 10_000))
    assert event is not None
    assert event.sequence == len(events) + 1


def test_a_missing_event_is_told_with_its_file(folder: Folder) -> None:
    for week in range(3):
        append(folder, "flight_delay", plan_week(week))
    folder.path(event_name("flight_delay", 2)).unlink()
    with pytest.raises(LedgerError, match=r"00000003\.json holds event 3 .* expected event 2"):
        read_events(folder, "flight_delay")


def test_an_unreadable_event_is_told_with_its_file(folder: Folder) -> None:
    append(folder, "flight_delay", plan_week(0))
    folder.path(event_name("flight_delay", 1)).write_bytes(b'{"sequence": 1}')
    with pytest.raises(LedgerError, match=r"00000001\.json is no LedgerEvent"):
        read_events(folder, "flight_delay")


def test_a_ledger_copied_from_another_model_is_refused(folder: Folder) -> None:
    append(folder, "flight_delay", plan_week(0))
    content = folder.read(event_name("flight_delay", 1))
    folder.write(event_name("air_time", 1), content or b"")
    with pytest.raises(LedgerError, match=r"event 1 of flight_delay, expected event 1 of air"):
        read_events(folder, "air_time")
