"""Refit or skip: whether a model is to be refitted now, and a ledger that says why or why not.

`judge_windows` is pure: it reads the state of every window that can still change what serves, and
answers with one decision.
The ledger gets a line only when the answer changes, so that it can be read by people.
Belongs here: reasons, their order, the ledger of decisions. Does not: finding the state of the
world (`assets.sensors`), doing the refit.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal, TypeAlias

from refit_assets.artefacts import ArtefactStore
from refit_assets.errors import LedgerError
from refit_assets.features.training_set import TrainingSet
from refit_assets.release.asking import pause_after
from refit_assets.spec import ModelSpec

Reason: TypeAlias = Literal[
    "due",
    "late_data",
    "spec_changed",
    "drift",
    "by_hand",
    "nothing_changed",
    "not_yet",
    "days_missing",
    "no_window",
    "running",
    "failed",
    "held",
    "cool_down",
    "late_data_small",
]

_FILE = re.compile(r"\d{8}\.json")
_MOST_NAMED = 5
_MOST_RACES = 20


@dataclass(frozen=True, kw_only=True)
class Decision:
    """Whether to refit, and why, in a sentence."""

    model: str
    refit: str | None
    """Key of the refit in question; None where no window is complete yet."""
    action: Literal["refit", "skip"]
    reason: Reason
    sentence: str
    decided_at: datetime


@dataclass(frozen=True, kw_only=True)
class DayState:
    """A day of the feature table as it is now."""

    digest: str
    rows: int


@dataclass(frozen=True, kw_only=True)
class WindowState:
    """What is known about a window when a decision is made."""

    refit: str | None
    missing: tuple[date, ...] = ()
    """Days of the window without features, beyond what the spec allows."""
    refused: tuple[str, ...] = ()
    """What is wrong with landed files that such days read."""
    passed_over: tuple[str, ...] = ()
    """Newer windows that lack days."""
    days: dict[date, DayState]
    made_of: TrainingSet | None
    """What the last refit of this window was made of; None if there was none."""
    decided: bool = False
    """Whether that refit got to its verdict."""
    content: str = ""
    """Fingerprint of what a refit of this window would be made of now."""
    attempts: int = 0
    """How many runs for that content have ended, well or not."""
    same_spec: bool = True
    """Whether that refit was made by the present spec."""
    running: bool = False
    failures: int = 0
    """How often a refit of this very content has failed since one succeeded."""
    failed_at: datetime | None = None
    """When it last did."""
    held: bool = False
    """Whether that refit waits for approval."""
    last_refit_at: datetime | None = None
    windows_since: int | None = None
    """How many windows this one is after the last that was refitted; None if none was."""
    breaches: tuple[str, ...] = ()
    """What monitoring found beyond its limits, in sentences."""


def judge_windows(spec: ModelSpec, states: Sequence[WindowState], now: datetime) -> Decision:
    """Decide about several windows, the newest first: one refit, or why not even the newest."""
    decisions = [judge_refit(spec, state, now) for state in states]
    return next((one for one in decisions if one.action == "refit"), decisions[0])


def judge_refit(spec: ModelSpec, state: WindowState, now: datetime) -> Decision:
    """Decide; the first rule that applies counts, and reasons not to come first."""
    action, reason, sentence = _judge(spec, state, now)
    return Decision(
        model=spec.name,
        refit=state.refit,
        action=action,
        reason=reason,
        sentence=sentence,
        decided_at=now,
    )


def _judge(
    spec: ModelSpec, state: WindowState, now: datetime
) -> tuple[Literal["refit", "skip"], Reason, str]:
    held_back = _held_back(spec, state, now)
    if held_back is not None:
        return "skip", *held_back
    if state.made_of is None or not state.decided:
        return _judge_new(spec, state)
    share = changed_share(state.made_of, state.days)
    if share > spec.when.late_rows_share:
        late = f"late data changed {share:.1%} of the rows of the window of {state.refit}"
        return "refit", "late_data", f"{late} (limit {spec.when.late_rows_share:.1%})"
    if not state.same_spec:
        return "refit", "spec_changed", f"the spec has changed since refit {state.refit}"
    if share > 0:
        late = f"late data changed {share:.2%} of the rows of the window of {state.refit}"
        return "skip", "late_data_small", f"{late}, at or below {spec.when.late_rows_share:.1%}"
    return "skip", "nothing_changed", f"no day of the window of {state.refit} has changed"


def _judge_new(spec: ModelSpec, state: WindowState) -> tuple[Literal["refit", "skip"], Reason, str]:
    """A window that was never refitted; only newer days than the model's can cure drift."""
    every, since = spec.when.every, state.windows_since
    if since is not None and since < every:
        # A window that is due anyway is due: drift is a reason where the cadence is none.
        if state.breaches:
            return "refit", "drift", f"beyond its limits: {' '.join(state.breaches)}"
        return "skip", "not_yet", f"{since} of {every} windows since the last refit, nothing drifts"
    due = f"the window of {state.refit} is complete and was never refitted"
    if state.passed_over:
        due += f"; that of {', '.join(state.passed_over)} lacks days"
    return "refit", "due", due


