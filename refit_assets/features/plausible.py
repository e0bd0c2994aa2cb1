"""Is a day plausible beside the days before it? Row counts and missing values, in sentences.

Warnings for a person, not refusals: a holiday is short, a station may fail. What is never allowed
stands in the contract. Pure.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import median

from refit_assets.features.table import DayRecord

# Whole weeks, so that every weekday counts alike.
COMPARED_DAYS = 28
FEWEST_DAYS = 7
"""With fewer days before it, nothing is said about a day."""
LARGEST_CHANGE = 3.0
"""A day with a third or three times the usual rows is worth a look."""
LARGEST_RISE = 0.25
"""So is a feature that is missing in this much more of the rows than usual."""


@dataclass(frozen=True, kw_only=True)
class Oddities:
    """What is odd about some days; empty where nothing is."""

    row_count: tuple[str, ...]
    null_share: tuple[str, ...]


def find_oddities(days: Sequence[DayRecord], known: Mapping[date, DayRecord]) -> Oddities:
    """Compare each day with the days before it; `known` holds both."""
    counts: list[str] = []
    shares: list[str] = []
    for day in days:
        before = [known.get(day.day - timedelta(days=n)) for n in range(1, COMPARED_DAYS + 1)]
        usual = [one for one in before if one is not None]
        if len(usual) >= FEWEST_DAYS:
            counts += _odd_count(day, usual)
            shares += _odd_shares(day, usual)
    return Oddities(row_count=tuple(counts), null_share=tuple(shares))


def _odd_count(day: DayRecord, usual: Sequence[DayRecord]) -> list[str]:
    # The median, as one holiday or half-landed day among them hardly moves it.
    rows = median(one.rows for one in usual)
    if rows / LARGEST_CHANGE <= day.rows <= rows * LARGEST_CHANGE:
        return []
    return [f"{day.day} has {day.rows} rows, the {len(usual)} days before it {rows:g} (median)"]


def _odd_shares(day: DayRecord, usual: Sequence[DayRecord]) -> list[str]:
    found: list[str] = []
    for name, nulls in day.nulls.items():
        share = nulls / day.rows if day.rows else 0.0
        before = median(one.nulls.get(name, 0) / one.rows if one.rows else 0.0 for one in usual)
        if share > before + LARGEST_RISE:
            found.append(
                f"{day.day}: {name} is missing in {share:.0%} of the rows, not {before:.0%}"
            )
    return found
