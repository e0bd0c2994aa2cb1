"""Events of days: in a laptop's SQLite and in memory they are stored alike, in order."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg

from refit_assets.assets.events import log_each

DAYS = ["2024-01-01", "2024-01-02", "2024-01-03"]


@dg.asset
def watched(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult]:
    yield dg.MaterializeResult()
    log_each(context, (dg.AssetMaterialization(context.asset_key, partition=d) for d in DAYS))


def stored_days(instance: dg.DagsterInstance) -> list[str | None]:
    with instance:
        assert dg.materialize([watched], instance=instance).success
        found = instance.fetch_materializations(watched.key, limit=10).records
    return [record.partition_key for record in reversed(found)]


def test_every_event_is_stored_in_order_in_files(tmp_path: Path) -> None:
    assert stored_days(dg.DagsterInstance.local_temp(str(tmp_path))) == [None, *DAYS]


def test_every_event_is_stored_in_order_in_memory() -> None:
    assert stored_days(dg.DagsterInstance.ephemeral()) == [None, *DAYS]


def test_the_files_are_whole_and_closed_afterwards(tmp_path: Path) -> None:
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        run_id = dg.materialize([watched], instance=instance).run_id
        # The last connection took SQLite's log with it.
        assert [*Path(tmp_path).rglob(f"{run_id}.db*")] == [*Path(tmp_path).rglob(f"{run_id}.db")]
