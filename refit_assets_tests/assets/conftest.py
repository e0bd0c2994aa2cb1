"""A deployment in a temporary home with fake engines, and Dagster's own instance in memory.

The model is that of `specs.py` with daily refits: a window of three days is quick to land.
"""

import os
import shutil
import sqlite3
import warnings
from collections.abc import Callable, Generator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cache, partial
from pathlib import Path
from typing import Any, TypeAlias

import dagster as dg
import pytest

from refit_assets.assets.evaluation import evaluate_refit
from refit_assets.assets.features import record_days
from refit_assets.assets.landing import build_landing_specs
from refit_assets.assets.main_job import QUIET, REFIT_ASSETS
from refit_assets.assets.refit import build_refit_defs
from refit_assets.assets.release import VARYING_POLICIES, decide_refit
from refit_assets.features.job import FeaturesRequest, FeaturesResult
from refit_assets.features.training_set import TrainingSet, pin_training_set
from refit_assets.resources.deployment import Deployment
from refit_assets.spec import ModelSpec
from refit_assets.training.fit import FitRequest
from refit_assets_tests.fakes.h2o import FakeH2O
from refit_assets_tests.fakes.maven import FakeMaven
from refit_assets_tests.fakes.spark import FakeSpark
from refit_assets_tests.memory import empty_instance
from refit_assets_tests.specs import build_spec

DAILY: dict[str, Any] = {
    "end": "2013-01-10",
    "refit": {"cadence": "daily", "train": 2, "holdout": 1},
    "gates": {"floors": {"auc": 0.6}, "champion": {"metric": "log_loss", "resamples": 100}},
}
UP_TO_JAR = ("training_set", "trials", "candidate", "scoring_jar")
UP_TO_EVALUATION = (*UP_TO_JAR, "evaluation")
FIRST_REFIT = "2013-01-04"
"""As of the fourth: made of the first to the third."""


def day(number: int) -> date:
    """A day of January 2013."""
    return date(2013, 1, number)


def build_daily(**changes: Any) -> ModelSpec:  # noqa: ANN401
    return build_spec(**{**DAILY, **changes})


def things(number: int, delay: int = 30) -> str:
    """Twelve things of a day: large ones come late, but for one of each; the last is unknown."""
    lines = ["thing,size,kind,delay"]
    for size in range(1, 13):
        late = (size > 6) != (size in {4, 9})
        told = "" if size == 12 else delay if late else 0
        lines.append(f"{number * 100 + size},{size},{'ab'[size % 2]},{told}")
    return "\n".join([*lines, ""])


