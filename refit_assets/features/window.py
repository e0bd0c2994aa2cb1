"""The window of a refit: which days train, which validate, which are held out.

Pure arithmetic on dates. Belongs here: as-of date, units of the cadence, label delay. Does not:
whether the days are there (`training_set`), Dagster's partitions (`assets.partitions`).
"""

import math
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from refit_assets.errors import DataError
from refit_assets.spec import ModelSpec

# Of a month the fewest, so that a delay in months is rounded up.
_FEWEST_DAYS = {"daily": 1, "weekly": 7, "monthly": 28}
_BEGINS = {"daily": "any day", "weekly": "a Monday", "monthly": "the first of a month"}


@dataclass(frozen=True, kw_only=True)
class RefitWindow:
    """The days of one refit; `end` is exclusive and not after the as-of date."""

    as_of: date
    train_start: date
    validation_start: date | None
    holdout_start: date
    end: date
    search: "RefitWindow | None" = None
    """Window of an earlier refit whose search chose the settings; None: this one's own did."""

    @property
    def train_days(self) -> tuple[date, ...]:
        """Days to fit on, without those that validate."""
        return days_between(self.train_start, self.validation_start or self.holdout_start)

    @property
    def validation_days(self) -> tuple[date, ...]:
        """Days that choose among trials; empty where folds do."""
        return days_between(self.validation_start or self.holdout_start, self.holdout_start)

    @property
    def holdout_days(self) -> tuple[date, ...]:
        """Days to evaluate on."""
        return days_between(self.holdout_start, self.end)

    @property
    def days(self) -> tuple[date, ...]:
        """All of them, in order."""
        return days_between(self.train_start, self.end)

    @property
    def all_days(self) -> tuple[date, ...]:
        """With those that the search read, in order: whatever decides about the refit."""
        earlier = self.search.days if self.search else ()
        return tuple(sorted({*earlier, *self.days}))


def plan_window(spec: ModelSpec, refit: str) -> RefitWindow:
    """Plan the window of a refit from its partition key, the ISO date of its as-of date.

    Raises:
        DataError: no refit begins on that date, or the data does not reach its window.

    """
    window = _window(spec, _as_of(spec, refit))
    # Dagster clips a window that begins before its partitions do, and says nothing.
    if window.train_start < spec.start:
        message = (
            f"refit {refit} of {spec.name} needs days from {window.train_start} on, "
            f"but its data begins on {spec.start}: the first refit is {first_refit(spec)}"
        )
        raise DataError(message)
    if spec.end is not None and window.end > spec.end:
        message = (
            f"refit {refit} of {spec.name} needs days until {window.end} (exclusive), "
            f"but its data ends on {spec.end}: choose an earlier refit"
        )
        raise DataError(message)
    before = _refits_since_search(spec, window.as_of)
    if before:
        window = replace(window, search=_window(spec, _later(window.as_of, -before, spec)))
    return window


def first_refit(spec: ModelSpec) -> date:
    """As-of date of the first refit whose window the data reaches."""
    begin = spec.start + timedelta(days=spec.refit.label_delay_days)
    match spec.refit.cadence:
        # On a Monday, where Dagster's own weeks begin on Sunday (docs/decisions/0005).
        case "weekly":
            begin += timedelta(days=-begin.weekday() % 7)
        case "monthly" if begin.day > 1:
            begin = _months_later(begin.replace(day=1), 1)
        case _:
            pass
    return _later(begin, spec.refit.train + spec.refit.holdout, spec)


def window_span(spec: ModelSpec) -> int:
    """How many units of the cadence before its as-of date a refit's days begin, rounded up."""
    delay = math.ceil(spec.refit.label_delay_days / _FEWEST_DAYS[spec.refit.cadence])
    # A search lies at most so many refits back.
    return spec.refit.train + spec.refit.holdout + delay + spec.trials.refits_per_search - 1


def refit_keys(spec: ModelSpec, until: date) -> tuple[str, ...]:
    """Keys of all refits as of `until` or before whose windows the data reaches."""
    keys: list[str] = []
    as_of = first_refit(spec)
    while as_of <= until and (spec.end is None or _window(spec, as_of).end <= spec.end):
        keys.append(as_of.isoformat())
        as_of = _later(as_of, 1, spec)
    return tuple(keys)


def days_between(first: date, end: date) -> tuple[date, ...]:
    """Days from `first` until before `end`."""
    return tuple(first + timedelta(days=n) for n in range((end - first).days))


def contiguous(days: Sequence[date]) -> tuple[tuple[date, date], ...]:
    """Group sorted days into ranges without gaps, both ends included."""
    ranges: list[tuple[date, date]] = []
    for day in days:
        if ranges and day - ranges[-1][1] == timedelta(days=1):
            ranges[-1] = (ranges[-1][0], day)
        else:
            ranges.append((day, day))
    return tuple(ranges)


def contiguous_apart(days: Iterable[date], apart: Container[date]) -> tuple[tuple[date, date], ...]:
    """Group days into such ranges, those of `apart` in ranges of their own."""
    ordered = sorted(days)
    groups = ([day for day in ordered if (day in apart) is there] for there in (False, True))
    return tuple(sorted(ends for group in groups for ends in contiguous(group)))


def _window(spec: ModelSpec, as_of: date) -> RefitWindow:
    refit = spec.refit
    delay = timedelta(days=refit.label_delay_days)
    holdout_start = _later(as_of, -refit.holdout, spec)
    validation = spec.trials.validation
    return RefitWindow(
        as_of=as_of,
        # Units first, then the delay: months are counted from the first of one.
        train_start=_later(holdout_start, -refit.train, spec) - delay,
        validation_start=(
            None if validation is None else _later(holdout_start, -validation, spec) - delay
        ),
        holdout_start=holdout_start - delay,
        end=as_of - delay,
    )


def _refits_since_search(spec: ModelSpec, as_of: date) -> int:
    # By the calendar and not by what was refitted here: any folder fits the same models.
    first, every = first_refit(spec), spec.trials.refits_per_search
    if spec.refit.cadence == "monthly":
        months = (as_of.year - first.year) * 12 + as_of.month - first.month
        return months % every
    return (as_of - first).days // _FEWEST_DAYS[spec.refit.cadence] % every


def _as_of(spec: ModelSpec, refit: str) -> date:
    cadence = spec.refit.cadence
    try:
        as_of = date.fromisoformat(refit)
    except ValueError as error:
        message = f"{refit!r} is no refit of {spec.name}: write its as-of date as YYYY-MM-DD"
        raise DataError(message) from error
    if (cadence == "weekly" and as_of.weekday()) or (cadence == "monthly" and as_of.day > 1):
        message = f"{refit} is no refit of {spec.name}: its {cadence} refits begin on "
        raise DataError(message + _BEGINS[cadence])
    return as_of


def _later(day: date, units: int, spec: ModelSpec) -> date:
    if spec.refit.cadence == "monthly":
        return _months_later(day, units)
    return day + timedelta(days=units * _FEWEST_DAYS[spec.refit.cadence])


def _months_later(first_of_month: date, months: int) -> date:
    month = first_of_month.year * 12 + first_of_month.month - 1 + months
    return first_of_month.replace(year=month // 12, month=month % 12 + 1)
