"""Which version is to score which day: the champion, who served then, or a version by name.

Pure folds over the ledger. Belongs here: the choice and the days of each choice. Does not:
scoring (`predictions`), who may serve (`release`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby

from refit_assets.errors import DataError
from refit_assets.release.ledger import LedgerEvent, champion, releases

CHAMPION, THEN = "champion", "then"


@dataclass(frozen=True, kw_only=True)
class Turn:
    """Days in a row that one version scores."""

    event: LedgerEvent
    """What made it serve; `version` and `mojo_sha256` are those of the jar."""
    days: tuple[date, ...]

    @property
    def version(self) -> str:
        """The version of the scoring jar."""
        # Only what serves takes a turn, and what serves was published under a version.
        assert self.event.version is not None  # noqa: S101
        return self.event.version


def plan_turns(
    model: str, events: Sequence[LedgerEvent], days: Sequence[date], serving: str = CHAMPION
) -> tuple[Turn, ...]:
    """Say which version scores each of some sorted days.

    Args:
        model: Its name, for messages.
        events: The ledger.
        days: The days, sorted.
        serving: `champion` is what serves now, whatever the day. `then` is the model whose place
            in history the day is: the newest as of that day or before, by all that is recorded
            by now, so that a backfill of old refits is used as if it had been made in time. Else
            a published version.

    Raises:
        DataError: nothing serves yet, nothing served on one of the days, or there is no such
            version.

    """
    chosen = [(_choose(model, events, day, serving), day) for day in days]
    turns: list[Turn] = []
    # Days in a row: another version, and a day that is left out, begin a new turn.
    places = ((event, day.toordinal() - at) for at, (event, day) in enumerate(chosen))
    for (event, _), found in groupby(zip(places, days, strict=True), key=lambda pair: pair[0]):
        turns.append(Turn(event=event, days=tuple(day for _, day in found)))
    return tuple(turns)


def _choose(model: str, events: Sequence[LedgerEvent], day: date, serving: str) -> LedgerEvent:
    if serving not in {CHAMPION, THEN}:
        return _published(model, events, serving)
    found = champion(events, as_of=day if serving == THEN else None)
    if found is None:
        when = f" on {day}" if serving == THEN else " yet"
        message = f"no version of {model} serves{when}: materialise {model}/release first"
        raise DataError(message)
    return found


def _published(model: str, events: Sequence[LedgerEvent], version: str) -> LedgerEvent:
    published = {event.version: event for event in releases(events)}
    if version not in published:
        known = ", ".join(sorted(str(name) for name in published)) or "none"
        message = f"version {version} of {model} was never published; published are: {known}"
        raise DataError(message)
    return published[version]