@dataclass(kw_only=True)
class Workshop:
    """One model, its engines, and what a person does with them."""

    deployment: Deployment
    instance: dg.DagsterInstance
    spec: ModelSpec = field(default_factory=build_daily)
    spark: FakeSpark = field(default_factory=FakeSpark)
    h2o: FakeH2O = field(default_factory=FakeH2O)
    maven: FakeMaven = field(default_factory=FakeMaven)

    def land(self, *numbers: int, delay: int = 30, settled: bool = True) -> None:
        """Land days, as of a while ago; or as of now, when they may still be growing."""
        for number in numbers:
            name = f"things/{day(number)}.csv"
            self.deployment.landing.write(name, things(number, delay).encode())
            if settled:
                self.settle(name)

    def settle(self, name: str) -> None:
        """Let a minute pass since a file was written."""
        path = self.deployment.home / "landing" / name
        modified = path.stat().st_mtime_ns - 60 * 10**9
        os.utime(path, ns=(modified, modified))

    def ask(self, first: int, last: int) -> FeaturesRequest:
        """What Spark is asked for days."""
        return FeaturesRequest(
            spec=self.spec,
            first=day(first),
            last=day(last),
            landing_uri=self.deployment.landing.uri,
            catalogue_uri=self.deployment.catalogue_uri,
            warehouse_uri=self.deployment.warehouse_uri,
            run_id="computed",
        )

    def write(self, first: int, last: int) -> FeaturesResult:
        """Commit days to the table; their records stay as they were."""
        return self.spark.features(self.ask(first, last), lambda _line: None)

    def compute(self, first: int, last: int) -> None:
        """Commit and record days, as their asset would have; Dagster is not asked."""
        record_days(self.deployment.store, self.spec, self.write(first, last))

    def features(self, first: int, last: int) -> dg.ExecuteInProcessResult:
        """Compute days, in one run."""
        tags = {
            "dagster/asset_partition_range_start": day(first).isoformat(),
            "dagster/asset_partition_range_end": day(last).isoformat(),
        }
        return self.run(["features"], tags=tags)

    def make(self, refit: str = FIRST_REFIT, names: Sequence[str] = REFIT_ASSETS) -> None:
        """Store what assets of a refit would store; Dagster is not asked, and has no events."""
        store, spec = self.deployment.store, self.spec
        pinned = store.refit(spec.name, refit).name("training_set.json")
        if "training_set" in names:
            table = self.deployment.feature_table(spec.name)
            store.write_record(pinned, pin_training_set(store, table, spec, refit))
        if "trials" in names:
            training_set = store.need_record(TrainingSet, pinned, made_by="late/training_set")
            request = FitRequest(spec=spec, training_set=training_set)
            self.h2o.fit(request, store, lambda _line: None)
        if "scoring_jar" in names:
            self.maven.package(spec, refit, store, lambda _line: None)
        if "evaluation" in names:
            evaluate_refit(spec, refit, store, self.maven)
        if "release" in names:
            decide_refit(spec, refit, self.deployment, self.maven, "made")

    def refit(
        self, refit: str = FIRST_REFIT, names: Sequence[str] = REFIT_ASSETS
    ) -> dg.ExecuteInProcessResult:
        return self.run(names, partition_key=refit)

    def run(
        self,
        names: Sequence[str],
        ops: Mapping[str, Any] | None = None,
        **what: Any,  # noqa: ANN401
    ) -> dg.ExecuteInProcessResult:
        engines = {"spark": self.spark, "h2o": self.h2o, "maven": self.maven}
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=VARYING_POLICIES)
            return dg.materialize(
                _graph(self.spec),
                selection=[dg.AssetKey([self.spec.name, name]) for name in names],
                instance=self.instance,
                resources={"deployment": self.deployment, **engines},
                run_config={**QUIET, "ops": dict(ops or {})},
                raise_on_error=False,
                **what,
            )

    def copy(self) -> "Workshop":
        """Copy it; what its engines remember from now on is their own."""
        engines = {name: deepcopy(getattr(self, name)) for name in ("spark", "h2o", "maven")}
        return replace(self, **engines)

    def data_version(self, name: str, partition: str) -> str | None:
        """Data version of the latest materialisation of a partition."""
        found = self.instance.fetch_materializations(
            dg.AssetRecordsFilter(
                asset_key=dg.AssetKey([self.spec.name, name]), asset_partitions=[partition]
            ),
            limit=1,
        )
        made = found.records[0].asset_materialization if found.records else None
        return made and (made.tags or {}).get("dagster/data_version")


def failure(result: dg.ExecuteInProcessResult) -> str:
    """What the failed step said; it must be an end, and not one of several attempts."""
    assert not [e for e in result.all_events if e.event_type_value == "STEP_UP_FOR_RETRY"]
    (event,) = (event for event in result.all_events if event.is_step_failure)
    said = event.step_failure_data.user_failure_data
    assert said is not None, event.step_failure_data.error
    return str(said.description)


def begin(
    instance: dg.DagsterInstance,
    name: str = "any",
    **about: Any,  # noqa: ANN401
) -> dg.DagsterRun:
    """Begin a run that does nothing and does not end."""
    job = dg.define_asset_job(name).resolve(asset_graph=dg.Definitions().resolve_asset_graph())
    return instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED, **about)


def checks(result: dg.ExecuteInProcessResult) -> dict[str, dg.AssetCheckEvaluation]:
    return {one.check_name: one for one in result.get_asset_check_evaluations()}


Build: TypeAlias = Callable[[Workshop], None]


