"""The ledger's files: races, crashes, and what is refused."""

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from threading import Thread

import pytest

from refit_assets.artefacts import Folder
from refit_assets.errors import LedgerError
from refit_assets.release.ledger import (
    LedgerEvent,
    Plan,
    append,
    event_name,
    read_events,
)
from refit_assets_tests.release.ledgers import PROJECT, Log, released, version


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
from refit_assets_tests.release.test_ledger_files import numbered

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