def _held_back(spec: ModelSpec, state: WindowState, now: datetime) -> tuple[Reason, str] | None:
    if state.refit is None:
        return "no_window", f"no window of {spec.name} is complete yet"
    if state.running:
        return "running", f"a refit of {spec.name} is running"
    if state.missing:
        named = ", ".join(map(str, state.missing[:_MOST_NAMED]))
        more = len(state.missing) - _MOST_NAMED
        named += f" and {more} more" if more > 0 else ""
        lacks = [f"the window of {state.refit} lacks features of {named}", *state.refused]
        return "days_missing", "; refused: ".join(lacks)
    # Changed days end the wait: what is held was made of others.
    if state.held and state.made_of and not changed_share(state.made_of, state.days):
        return (
            "held",
            f"refit {state.refit} is held for approval: `refit approve {spec.name} {state.refit}`",
        )
    return _resting(spec, state, now)


def _resting(spec: ModelSpec, state: WindowState, now: datetime) -> tuple[Reason, str] | None:
    """Time alone cures these."""
    if state.failed_at is not None and now < state.failed_at + pause_after(state.failures):
        again = f"{state.failed_at + pause_after(state.failures):%Y-%m-%d %H:%M}Z"
        times = "once" if state.failures == 1 else f"{state.failures} times"
        return "failed", f"refit {state.refit} failed {times}, as its run says; again at {again}"
    rest = timedelta(hours=spec.when.cool_down_hours)
    if state.last_refit_at is not None and now - state.last_refit_at < rest:
        until = (state.last_refit_at + rest).isoformat(timespec="minutes")
        return (
            "cool_down",
            f"the last refit was {state.last_refit_at:%Y-%m-%d %H:%M}; waits until {until}",
        )
    return None


def changed_share(made_of: TrainingSet, days: dict[date, DayState]) -> float:
    """Share of rows, those of an earlier search included, in days whose digest is another now."""
    changed = total = 0
    for pin in made_of.all_days:
        present = days.get(pin.day)
        # The larger number: a day that lost all its rows still counts by those that it had.
        rows = max(pin.rows, present.rows if present else 0)
        total += rows
        changed += rows if present is None or present.digest != pin.digest else 0
    return changed / total if total else 0.0


def decide_by_hand(model: str, refit: str, who: str, now: datetime) -> Decision:
    """Word the decision of a person, or of a program that is not the sensor."""
    sentence = f"{who} asked for refit {refit}"
    return Decision(
        model=model,
        refit=refit,
        action="refit",
        reason="by_hand",
        sentence=sentence,
        decided_at=now,
    )


def record_decision(store: ArtefactStore, decision: Decision) -> bool:
    """Add a decision to the ledger unless it says what the last one said.

    Raises:
        LedgerError: every attempt lost its race against another writer.

    """
    for _ in range(_MOST_RACES):
        known = read_decisions(store, decision.model)
        if known and _says(known[-1]) == _says(decision):
            return False
        name = f"decisions/{decision.model}/{len(known) + 1:08d}.json"
        if store.write_new_record(name, decision):
            return True
    message = f"decisions of {decision.model}: {_MOST_RACES} attempts to append lost their race"
    raise LedgerError(message)


def read_decisions(store: ArtefactStore, model: str) -> Sequence[Decision]:
    """All decisions about a model, in order."""
    prefix = f"decisions/{model}/"
    names = [n for n in store.storage.names(prefix) if _FILE.fullmatch(n.removeprefix(prefix))]
    found = [store.read_record(Decision, name) for name in names]
    return [decision for decision in found if decision is not None]


def render_decisions(decisions: Sequence[Decision]) -> str:
    """Render as a table, the latest last."""
    lines = [
        f"{one.decided_at:%Y-%m-%d %H:%M}  {one.refit or '-':<10}  {one.action:<5}  {one.sentence}"
        for one in decisions
    ]
    return "\n".join(lines) or "no decision yet: the refit sensor has not looked"


def _says(decision: Decision) -> tuple[object, ...]:
    return decision.refit, decision.action, decision.reason, decision.sentence