@dataclass(kw_only=True)
class Shelf:
    """Workshops as some steps left them: to get there once more costs a copy, and no run.

    All stand in one place, one at a time, because a table knows where it lies.
    """

    folder: Path
    kept: dict[tuple[Build, ...], tuple[Workshop, Path, list[sqlite3.Connection]]] = field(
        default_factory=dict
    )

    def fetch(self, steps: tuple[Build, ...]) -> Workshop:
        """Fetch what these steps make of an empty home; each is taken once in a session."""
        if steps in self.kept:
            workshop, home, databases = self.kept[steps]
            shutil.rmtree(workshop.deployment.home)
            shutil.copytree(home, workshop.deployment.home)
            self._copy(databases, self._databases(workshop))
            return workshop.copy()
        if steps:
            workshop = self.fetch(steps[:-1])
            steps[-1](workshop)
        else:
            workshop = Workshop(
                deployment=Deployment(home=self.folder / "home"), instance=empty_instance()
            )
            workshop.deployment.prepare()
        home = self.folder / f"kept-{len(self.kept)}"
        shutil.copytree(workshop.deployment.home, home)
        made = self._databases(workshop)
        databases = [sqlite3.connect(":memory:") for _ in made]
        self._copy(made, databases)
        self.kept[steps] = workshop.copy(), home, databases
        return workshop

    @staticmethod
    def _databases(workshop: Workshop) -> list[sqlite3.Connection]:
        instance = workshop.instance
        storages: list[Any] = [instance.run_storage, instance.event_log_storage]
        return [storage._held_conn.connection.dbapi_connection for storage in storages]

    @staticmethod
    def _copy(sources: list[sqlite3.Connection], targets: list[sqlite3.Connection]) -> None:
        for source, target in zip(sources, targets, strict=True):
            source.backup(target)


@pytest.fixture(scope="session", autouse=True)
def _catalogues_compiled_once() -> Generator[None]:
    """Every look at a table makes a catalogue, whose SQL an engine of its own compiles anew."""
    import pyiceberg.catalog.sql
    import sqlalchemy as db

    # Without a pool, nothing stays open from one look to the next: the shelf exchanges files.
    engine = cache(partial(db.create_engine, poolclass=db.NullPool))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pyiceberg.catalog.sql, "create_engine", engine)
        yield


@pytest.fixture(scope="session")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Shelf:
    return Shelf(folder=tmp_path_factory.mktemp("shelf"))


def state(*steps: Build) -> Any:  # noqa: ANN401
    """Make a fixture: a workshop after these steps."""

    @pytest.fixture
    def fetched(shelf: Shelf) -> Workshop:
        return shelf.fetch(steps)

    return fetched


def furnish(workshop: Workshop) -> None:
    workshop.deployment.landing.write("kinds.csv", b"kind,weight\na,1\nb,2\n")
    workshop.settle("kinds.csv")


def land_three(workshop: Workshop) -> None:
    """Land the days of the first refit."""
    workshop.land(1, 2, 3)


def compute_three(workshop: Workshop) -> None:
    workshop.compute(1, 3)


def refit_first(workshop: Workshop) -> None:
    assert workshop.refit().success


def compute_fourth(workshop: Workshop) -> None:
    workshop.land(4)
    workshop.compute(4, 4)


def compute_two_more(workshop: Workshop) -> None:
    workshop.land(4, 5)
    workshop.compute(4, 5)


COMPUTED = (furnish, land_three, compute_three)
workshop = state(furnish)
landed = state(furnish, land_three)
computed = state(*COMPUTED)
refitted = state(*COMPUTED, refit_first)


_GRAPHS: dict[str, list[Any]] = {}


def _graph(spec: ModelSpec) -> list[Any]:
    """A model's assets; making them anew takes as long as a run of some of them."""
    said = spec.model_dump_json()
    if said not in _GRAPHS:
        assets = build_refit_defs(spec).assets or ()
        _GRAPHS[said] = [*assets, *build_landing_specs([spec])]
    return _GRAPHS[said]
