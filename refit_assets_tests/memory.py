"""Dagster's instance in memory, made once: making its tables takes longer than most tests."""

import threading
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from functools import cache
from typing import Any

import dagster as dg

_EVENT_LOOK_UPS = ("has_table", "has_asset_key_col", "_has_asset_key_col_on_connection")
_RUN_LOOK_UPS = ("has_run_stats_index_cols", "has_backfill_id_column")


def empty_instance() -> dg.DagsterInstance:
    """Empty the one instance; whoever had it before has it no more."""
    instance = _kept_instance()
    instance.wipe()
    return instance


@cache
def _kept_instance() -> dg.DagsterInstance:
    instance = dg.DagsterInstance.ephemeral()
    events: Any = instance.event_log_storage
    runs: Any = instance.run_storage
    events._connect, runs.connect = _kept_open(events), _kept_open(runs)
    # Its tables never change, and Dagster looks for one or the other with every event.
    for storage, look_ups in ((events, _EVENT_LOOK_UPS), (runs, _RUN_LOOK_UPS)):
        for name in look_ups:
            setattr(storage, name, cache(getattr(storage, name)))
    return instance


def _kept_open(storage: Any) -> Callable[[], AbstractContextManager[Any]]:  # noqa: ANN401
    """Spare a storage a new connection, set up anew, for every event: it holds one anyway."""
    lock = threading.RLock()

    @contextmanager
    def connect() -> Generator[Any]:
        with lock, storage._held_conn.begin():
            yield storage._held_conn

    return connect
