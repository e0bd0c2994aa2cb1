"""`make bench-executors`: executors against rows, on the cluster of KUBECONFIG.

Brings the trial overlay up, lands the days of `benchmarks.scale` in its bucket, has their features
computed through GraphQL by one executor and by two, prints the table of docs/scaling.md, and takes
all of it away again. FACTORS="1 10 50" DAYS=28 EXECUTORS="1 2" by default.
"""

import os
import tempfile
import time
from datetime import timedelta
from itertools import product
from pathlib import Path

from benchmarks.scale import land_times
from refit_assets.artefacts import day_name
from refit_assets.features.table import DayRecord
from refit_assets.features.window import days_between
from refit_assets_tests.integration.e2e.installation import Installation, installed
from refit_assets_tests.integration.e2e.overlay import change_model
from refit_assets_tests.integration.e2e.small_model import FIRST, MODEL


def main() -> None:
    """Measure every factor with every number of executors, and print the table in Markdown."""
    factors = [int(text) for text in os.environ.get("FACTORS", "1 10 50").split()]
    executors = [int(text) for text in os.environ.get("EXECUTORS", "1 2").split()]
    days = int(os.environ.get("DAYS", "28"))
    with tempfile.TemporaryDirectory(prefix="refit-executors-") as name, installed() as found:
        print("| rows | factor | executors | run, s |\n|---|---|---|---|", flush=True)
        landed = 0
        for factor, count in product(factors, executors):
            if factor != landed:
                _upload(found, Path(name) / str(factor), factor, days)
                landed = factor
            seconds = _measure(found, count, days)
            print(f"| {_rows(found, days):,} | {factor} | {count} | {seconds:.0f} |", flush=True)


def _upload(found: Installation, home: Path, factor: int, days: int) -> None:
    # The features begin two days after what they look back at.
    landing = land_times(home, factor, days + 2)
    for name in landing.names(""):
        found.landing.upload(landing.path(name), name)


def _measure(found: Installation, executors: int, days: int) -> float:
    """Seconds of a run, from its pod's start to its end."""
    change_model(executors=executors)
    last = FIRST + timedelta(days=days - 1)
    began = time.monotonic()
    (run,) = found.run({f"{MODEL}/features": (FIRST.isoformat(), last.isoformat())})
    ended = [one for one in found.attempts(run) if one["endTime"]]
    return ended[0]["endTime"] - ended[0]["startTime"] if ended else time.monotonic() - began


def _rows(found: Installation, days: int) -> int:
    records = (
        found.store.need_record(DayRecord, day_name(MODEL, day.isoformat()), made_by="features")
        for day in days_between(FIRST, FIRST + timedelta(days=days))
    )
    return sum(record.rows for record in records)


if __name__ == "__main__":
    main()
