"""What is due is found by comparing what landed with what is recorded."""

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from refit_assets.artefacts import ArtefactStore, Folder, day_name
from refit_assets.errors import DataError
from refit_assets.features.contract import build_contract
from refit_assets.features.landed import identify, last_landed_day, list_landing
from refit_assets.features.recipe import recipe_digest
from refit_assets.features.table import DayRecord
from refit_assets.features.window import contiguous, contiguous_apart, plan_window
from refit_assets.release.due import (
    Due,
    Released,
    complete_inputs,
    find_due,
    fingerprint,
)
from refit_assets_tests.specs import EVERY_SECOND, build_spec

SPEC = build_spec()
FIRST = date(2013, 1, 1)


@pytest.fixture
def landing(tmp_path: Path) -> Folder:
    folder = Folder(root=tmp_path / "landing")
    folder.write("kinds.csv", b"kind,weight\n")
    return folder


@pytest.fixture
def store(tmp_path: Path) -> ArtefactStore:
    return ArtefactStore(storage=Folder(root=tmp_path / "artefacts"))


def land(landing: Folder, days: int, content: bytes = b"thing,size,kind,delay\n") -> None:
    for n in range(days):
        landing.write(f"things/{FIRST + timedelta(days=n)}.csv", content)


def record(store: ArtefactStore, landing: Folder) -> None:
    found = list_landing(landing, SPEC)
    last = last_landed_day(SPEC, found)
    assert last is not None
    for day, inputs in complete_inputs(SPEC, identify(landing, found, {}), last).items():
        made = DayRecord(
            day=day,
            rows=1,
            labelled_rows=1,
            digest=f"digest of {day}",
            contract_digest=build_contract(SPEC).digest,
            recipe=recipe_digest(SPEC),
            nulls={},
            inputs=inputs,
            files=(),
            snapshot_id=1,
            run_id="run",
        )
        store.write_record(day_name(SPEC.name, day.isoformat()), made)


def decide(store: ArtefactStore, refit: str) -> None:
    found = fingerprint(store, SPEC, plan_window(SPEC, refit))
    name = store.refit(SPEC.name, refit).name("release/release.json")
    store.write_record(name, Released(refit=refit, fingerprint=found))


def test_all_landed_days_are_due_at_first(store: ArtefactStore, landing: Folder) -> None:
    land(landing, 5)
    due = find_due(SPEC, store, landing)
    assert due.ranges == ((FIRST, date(2013, 1, 5)),)
    assert due.refit is None
    assert "the first refit, 2013-01-28, lacks days after 2013-01-05" in due.reason


def test_an_empty_landing_zone_is_told(store: ArtefactStore, landing: Folder) -> None:
    with pytest.raises(DataError, match="nothing has landed for late"):
        find_due(SPEC, store, landing)


def test_the_refit_is_due_once_its_window_has_landed(store: ArtefactStore, landing: Folder) -> None:
    land(landing, 26)
    assert find_due(SPEC, store, landing).refit is None
    land(landing, 27)
    assert find_due(SPEC, store, landing).refit == "2013-01-28"


def test_nothing_is_due_when_all_is_recorded_and_decided(
    store: ArtefactStore, landing: Folder
) -> None:
    land(landing, 27)
    record(store, landing)
    assert find_due(SPEC, store, landing).days == ()
    decide(store, "2013-01-28")
    assert find_due(SPEC, store, landing).nothing


def test_a_changed_file_makes_its_day_and_the_one_after_it_due(
    store: ArtefactStore, landing: Folder
) -> None:
    land(landing, 27)
    record(store, landing)
    decide(store, "2013-01-28")
    landing.write("things/2013-01-10.csv", b"thing,size,kind,delay\n1,2,a,3\n")
    due = find_due(SPEC, store, landing)
    assert due.ranges == ((date(2013, 1, 10), date(2013, 1, 11)),)
    assert due.refit == "2013-01-28"


def test_a_day_whose_neighbour_is_missing_waits(store: ArtefactStore, landing: Folder) -> None:
    land(landing, 5)
    landing.path("things/2013-01-03.csv").unlink()
    due = find_due(SPEC, store, landing)
    assert due.ranges == ((FIRST, date(2013, 1, 2)), (date(2013, 1, 5), date(2013, 1, 5)))


def test_another_parameter_makes_the_refit_due_again(store: ArtefactStore, landing: Folder) -> None:
    land(landing, 27)
    record(store, landing)
    decide(store, "2013-01-28")
    other = build_spec(
        trials={"choose_by": "log_loss", "validation": 1, "search": [{"algorithm": "drf"}]}
    )
    assert find_due(other, store, landing).refit == "2013-01-28"


def test_a_refit_whose_window_has_not_landed_is_refused(
    store: ArtefactStore, landing: Folder
) -> None:
    land(landing, 27)
    with pytest.raises(DataError, match="needs days until 2013-02-04, landed is 2013-01-27"):
        find_due(SPEC, store, landing, "2013-02-04")


def test_ranges_are_split_at_gaps() -> None:
    days = [date(2013, 1, d) for d in (1, 2, 4)]
    assert contiguous(days) == ((days[0], days[1]), (days[2], days[2]))


def test_days_that_a_bad_file_holds_back_are_a_range_of_their_own_and_the_last_to_do() -> None:
    days = tuple(date(2013, 1, d) for d in (1, 2, 3, 4))
    ends = [(days[0], days[0]), (days[1], days[2]), (days[3], days[3])]
    assert contiguous_apart(days, {days[1], days[2]}) == tuple(ends)
    due = Due(days=days, refit=None, reason="", held_back=frozenset(days[1:3]))
    assert due.ranges == (ends[0], ends[2], ends[1])


def test_a_changed_day_that_only_the_search_reads_makes_the_refit_due_again(
    store: ArtefactStore, landing: Folder
) -> None:
    every_second, refit = build_spec(trials=EVERY_SECOND), "2013-02-04"
    window = plan_window(every_second, refit)
    assert window.search is not None
    assert window.all_days[0] < window.days[0]
    land(landing, (window.end - FIRST).days)
    record(store, landing)
    name = store.refit(SPEC.name, refit).name("release/release.json")
    made = Released(refit=refit, fingerprint=fingerprint(store, every_second, window))
    store.write_record(name, made)
    assert find_due(every_second, store, landing, refit).nothing
    landing.write(f"things/{window.all_days[0]}.csv", b"thing,size,kind,delay\n1,2,a,3\n")
    assert find_due(every_second, store, landing, refit).refit == refit
    # By its content, once the day is computed.
    changed = day_name(SPEC.name, window.all_days[0].isoformat())
    known = store.need_record(DayRecord, changed, made_by="features")
    record(store, landing)
    assert find_due(every_second, store, landing, refit).nothing
    store.write_record(changed, replace(known, digest="another"))
    assert fingerprint(store, every_second, window) != made.fingerprint
