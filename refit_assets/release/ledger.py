"""The release ledger: what was decided about each refit, and so what serves, and served when.

The ledger only grows; who is champion is never stored, it is a fold over the events. It has two
clocks. `as_of` is the refit's place in history, `recorded_at` the instant at which we knew. One
rule serves both: of the events known, the one with the latest (as_of, sequence) serves. A
backfill of old refits is recorded late but lies early in history, so it never displaces a newer
model; a rollback takes the as-of date of the newest model and so lies behind it.

Belongs here: events, folds over them, plans of the next event, reading and appending. Does not:
judging a challenger (`evaluation.verdict`), publishing its jar (`release.publish`).
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Literal, TypeAlias

from refit_assets.artefacts import Storage, record_from_json, record_to_json
from refit_assets.errors import DataError, LedgerError

EventKind: TypeAlias = Literal["promoted", "held", "approved", "rolled_back"]

PUBLISHES = frozenset({"promoted", "approved"})
SERVES = PUBLISHES | {"rolled_back"}

# Each lost race means that somebody else's event is in: twenty in a row is a fault, not traffic.
_MOST_RACES = 20
_FILE = re.compile(r"\d{8}\.json")


@dataclass(frozen=True, kw_only=True)
class LedgerEvent:
    """One decision. All of a rollback but `as_of` describes the model that serves from then on."""

    sequence: int
    """1, 2, 3 … within a model."""
    kind: EventKind
    model: str
    refit: str
    """Partition key of the refit that made the model."""
    as_of: date
    """Place in history: the refit's as-of date; of a rollback, that of the newest model."""
    recorded_at: datetime
    """Aware, UTC; never earlier than that of the event before."""
    version: str | None
    coordinates: str
    """group:artifact of the jar."""
    mojo_sha256: str
    training_set_digest: str
    reason: str
    by: str
    """A person, or the run that decided."""
    against: str | None = None
    """Version of the champion in the comparison; None where there was none."""
    replaced: str | None = None
    """Version that this event took out of service; None where it changed nothing."""

    def __post_init__(self) -> None:
        """Refuse an instant that is not UTC: two clocks are enough."""
        if self.recorded_at.utcoffset() != timedelta(0):
            message = f"recorded_at is {self.recorded_at.isoformat()}: expected UTC, +00:00"
            raise LedgerError(message)


@dataclass(frozen=True, kw_only=True)
class Challenger:
    """A packaged refit that asks to be released."""

    model: str
    refit: str
    as_of: date
    version: str
    coordinates: str
    mojo_sha256: str
    training_set_digest: str


@dataclass(frozen=True, kw_only=True)
class Serving:
    """A stretch of clock time during which one model served."""

    event: LedgerEvent
    since: datetime
    until: datetime | None
    """None: still serving."""


@dataclass(frozen=True, kw_only=True)
class Tenure:
    """A stretch of history, in as-of days, that belongs to one model."""

    event: LedgerEvent
    first_day: date
    last_day: date | None
    """None: no newer model yet."""


Plan: TypeAlias = Callable[[Sequence[LedgerEvent]], LedgerEvent | None]
"""What to add to these events; None if nothing. Asked again whenever another writer was faster."""


def champion(
    events: Sequence[LedgerEvent], *, at: datetime | None = None, as_of: date | None = None
) -> LedgerEvent | None:
    """Return the event whose model serves, or None.

    `at` leaves out what was recorded later: who really served at that instant. `as_of` leaves out
    newer refits: whose place in history that day is. Both: what we then took for the latter.
    """
    served = (
        event
        for event in _known(events, at)
        if event.kind in SERVES and (as_of is None or event.as_of <= as_of)
    )
    return max(served, key=_place, default=None)


def champion_before(events: Sequence[LedgerEvent], as_of: date) -> LedgerEvent | None:
    """Return the champion against which the refit of that as-of date is to be compared."""
    return champion(events, as_of=as_of - timedelta(days=1))


def releases(events: Sequence[LedgerEvent]) -> tuple[LedgerEvent, ...]:
    """Return the events that gave a version away, in order."""
    return tuple(event for event in events if event.kind in PUBLISHES)


def decision(events: Sequence[LedgerEvent], challenger: Challenger) -> LedgerEvent | None:
    """Return what was decided about a packaged refit: its release if there was one, else the last.

    The same model in another version of the jar is decided on its own, unless a person rolled
    back from that model: then this is the decision.
    """
    same = [event for event in events if _is_about(event, challenger.refit)]
    same = [event for event in same if event.mojo_sha256 == challenger.mojo_sha256]
    undone = {event.replaced for event in events if event.kind == "rolled_back"}
    mine = [event for event in same if event.version == challenger.version]
    rejected = [event for event in releases(same) if event.version in undone]
    return next(iter([*releases(mine), *rejected, *mine[-1:]]), None)


