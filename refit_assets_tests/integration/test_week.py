"""Days land, and the sensors lead to all the rest: real Spark, H2O and Maven, two models.

What the daemon does is done here tick by tick: each sensor is asked, and each run that it asks for
is done, until a round asks for nothing.
"""

import os
import shutil
import warnings
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from refit_assets.assets.landing import build_landing_specs
from refit_assets.assets.main_job import QUIET
from refit_assets.assets.refit import build_refit_defs
from refit_assets.monitoring.watch import read_monitored
from refit_assets.predictions.table import read_predicted
from refit_assets.release.decisions import read_decisions
from refit_assets.release.ledger import read_events
from refit_assets.resources.deployment import Deployment
from refit_assets.resources.engines import build_resources
from refit_assets.spec import ModelSpec
from refit_assets_tests.features.conftest import LANDING, build_spec, day

pytestmark = [pytest.mark.spark, pytest.mark.h2o, pytest.mark.maven]

SMALL: dict[str, Any] = {
    "trials": {
        "search": [{"algorithm": "gbm", "parameters": {"ntrees": 5, "min_rows": 2}}],
        "choose_by": "auc",
        "validation": 2,
    },
    "compute": {"embedded": {"h2o": {"memory_mib": 1024}, "spark": {"driver_memory_mib": 1024}}},
}
EARLY = build_spec(**SMALL, refit={"cadence": "daily", "train": 5, "holdout": 2})
PATIENT = build_spec(**SMALL, name="patient", refit={"cadence": "daily", "train": 6, "holdout": 2})
MOST_ROUNDS = 12


@dataclass
class Week:
    """A home in which nobody clicks."""

    home: Path
    cursors: dict[str, str | None] = field(default_factory=dict)
    done: list[str] = field(default_factory=list)
    """Every run, in order: model, first asset, partition or range."""

    def land(self, first: int, last: int) -> None:
        """Land days as of a minute ago: younger files may still be growing."""
        for source in ("weather", "flights"):
            for number in range(first, last + 1):
                name = f"{source}/{day(number)}.csv"
                target = self.home / "landing" / name
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(LANDING / name, target)
                old = target.stat().st_mtime - 60
                os.utime(target, (old, old))

    def tick(self, spec: ModelSpec, instance: dg.DagsterInstance, engines: dict[str, Any]) -> bool:
        """Ask each sensor of a model, and do what it asks for; whether anything was."""
        graph = build_refit_defs(spec)
        asked = False
        for sensor in graph.sensors or ():
            context = dg.build_sensor_context(
                instance=instance,
                cursor=self.cursors.get(sensor.name),
                resources={"deployment": engines["deployment"]},
            )
            result: Any = sensor(context)  # pyright: ignore[reportCallIssue]
            self.cursors[sensor.name] = result.cursor
            for request in result.run_requests or ():
                asked = True
                self.run(spec, graph, request, instance, engines)
        return asked

    def run(
        self,
        spec: ModelSpec,
        graph: dg.Definitions,
        request: dg.RunRequest,
        instance: dg.DagsterInstance,
        engines: dict[str, Any],
    ) -> None:
        keys, assets = [*(request.asset_selection or ())], [*build_landing_specs([spec])]
        assets += graph.assets or ()  # pyright: ignore[reportOperatorIssue] - Dagster's old kinds
        ends = [request.tags.get(f"dagster/asset_partition_range_{e}") for e in ("start", "end")]
        when = request.partition_key or " to ".join(filter(None, ends))
        self.done.append(f"{spec.name} {keys[0].path[-1]} {when}")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            result = dg.materialize(
                assets,
                selection=keys,
                partition_key=request.partition_key,
                tags=dict(request.tags),
                run_config={**QUIET, **request.run_config},
                instance=instance,
                resources=engines,
            )
        assert result.success

    def settle(self, instance: dg.DagsterInstance, engines: dict[str, Any]) -> None:
        """Go round the sensors of both models until none has anything to ask for."""
        for _ in range(MOST_ROUNDS):
            # Both are asked in each round, also where the first had something to do.
            asked = [self.tick(spec, instance, engines) for spec in (EARLY, PATIENT)]
            if not any(asked):
                return
        message = f"the sensors never came to rest: {self.done}"
        raise AssertionError(message)


@dataclass(frozen=True)
class Seen:
    """What is there in the end."""

    first: Sequence[str]
    """Runs after the first seven days."""
    second: Sequence[str]
    """Runs after the eighth."""
    events: dict[str, list[tuple[str, str]]]
    reasons: dict[str, list[str]]
    scored: dict[str, str]
    """Version that scored the eighth day, by model."""
    watched: dict[str, str]


def live(home: Path) -> Seen:
    """Let seven days land, then one more."""
    deployment = Deployment(home=home)
    deployment.prepare()
    engines, week = build_resources(deployment), Week(home)
    with dg.DagsterInstance.ephemeral() as instance, ExitStack() as closing:
        closing.callback(engines["spark"].close)
        closing.callback(engines["h2o"].stop)
        week.land(1, 7)
        week.settle(instance, engines)
        first, week.done = week.done, []
        week.land(8, 8)
        week.settle(instance, engines)
    store, names = deployment.store, ("late", "patient")
    scored = {name: read_predicted(store, name, [day(8)]) for name in names}
    watched = {name: read_monitored(store, name, day(8)) for name in names}
    return Seen(
        first=first,
        second=week.done,
        events={n: [(e.kind, e.refit) for e in read_events(store.storage, n)] for n in names},
        reasons={n: [one.reason for one in read_decisions(store, n)] for n in names},
        scored={name: days[day(8)].version for name, days in scored.items() if days},
        watched={name: one.version for name, one in watched.items() if one},
    )


def test_days_that_land_lead_to_features_a_refit_predictions_and_monitoring(
    tmp_path: Path,
) -> None:
    # A process of its own: it ends its Spark, which other tests still need.
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        seen = pool.submit(live, tmp_path / "home").result()
    assert seen.first == [
        "late features 2013-01-01 to 2013-01-07",
        "late training_set 2013-01-08",
        "patient features 2013-01-01 to 2013-01-07",
    ]
    assert sorted(seen.second) == [
        "late features 2013-01-08 to 2013-01-08",
        "late predictions 2013-01-08 to 2013-01-08",
        "late training_set 2013-01-09",
        "patient features 2013-01-08 to 2013-01-08",
        "patient training_set 2013-01-09",
    ]
    assert [refit for _, refit in seen.events["late"]] == ["2013-01-08", "2013-01-09"]
    assert seen.events["late"][0] == ("promoted", "2013-01-08")
    assert seen.events["patient"] == [("promoted", "2013-01-09")]
    assert seen.reasons["late"][-1] == seen.reasons["patient"][-1] == "nothing_changed"
    # The eighth is before the as-of date of the patient model's first refit: nobody served then.
    assert seen.scored == seen.watched == {"late": "1.0.20130108"}
