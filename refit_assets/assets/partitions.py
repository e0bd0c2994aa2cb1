"""Partitions of the graph: days of data and refits, and how one depends on the other.

Dagster's side of `features.window`, which says what a refit's window is. A window that the data
does not reach is refused there: Dagster would clip it silently.
"""

from datetime import date, timedelta

import dagster as dg

from refit_assets.features.window import first_refit, window_span
from refit_assets.spec import ModelSpec


def day_partitions(spec: ModelSpec) -> dg.DailyPartitionsDefinition:
    """Every day of data."""
    end = spec.end and spec.end.isoformat()
    return dg.DailyPartitionsDefinition(start_date=spec.start.isoformat(), end_date=end)


def refit_partitions(spec: ModelSpec) -> dg.TimeWindowPartitionsDefinition:
    """Every refit whose window the data reaches; the key is its as-of date."""
    first = first_refit(spec).isoformat()
    # The refit as of a Monday needs only days before it: its partition exists from its first
    # day on, and not, as Dagster's default has it, once its week is over.
    ahead: dict[str, int | str] = {"end_offset": 1}
    if spec.end is not None:
        ahead = {"end_date": _after(spec.end, spec).isoformat()}
    match spec.refit.cadence:
        case "daily":
            return dg.DailyPartitionsDefinition(start_date=first, **ahead)  # pyright: ignore[reportArgumentType]
        case "weekly":
            # Dagster's weeks begin on Sunday, ours on Monday (decision 0005).
            return dg.WeeklyPartitionsDefinition(start_date=first, day_offset=1, **ahead)  # pyright: ignore[reportArgumentType]
        case "monthly":
            return dg.MonthlyPartitionsDefinition(start_date=first, **ahead)  # pyright: ignore[reportArgumentType]


def _after(end: date, spec: ModelSpec) -> date:
    """A date by which the partition that begins at `end` at the latest is over."""
    return end + timedelta(days={"daily": 1, "weekly": 7, "monthly": 31}[spec.refit.cadence])


def looking_back(days: int) -> dg.TimeWindowPartitionMapping:
    """Day D reads the days from D minus `days` on."""
    return dg.TimeWindowPartitionMapping(start_offset=-days, end_offset=0)


def over_window(spec: ModelSpec) -> dg.TimeWindowPartitionMapping:
    """A refit reads the days of its window; offsets are in units of its cadence."""
    return dg.TimeWindowPartitionMapping(start_offset=-window_span(spec), end_offset=-1)


def refit_of_day() -> dg.TimeWindowPartitionMapping:
    """A day is scored by the release of its week, or an older one; the first days have none."""
    return dg.TimeWindowPartitionMapping(allow_nonexistent_upstream_partitions=True)


def partition_days(context: dg.AssetExecutionContext) -> tuple[date, ...]:
    """Return the days that a run is about, in order."""
    return tuple(sorted(date.fromisoformat(key) for key in context.partition_keys))


def range_tags(first: date, last: date) -> dict[str, str]:
    """Tags by which one run materialises the days `first` to `last`, both included."""
    return {
        "dagster/asset_partition_range_start": first.isoformat(),
        "dagster/asset_partition_range_end": last.isoformat(),
    }


def refit_before() -> dg.TimeWindowPartitionMapping:
    """A release follows the release before it."""
    return dg.TimeWindowPartitionMapping(start_offset=-1, end_offset=-1)