def promotes_now(events: Sequence[LedgerEvent], as_of: date) -> bool:
    """Whether a promotion of that as-of date would change what serves today."""
    serving = champion(events)
    return serving is None or as_of >= serving.as_of


def timeline(events: Sequence[LedgerEvent], *, at: datetime | None = None) -> tuple[Serving, ...]:
    """Who served when, by the clock; events that changed nothing are left out."""
    turns: list[LedgerEvent] = []
    for event in _known(events, at):
        # A backfill that was recorded late lies before what served then, and took no turn.
        if event.kind in SERVES and (not turns or _place(event) >= _place(turns[-1])):
            turns.append(event)
    ends = [*(event.recorded_at for event in turns[1:]), None]
    return tuple(
        Serving(event=event, since=event.recorded_at, until=end)
        for event, end in zip(turns, ends, strict=False)
    )


def history(events: Sequence[LedgerEvent], *, at: datetime | None = None) -> tuple[Tenure, ...]:
    """Whose each day of history is, in order of as-of dates, whenever that was recorded."""
    # Of one as-of date the later event wins, as in `champion`.
    last = {event.as_of: event for event in _known(events, at) if event.kind in SERVES}
    days = sorted(last)
    ends = [*(day - timedelta(days=1) for day in days[1:]), None]
    return tuple(
        Tenure(event=last[day], first_day=day, last_day=end)
        for day, end in zip(days, ends, strict=False)
    )


def plan_release(
    events: Sequence[LedgerEvent],
    challenger: Challenger,
    *,
    promote: bool,
    reason: str,
    against: str | None,
    by: str,
    now: datetime,
) -> LedgerEvent | None:
    """Plan the event for a judged challenger; None where this was decided before.

    A jar that was released once stays so, also after a rollback from it: to judge the same
    model again would undo what a person decided.

    Raises:
        LedgerError: the comparison was with another champion than history has, or the version
            already stands for other bytes.

    """
    if _is_decided(events, challenger, promote=promote):
        return None
    # Looked at again, over the events of now: another writer may have released in between.
    before = champion_before(events, challenger.as_of)
    expected = None if before is None else before.version
    if expected != against:
        message = (
            f"{challenger.model} {challenger.refit} was compared with {against or 'no champion'}, "
            f"but the champion before it is {expected or 'none'}: materialise its release again"
        )
        raise LedgerError(message)
    event = LedgerEvent(
        sequence=len(events) + 1,
        kind="promoted" if promote else "held",
        model=challenger.model,
        refit=challenger.refit,
        as_of=challenger.as_of,
        recorded_at=_instant(events, now),
        version=challenger.version,
        coordinates=challenger.coordinates,
        mojo_sha256=challenger.mojo_sha256,
        training_set_digest=challenger.training_set_digest,
        reason=reason,
        by=by,
        against=against,
    )
    return _publishing(events, event) if promote else event


def plan_approval(
    events: Sequence[LedgerEvent], refit: str, *, by: str, reason: str, now: datetime
) -> LedgerEvent | None:
    """Plan the release of a held refit by a person; None where it is released already.

    Raises:
        LedgerError: it is not held, a newer model serves, or name or reason is missing.

    """
    _need_signature("approval", by, reason)
    last = next((e for e in reversed(events) if _is_about(e, refit)), None)
    if last is None:
        held = _listed(_held(events))
        message = f"there is nothing to approve for refit {refit}; held are: {held}"
        raise LedgerError(message)
    if last.kind != "held":
        return None
    if not promotes_now(events, last.as_of):
        message = (
            f"refit {refit} is older than the model that serves, so approving it would put an old "
            f"model over a newer one; see `refit timeline {last.model}`"
        )
        raise LedgerError(message)
    return _publishing(events, _next(events, last, kind="approved", by=by, reason=reason, now=now))


def plan_rollback(
    events: Sequence[LedgerEvent], version: str, *, by: str, reason: str, now: datetime
) -> LedgerEvent | None:
    """Plan the return to a published version, older or newer; None where it serves already.

    Raises:
        LedgerError: the version was never published, or name or reason is missing.

    """
    _need_signature("rollback", by, reason)
    published = {event.version: event for event in releases(events)}
    serving = champion(events)
    if serving is None or version not in published:
        known = _listed([str(name) for name in published])
        message = f"version {version} was never published; published are: {known}"
        raise LedgerError(message)
    if serving.version == version:
        return None
    event = _next(events, published[version], kind="rolled_back", by=by, reason=reason, now=now)
    # The as-of date of the newest model puts the rollback behind it in history, too.
    return replace(event, as_of=serving.as_of, replaced=serving.version, against=None)


