"""Questions to Dagster about runs that have not ended, or ended badly."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from itertools import takewhile

import dagster as dg

CONTENT_TAG = "refit/content"
"""On runs that a sensor asked for: a digest of what the asked is made of."""

UNFINISHED = (
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
)


def has_unfinished_run(instance: dg.DagsterInstance, tags: Mapping[str, str]) -> bool:
    """Whether a run with all these tags has not ended yet."""
    filters = dg.RunsFilter(statuses=[*UNFINISHED], tags=dict(tags))
    return bool(instance.get_run_records(filters, limit=1))


def ended_runs(instance: dg.DagsterInstance, tags: Mapping[str, str]) -> list[dg.RunRecord]:
    """Runs with all these tags that failed or were cancelled, or succeeded; the latest first."""
    ends = [
        dg.DagsterRunStatus.SUCCESS,
        dg.DagsterRunStatus.FAILURE,
        dg.DagsterRunStatus.CANCELED,
    ]
    filters = dg.RunsFilter(statuses=ends, tags=dict(tags))
    return [*instance.get_run_records(filters)]


def failed_since_success(ended: Iterable[dg.RunRecord]) -> list[dg.RunRecord]:
    """Of ended runs, the latest first, those that nothing has succeeded after."""
    return [*takewhile(lambda one: not one.dagster_run.is_success, ended)]


def ended_at(record: dg.RunRecord) -> datetime:
    """When a run ended; one that never began, when that was found."""
    ended = record.end_time
    return record.update_timestamp if ended is None else datetime.fromtimestamp(ended, UTC)
