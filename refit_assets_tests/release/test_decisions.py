"""Refit or skip: every reason, their order, and a ledger that only tells what is new."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from refit_assets.artefacts import ArtefactStore, Folder
from refit_assets.features.training_set import DayPin, TrainingSet
from refit_assets.features.window import plan_window
from refit_assets.release.decisions import (
    DayState,
    WindowState,
    changed_share,
    judge_refit,
    read_decisions,
    record_decision,
    render_decisions,
)
from refit_assets_tests.specs import build_spec

REFIT = "2013-01-28"
NOW = datetime(2013, 1, 28, 12, tzinfo=UTC)
DAYS = plan_window(build_spec(), REFIT).days
SAME = {day: DayState(digest=f"of {day}", rows=100) for day in DAYS}
LATE = {**SAME, DAYS[3]: DayState(digest="another", rows=100)}
"""One of 21 days has changed: 4.8 % of the rows."""


def made_of() -> TrainingSet:
    spec = build_spec()
    pins = [
        DayPin(day=day, part="train", digest=f"of {day}", rows=100, labelled_rows=90, files=("f",))
        for day in DAYS
    ]
    return TrainingSet(
        model="late",
        refit=REFIT,
        as_of=date.fromisoformat(REFIT),
        window=plan_window(spec, REFIT),
        snapshot_id=1,
        metadata_location="m",
        tag="t",
        contract_digest="c",
        days=tuple(pins),
        missing_days=(),
        digest="d",
    )


NEW = WindowState(refit=REFIT, days=SAME, made_of=None)
DONE = WindowState(refit=REFIT, days=SAME, made_of=made_of(), decided=True)
RESTED = NOW - timedelta(hours=30)
JUST = NOW - timedelta(hours=2)
REASONS: list[tuple[str, WindowState, dict[str, Any], str]] = [
    ("refit due", NEW, {}, f"the window of {REFIT} is complete and was never refitted"),
    ("refit due", replace(DONE, decided=False), {}, "never refitted"),
    ("skip nothing_changed", DONE, {}, f"no day of the window of {REFIT} has changed"),
    ("skip no_window", replace(NEW, refit=None), {}, "no window of late is complete yet"),
    ("skip running", replace(NEW, running=True), {}, "a refit of late is running"),
    (
        "skip days_missing",
        replace(NEW, missing=DAYS[:7]),
        {},
        "lacks features of 2013-01-07, 2013-01-08, 2013-01-09, 2013-01-10, 2013-01-11 and 2 more",
    ),
    ("refit late_data", replace(DONE, days=LATE), {}, "late data changed 4.8% of the rows"),
    (
        "skip late_data_small",
        replace(DONE, days=LATE),
        {"late_rows_share": 0.05},
        "4.76% of the rows of the window of 2013-01-28, at or below 5.0%",
    ),
    ("refit spec_changed", replace(DONE, same_spec=False), {}, "the spec has changed"),
    ("skip held", replace(DONE, held=True), {}, "`refit approve late"),
    ("refit late_data", replace(DONE, held=True, days=LATE), {}, "late data"),
    (
        "skip cool_down",
        replace(NEW, last_refit_at=JUST),
        {"cool_down_hours": 24},
        "waits until 2013-01-29T10:00+00:00",
    ),
    ("refit due", replace(NEW, last_refit_at=RESTED), {"cool_down_hours": 24}, "complete"),
    (
        "skip failed",
        replace(NEW, failures=3, failed_at=NOW - timedelta(minutes=19)),
        {},
        "failed 3 times, as its run says; again at 2013-01-28 12:01Z",
    ),
    ("refit due", replace(NEW, failures=3, failed_at=NOW - timedelta(minutes=20)), {}, "complete"),
    ("skip not_yet", replace(NEW, windows_since=1), {"every": 4}, "1 of 4 windows since"),
    ("refit due", replace(NEW, windows_since=4), {"every": 4}, "complete"),
    (
        "refit drift",
        replace(NEW, windows_since=1, breaches=("PSI of size is 0.4",)),
        {"every": 4},
        "beyond its limits: PSI of size is 0.4",
    ),
    ("refit due", replace(NEW, windows_since=4, breaches=("PSI is 0.4.",)), {"every": 4}, "never"),
    # Days that the model has seen cannot cure its drift.
    ("skip nothing_changed", replace(DONE, breaches=("PSI is 0.4",)), {}, "no day"),
    # What holds back comes before what asks.
    ("skip running", replace(DONE, days=LATE, running=True), {}, "running"),
    ("skip days_missing", replace(DONE, days=LATE, missing=DAYS[:1]), {}, "2013-01-07"),
]


@pytest.mark.parametrize(("expected", "state", "when", "sentence"), REASONS)
def test_every_state_has_one_decision_with_its_reason(
    expected: str, state: WindowState, when: dict[str, Any], sentence: str
) -> None:
    decision = judge_refit(build_spec(when=when), state, NOW)
    assert f"{decision.action} {decision.reason}" == expected
    assert sentence in decision.sentence
    assert decision.decided_at == NOW


def test_a_day_that_is_gone_counts_as_changed() -> None:
    present = {day: one for day, one in SAME.items() if day != DAYS[0]}
    assert changed_share(made_of(), present) == pytest.approx(1 / 21)


def test_a_day_that_grew_counts_with_its_new_rows() -> None:
    present = {**SAME, DAYS[0]: DayState(digest="more", rows=2000)}
    assert changed_share(made_of(), present) == pytest.approx(2000 / 4000)


def test_the_ledger_grows_only_when_the_answer_is_another(tmp_path: Path) -> None:
    store = ArtefactStore(storage=Folder(root=tmp_path))
    states = [NEW, NEW, replace(NEW, running=True), DONE, DONE, NEW]
    later = [NOW + timedelta(minutes=n) for n in range(len(states))]
    told = [
        record_decision(store, judge_refit(build_spec(), state, now))
        for state, now in zip(states, later, strict=True)
    ]
    assert told == [True, False, True, True, False, True]
    known = read_decisions(store, "late")
    assert [one.reason for one in known] == ["due", "running", "nothing_changed", "due"]
    assert known[0].decided_at == NOW


def test_the_decisions_read_as_a_table_with_the_latest_last(tmp_path: Path) -> None:
    store = ArtefactStore(storage=Folder(root=tmp_path))
    for state in (replace(NEW, refit=None), NEW):
        record_decision(store, judge_refit(build_spec(), state, NOW))
    first, last = render_decisions(read_decisions(store, "late")).splitlines()
    assert first == "2013-01-28 12:00  -           skip   no window of late is complete yet"
    assert last.startswith("2013-01-28 12:00  2013-01-28  refit  the window of 2013-01-28")
    assert render_decisions([]).startswith("no decision yet")


def test_late_data_of_the_days_that_were_searched_counts_as_well() -> None:
    before = [
        DayPin(day=day, part="train", digest="of then", rows=100, labelled_rows=90, files=("f",))
        for day in (DAYS[0] - timedelta(days=1), DAYS[0])
    ]
    pinned = made_of()
    pinned = replace(pinned, search=replace(pinned, days=tuple(before)))
    # A day of both is the refit's own.
    same = {**SAME, before[0].day: DayState(digest="of then", rows=100)}
    assert changed_share(pinned, same) == 0
    late = {**same, before[0].day: DayState(digest="another", rows=100)}
    assert changed_share(pinned, late) == pytest.approx(1 / 22)
