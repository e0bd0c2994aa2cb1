"""A tick of the landing sensor over 100,000 known objects: seconds and memory.

    python -m benchmarks.landing

Ten daily sources of 10,000 days each land in a temporary folder, their days are recorded as
computed, and the sensor looks three times: the first tick reads every file, the others must not.
"""

import os
import resource
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path

import dagster as dg

from refit_assets.artefacts import day_name, record_to_json
from refit_assets.assets.landing_sensor import build_landing_sensor
from refit_assets.features.contract import build_contract
from refit_assets.features.landed import identify, list_landing
from refit_assets.features.recipe import recipe_digest
from refit_assets.features.table import DayRecord
from refit_assets.release.due import complete_inputs
from refit_assets.resources.deployment import Deployment
from refit_assets.spec import ModelSpec
from refit_assets_tests.specs import ATTRIBUTES

SOURCES, DAYS = 10, 10_000
FIRST = date(1990, 1, 1)
# Longer than a file may be suspected of growing still.
AN_HOUR_AGO = time.time() - 3600


def main() -> None:
    """Land, record, look, and print one line a tick."""
    sources = {
        f"source_{n}": {"path": f"source_{n}/{{day}}.csv", "columns": {"a": "int"}}
        for n in range(SOURCES)
    }
    end = FIRST + timedelta(days=DAYS)
    spec = ModelSpec.model_validate({**ATTRIBUTES, "start": FIRST, "end": end, "sources": sources})
    with tempfile.TemporaryDirectory() as folder:
        deployment = Deployment(home=Path(folder))
        deployment.prepare()
        for name in sources:
            (deployment.home / "landing" / name).mkdir()
            for n in range(DAYS):
                path = deployment.home / "landing" / name / f"{FIRST + timedelta(days=n)}.csv"
                path.write_bytes(b"a\n%d\n" % n)
                os.utime(path, (AN_HOUR_AGO, AN_HOUR_AGO))
        _record(spec, deployment)
        _look(spec, deployment)


def _record(spec: ModelSpec, deployment: Deployment) -> None:
    landing, recipe = deployment.landing, recipe_digest(spec)
    contract = build_contract(spec).digest
    files = identify(landing, list_landing(landing, spec), {})
    last = FIRST + timedelta(days=DAYS - 1)
    for day, inputs in complete_inputs(spec, files, last).items():
        record = DayRecord(
            day=day,
            rows=1,
            labelled_rows=1,
            digest="d",
            contract_digest=contract,
            recipe=recipe,
            nulls={},
            inputs=inputs,
            files=(),
            snapshot_id=1,
            run_id="run",
        )
        # Not synced: ten thousand records are many, and only the sensor is measured.
        path = deployment.home / "artefacts" / day_name(spec.name, day.isoformat())
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(record_to_json(record))


def _look(spec: ModelSpec, deployment: Deployment) -> None:
    sensor, cursor = build_landing_sensor(spec), None
    with dg.DagsterInstance.ephemeral() as instance:
        for tick in ("first", "second", "third"):
            context = dg.build_sensor_context(
                instance=instance, cursor=cursor, resources={"deployment": deployment}
            )
            started, cpu = time.perf_counter(), time.process_time()
            found = sensor(context)
            seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
            cursor = found.cursor
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            print(
                f"{tick} tick: {seconds:.2f} s, {cpu:.2f} CPU s, peak of the process "
                f"{peak:.0f} MiB, cursor {len(cursor) // 1024} KiB, "
                f"{len(found.run_requests or ())} runs asked for"
            )


if __name__ == "__main__":
    main()
