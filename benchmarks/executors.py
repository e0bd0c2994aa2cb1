"""`make bench-executors`: executors against rows, on the cluster of KUBECONFIG.

Brings the trial overlay up, lands the days of `benchmarks.scale` in its bucket, has their features
computed through GraphQL by one executor and by two, prints the table of docs/scaling.md, and takes
all of it away again. FACTORS="1 10 50" DAYS=28 EXECUTORS="1 2" by default.
"""

import os
import tempfile
from datetime import timedelta
from pathlib import Path

from benchmarks.scale import DAYS, FACTORS, land_times
from refit_assets.artefacts import day_name
from refit_assets.features.table import DayRecord
from refit_assets.features.window import days_between
from refit_assets_tests.integration.e2e.installation import Installation, installed
from refit_assets_tests.integration.e2e.overlay import change_model
from refit_assets_tests.integration.e2e.small_model import FIRST, MODEL


def main() -> None:
    """Measure every factor with every number of executors, and print the table in Markdown."""
    executors = [int(text) for text in os.environ.get("EXECUTORS", "1 2").split()]
    with tempfile.TemporaryDirectory(prefix="refit-executors-") as name, installed() as found:
        print("| rows | factor | executors | run, s |\n|---|---|---|---|", flush=True)
        for factor in FACTORS:
            _upload(found, Path(name) / str(factor), factor)
            for count in executors:
                seconds = _measure(found, count)
                print(f"| {_rows(found):,} | {factor} | {count} | {seconds:.0f} |", flush=True)


def _upload(found: Installation, home: Path, factor: int) -> None:
    # The features begin two days after what they look back at.
    landing = land_times(home, factor, DAYS + 2)
    for name in landing.names(""):
        found.landing.upload(landing.path(name), name)


def _measure(found: Installation, executors: int) -> float:
    """Seconds of a run, from its pod's start to its end."""
    change_model(executors=executors)
    last = FIRST + timedelta(days=DAYS - 1)
    (run_id,) = found.run({f"{MODEL}/features": (FIRST.isoformat(), last.isoformat())})
    (run,) = found.attempts(run_id)
    return run["endTime"] - run["startTime"]


def _rows(found: Installation) -> int:
    records = (
        found.store.need_record(DayRecord, day_name(MODEL, day.isoformat()), made_by="features")
        for day in days_between(FIRST, FIRST + timedelta(days=DAYS))
    )
    return sum(record.rows for record in records)


if __name__ == "__main__":
    main()