def read_events(storage: Storage, model: str) -> tuple[LedgerEvent, ...]:
    """Read the ledger of a model, in order; empty where there is none.

    Raises:
        LedgerError: an event is missing, unreadable or of another model; names the file.

    """
    prefix = f"ledger/{model}/"
    names = [name for name in storage.names(prefix) if _FILE.fullmatch(name[len(prefix) :])]
    events = tuple(_read_event(storage, name) for name in names)
    for place, (name, event) in enumerate(zip(names, events, strict=True), start=1):
        if (event.sequence, event.model, name) != (place, model, event_name(model, place)):
            message = (
                f"{storage.uri}/{name} holds event {event.sequence} of {event.model}, expected "
                f"event {place} of {model}: restore the missing file from a backup"
            )
            raise LedgerError(message)
    return events


def append(storage: Storage, model: str, plan: Plan) -> LedgerEvent | None:
    """Add what `plan` says; None where it says nothing.

    Of several writers one wins each place; the others plan again over what it wrote, so that no
    decision rests on an outdated ledger.

    Raises:
        LedgerError: what the plan raises, or every attempt lost its race.

    """
    for _ in range(_MOST_RACES):
        event = plan(read_events(storage, model))
        if event is None:
            return None
        name = event_name(model, event.sequence)
        if storage.write_new(name, record_to_json(event)):
            return event
    message = (
        f"{storage.uri}/ledger/{model}: {_MOST_RACES} attempts to append lost against other "
        "writers; see who else releases this model, then try again"
    )
    raise LedgerError(message)


def event_name(model: str, sequence: int) -> str:
    """Name of the file of one event."""
    # Padded: names are listed by letter, and must come in the order of their numbers.
    return f"ledger/{model}/{sequence:08d}.json"


def _read_event(storage: Storage, name: str) -> LedgerEvent:
    content = storage.read(name)
    try:
        return record_from_json(LedgerEvent, content or b"", f"{storage.uri}/{name}")
    except DataError as error:
        raise LedgerError(str(error)) from error


def _place(event: LedgerEvent) -> tuple[date, int]:
    return event.as_of, event.sequence


def _known(events: Sequence[LedgerEvent], at: datetime | None) -> Sequence[LedgerEvent]:
    if at is None:
        return events
    if at.tzinfo is None:
        message = f"{at.isoformat()} is no instant: write it with its zone, such as …+00:00"
        raise LedgerError(message)
    return [event for event in events if event.recorded_at <= at]


def _need_signature(what: str, by: str, reason: str) -> None:
    if not by.strip() or not reason.strip():
        message = f"{what} needs a name and a reason: pass --by NAME --reason TEXT"
        raise LedgerError(message)


def _instant(events: Sequence[LedgerEvent], now: datetime) -> datetime:
    """Never before the event before: the order of the ledger counts, not a pod's slow clock."""
    return max(now, events[-1].recorded_at) if events else now


def _is_about(event: LedgerEvent, refit: str) -> bool:
    return event.refit == refit and event.kind != "rolled_back"


def _is_decided(events: Sequence[LedgerEvent], challenger: Challenger, *, promote: bool) -> bool:
    decided = decision(events, challenger)
    if decided is None or decided.kind in PUBLISHES:
        return decided is not None
    last = next(event for event in reversed(events) if _is_about(event, challenger.refit))
    # To hold again what is held last is no news; to promote it is, and so is to hold it after
    # another candidate was held.
    return decided is last and not promote


def _held(events: Sequence[LedgerEvent]) -> list[str]:
    last = {event.refit: event for event in events if event.kind != "rolled_back"}
    return sorted(refit for refit, event in last.items() if event.kind == "held")


def _next(
    events: Sequence[LedgerEvent],
    origin: LedgerEvent,
    *,
    kind: EventKind,
    by: str,
    reason: str,
    now: datetime,
) -> LedgerEvent:
    """Build the next event, about the model of an earlier one."""
    instant = _instant(events, now)
    return replace(
        origin, sequence=len(events) + 1, kind=kind, by=by, reason=reason, recorded_at=instant
    )


def _publishing(events: Sequence[LedgerEvent], event: LedgerEvent) -> LedgerEvent:
    """Fill in what the event takes out of service; a version is given away once only."""
    for other in releases(events):
        if other.version == event.version:
            message = (
                f"version {event.version} of {event.model} stands for refit {other.refit} "
                f"already: package {event.refit} again under its next version"
            )
            raise LedgerError(message)
    serving = champion(events)
    if serving is None or not promotes_now(events, event.as_of):
        return event
    return replace(event, replaced=serving.version)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) or "none"
