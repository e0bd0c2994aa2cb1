"""The timeline as a person reads it: every event in its order, and what it did to what serves.

Belongs here: rows and text for the command line and the UI. Does not: the folds (`ledger`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from refit_assets.release.ledger import EventKind, LedgerEvent, Serving, timeline

_WORDS: dict[EventKind, str] = {
    "promoted": "promoted",
    "held": "held",
    "approved": "approved",
    "rolled_back": "rolled back",
}


@dataclass(frozen=True, kw_only=True)
class TimelineRow:
    """One event, with the stretch of clock time that it made its version serve."""

    recorded_at: datetime
    kind: EventKind
    refit: str
    as_of: date
    version: str | None
    effect: str
    """`serves`, `served`, or why it changed nothing."""
    until: datetime | None
    """End of the stretch; None where it lasts, or where there was none."""
    replaced: str | None
    reason: str
    by: str


def timeline_rows(
    events: Sequence[LedgerEvent], *, at: datetime | None = None
) -> tuple[TimelineRow, ...]:
    """Return a row an event, oldest first; `at` leaves out what was recorded later."""
    turns = {turn.event.sequence: turn for turn in timeline(events, at=at)}
    known = (event for event in events if at is None or event.recorded_at <= at)
    return tuple(_build_row(event, turns.get(event.sequence)) for event in known)


def render_timeline(model: str, rows: Sequence[TimelineRow]) -> str:
    """Render for a terminal: an arrow marks what serves."""
    if not rows:
        return f"{model}: nothing was decided yet; `refit run {model}` makes the first refit"
    wide = max(len(row.version or "") for row in rows)
    return "\n".join([model, *(line for row in rows for line in _render_row(row, wide))])


def _build_row(event: LedgerEvent, turn: Serving | None) -> TimelineRow:
    return TimelineRow(
        recorded_at=event.recorded_at,
        kind=event.kind,
        refit=event.refit,
        as_of=event.as_of,
        version=event.version,
        effect=_effect(event, turn),
        until=turn and turn.until,
        replaced=event.replaced,
        reason=event.reason,
        by=event.by,
    )


def _effect(event: LedgerEvent, turn: Serving | None) -> str:
    if turn is not None:
        return "serves" if turn.until is None else "served"
    return "not released" if event.kind == "held" else "a newer model served already"


def _render_row(row: TimelineRow, wide: int) -> Sequence[str]:
    mark = "→" if row.effect == "serves" else " "
    effect = row.effect if row.until is None else f"served until {_instant(row.until)}"
    version = (row.version or "").ljust(wide)
    head = f"{mark} {_instant(row.recorded_at)}  {version}  {_WORDS[row.kind]}: {effect}"
    told = f"refit {row.refit}, by {row.by}: {row.reason}"
    instead = f" (instead of {row.replaced})" if row.replaced else ""
    return [head + instead, f"    {told}"]


def _instant(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M:%SZ}"
