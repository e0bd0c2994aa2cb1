"""What is due: days whose landed files changed, and the refit that follows; or why nothing is.

A comparison of what landed with what is recorded, and so free of memory: after a crash, a lost
tick or a restored backup it says what is still to do. No Dagster, no engine, a second of work.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from importlib.metadata import version

from refit_assets.artefacts import ArtefactStore, Storage
from refit_assets.errors import DataError
from refit_assets.features.landed import identify, last_landed_day, list_landing, read_seen
from refit_assets.features.landing import LandedFile, days_read
from refit_assets.features.refused import held_back, read_refused
from refit_assets.features.table import DayRecord
from refit_assets.features.training_set import due_days, read_days
from refit_assets.features.window import (
    RefitWindow,
    contiguous_apart,
    days_between,
    plan_window,
    refit_keys,
)
from refit_assets.release.release import RECORD
from refit_assets.spec import ModelSpec
from refit_assets.training.trial import H2O_VERSION

_ALL_BUT_WORDS = {"description", "owners", "monitoring", "when", "compute", "end"}
"""Parts of the spec that change nothing about what a refit makes."""


@dataclass(frozen=True, kw_only=True)
class Due:
    """What is to do for one model."""

    days: tuple[date, ...]
    """Days of the feature table to compute."""
    refit: str | None
    """Key of the refit to do afterwards; None where none is due."""
    reason: str
    """Why, in a sentence."""
    held_back: frozenset[date] = frozenset()
    """Those of the days that read a file which was refused."""

    @property
    def nothing(self) -> bool:
        """Whether there is nothing to do."""
        return not self.days and self.refit is None

    @property
    def ranges(self) -> tuple[tuple[date, date], ...]:
        """The days as ranges, both ends included; those that may be refused again come last."""
        found = contiguous_apart(self.days, self.held_back)
        return tuple(sorted(found, key=lambda ends: ends[0] in self.held_back))


@dataclass(frozen=True, kw_only=True)
class Released:
    """What the release of a refit was made of; equal fingerprints make equal releases."""

    refit: str
    fingerprint: str


def find_due(
    spec: ModelSpec, store: ArtefactStore, landing: Storage, key: str | None = None
) -> Due:
    """Find what is due, for one refit or for the latest whose window has landed.

    Raises:
        DataError: the asked refit's window has not landed, or nothing has.

    """
    found = list_landing(landing, spec)
    last = last_landed_day(spec, found)
    if last is None:
        message = f"nothing has landed for {spec.name} below {landing.uri}; try `refit demo`"
        raise DataError(message)
    # What the sensor has seen is known by size and time, and not read again.
    files = identify(landing, found, read_seen(store, spec))
    inputs = complete_inputs(spec, files, last)
    days = due_days(store, spec, inputs)
    held = frozenset(held_back(read_refused(store, spec.name), {day: inputs[day] for day in days}))
    refit = key or _latest_refit(spec, last)
    if refit is None:
        first = refit_keys(spec, date.max)[0]
        reason = f"the first refit, {first}, lacks days after {last}"
        return Due(days=days, refit=None, reason=reason, held_back=held)
    window = plan_window(spec, refit)
    if window.end > last + timedelta(days=1):
        message = f"refit {refit} of {spec.name} needs days until {window.end}, landed is {last}"
        raise DataError(message)
    # What such days will hold is not known yet: no fingerprint can tell.
    if set(days) & set(window.all_days):
        reason = f"{len(days)} new or changed days"
        return Due(days=days, refit=refit, reason=reason, held_back=held)
    released = store.read_record(Released, store.refit(spec.name, refit).name(RECORD))
    if released and released.fingerprint == fingerprint(store, spec, window):
        reason = f"refit {refit} is decided, and no day of its window has changed since"
        return Due(days=days, refit=None, reason=reason, held_back=held)
    reason = "what it is made of has changed" if released else "it was never made"
    reason = f"refit {refit}: {reason}"
    return Due(days=days, refit=refit, reason=reason, held_back=held)


def complete_inputs(
    spec: ModelSpec, files: Iterable[LandedFile], last: date
) -> dict[date, dict[str, str]]:
    """Name and ETag of what each day reads, for days until `last` of which all has landed."""
    by_day = {(file.source, file.day): file for file in files}
    complete: dict[date, dict[str, str]] = {}
    for day in days_between(spec.start, last + timedelta(days=1)):
        there = [
            by_day.get((name, read))
            for name, source in spec.sources.items()
            for read in days_read(spec, source, day, day)
        ]
        if None not in there:
            complete[day] = {file.name: file.etag for file in there if file is not None}
    return complete


def fingerprint(store: ArtefactStore, spec: ModelSpec, window: RefitWindow) -> str:
    """Digest of everything that a refit is made of: days, spec, versions of what computes."""
    return fingerprint_of(spec, read_days(store, spec, window.all_days))


def fingerprint_of(spec: ModelSpec, records: Mapping[date, DayRecord]) -> str:
    """The same, of a window's records that were read before."""
    days = sorted((day.isoformat(), record.digest) for day, record in records.items())
    said = spec.model_dump(mode="json", exclude=_ALL_BUT_WORDS)
    made_by = [version("refit_assets"), H2O_VERSION]
    content = json.dumps([days, said, made_by], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()


def _latest_refit(spec: ModelSpec, last: date) -> str | None:
    # A refit needs no day after its as-of date: the one as of the day after the last is complete.
    until = last + timedelta(days=1 + spec.refit.label_delay_days)
    return max(refit_keys(spec, until), default=None)
