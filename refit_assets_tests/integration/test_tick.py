"""`refit tick` with nothing else running: a landed day leads to its features."""

import json
import os
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from refit_assets.demo import land
from refit_assets.features.training_set import read_days
from refit_assets.models import find_model
from refit_assets.resources.deployment import Deployment

pytestmark = pytest.mark.spark
DAYS = (date(2013, 1, 1), date(2013, 1, 2))


def tick(home: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "refit_assets.cli", "tick", "--json"]
    # A loaded machine may take its time to start a process.
    given = {"REFIT_HOME": str(home), "DAGSTER_GRPC_TIMEOUT_SECONDS": "600"}
    environment = {**os.environ, **given}
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout)


def settle(landing: Path) -> None:
    """Let a minute pass since the files were written: younger ones may still be growing."""
    for path in landing.rglob("*.csv"):
        modified = path.stat().st_mtime - 60
        os.utime(path, (modified, modified))


def test_a_landed_day_leads_to_its_features_and_the_next_tick_to_nothing(tmp_path: Path) -> None:
    deployment = Deployment(home=tmp_path / "home")
    deployment.prepare()
    land(deployment.landing, *DAYS)
    settle(deployment.landing.root)
    first = tick(deployment.home)
    made = {asset: run["status"] for run in first["runs"] for asset in run["assets"]}
    assert made == {"air_time/features": "SUCCESS", "flight_delay/features": "SUCCESS"}
    assert first["queued"] == 0
    for model in ("air_time", "flight_delay"):
        assert set(read_days(deployment.store, find_model(model), DAYS)) == set(DAYS)
    again = tick(deployment.home)
    assert again["runs"] == []
