"""The main job, embedded: the features of what changed, then one refit, in this process.

The same assets that the UI materialises, on the same instance, so that the UI shows these runs too.
Spark starts while the landed files are looked at, and H2O beside Spark's work.
"""

import os
import shutil
import warnings
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date
from threading import Thread
from typing import TYPE_CHECKING, Any

import dagster as dg

from refit_assets.artefacts import record_to_json
from refit_assets.assets.landing import build_landing_specs
from refit_assets.assets.landing_sensor import FEATURES_TAG
from refit_assets.assets.partitions import day_partitions, range_tags
from refit_assets.assets.refit import build_refit_defs
from refit_assets.assets.refit_sensor import MODEL_TAG
from refit_assets.assets.release import VARYING_POLICIES
from refit_assets.errors import DataError, RefitError
from refit_assets.release.due import Due
from refit_assets.release.summary import Summary, build_summary
from refit_assets.resources.deployment import PROJECT, Deployment
from refit_assets.resources.engines import build_resources
from refit_assets.spec import ModelSpec

if TYPE_CHECKING:
    from collections.abc import Generator

# `steps.PROGRESS` tells the lines that matter; Dagster's own log would bury them.
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
REFIT_ASSETS = ("training_set", "trials", "candidate", "scoring_jar", "evaluation", "release")


class RunError(RefitError):
    """A run of the main job failed; the message is the failed step's own."""


@dataclass(frozen=True, kw_only=True)
class MainJob:
    """One model's graph with its resources, on the deployment's instance."""

    spec: ModelSpec
    assets: Sequence[Any]
    resources: Mapping[str, Any]
    instance: dg.DagsterInstance

    def features(self, first: date, last: date) -> dict[str, dict[str, float]]:
        """Compute a range of days in one run."""
        tags = range_tags(first, last) | {FEATURES_TAG: self.spec.name}
        # The asset logs each of its days itself. Dagster would store two more events a day, and
        # each opens SQLite three times: that is most of what a year of days costs in Python.
        tags |= {"dagster/defer_asset_events": "true"}
        return self._run(["features"], tags=tags)

    def predict(self, first: date, last: date, serving: str) -> dict[str, dict[str, float]]:
        """Score a range of days by the version that `serving` names, and watch them.

        Raises:
            DataError: the model has no such days.

        """
        _refuse_days(self.spec, first, last)
        tags = range_tags(first, last)
        ops = {f"{self.spec.name}__predictions": {"config": {"serving": serving}}}
        return self._run(["predictions", "monitoring"], {**QUIET, "ops": ops}, tags=tags)

    def refit(self, key: str) -> dict[str, dict[str, float]]:
        """Do one refit, from the training set to the release."""
        # This run passes no queue that would tag it; by the tag the sensors see that a refit runs.
        return self._run(REFIT_ASSETS, partition_key=key, tags={MODEL_TAG: self.spec.name})

    def finish(self, key: str) -> dict[str, dict[str, float]]:
        """Evaluate and release a refit whose jar is packaged."""
        tags = {MODEL_TAG: self.spec.name}
        return self._run(("evaluation", "release"), partition_key=key, tags=tags)

    def _run(
        self,
        names: Sequence[str],
        config: Mapping[str, Any] = QUIET,
        **what: Any,  # noqa: ANN401
    ) -> dict[str, dict[str, float]]:
        keys = [dg.AssetKey([self.spec.name, name]) for name in names]
        with warnings.catch_warnings():
            # How a backfill would split it says nothing about a run of one partition.
            warnings.filterwarnings("ignore", message=VARYING_POLICIES, category=UserWarning)
            result = dg.materialize(
                self.assets,
                selection=keys,
                instance=self.instance,
                resources=self.resources,
                run_config=config,
                # `failure_of` tells the step's own words instead of Dagster's wrapping.
                raise_on_error=False,
                **what,
            )
        if not result.success:
            raise RunError(failure_of(result.all_events))
        return figures_of(result.get_asset_materialization_events())


def run_main_job(spec: ModelSpec, deployment: Deployment, due: Due) -> Summary | None:
    """Do what is due; store and return the summary of the refit, None where only days were due.

    Raises:
        RunError: a step failed; what others stored stays, and the same call goes on from there.

    """
    seconds: dict[str, dict[str, float]] = {}
    with main_job(spec, deployment) as job:
        if due.ranges:
            job.resources["spark"].start(spec)
        if due.refit is not None:
            job.resources["h2o"].start(spec)
        for first, last in due.ranges:
            for name, figures in job.features(first, last).items():
                seconds[name] = _sum(seconds.get(name, {}), figures)
        # Its memory is H2O's from here on, which does not wait until it is free.
        closing = Thread(target=job.resources["spark"].close)
        closing.start()
        if due.refit is not None:
            seconds |= job.refit(due.refit)
        closing.join()
    if due.refit is None:
        return None
    target = deployment.release_target
    summary = build_summary(spec, due.refit, target, len(due.days), seconds)
    deployment.summary.write_bytes(record_to_json(summary))
    return summary


@contextmanager
def main_job(spec: ModelSpec, deployment: Deployment) -> "Generator[MainJob]":
    """A model's graph on the deployment's instance; engines are stopped at the end."""
    resources = build_resources(deployment)
    prepare_instance(deployment)
    with dg.DagsterInstance.get() as instance, ExitStack() as engines:
        engines.callback(resources["spark"].close)
        engines.callback(resources["h2o"].stop)
        yield MainJob(
            spec=spec,
            assets=[*(build_refit_defs(spec).assets or ()), *build_landing_specs([spec])],
            resources=resources,
            instance=instance,
        )


def prepare_instance(deployment: Deployment) -> None:
    """Give Dagster its home below ours, with the laptop's instance file."""
    home = deployment.dagster_home
    home.mkdir(parents=True, exist_ok=True)
    # Each time, so that a home of before gets the present limits.
    shutil.copyfile(PROJECT / "dagster.yaml", home / "dagster.yaml")
    os.environ["DAGSTER_HOME"] = str(home)
    # A code server that this process starts reads the same deployment.
    os.environ["REFIT_HOME"] = str(deployment.home)


def _refuse_days(spec: ModelSpec, first: date, last: date) -> None:
    """Refuse days that are no partitions, in other words than Dagster's."""
    known = day_partitions(spec).get_partition_keys()
    strange = [day for day in (first, last) if day.isoformat() not in known]
    if strange or last < first:
        wrong = f"no day {strange[0]}" if strange else f"no days {first} to {last}"
        message = f"{spec.name} has {wrong}: its days are {known[0]} to {known[-1]}"
        raise DataError(message)


def figures_of(materialised: Iterable[dg.DagsterEvent]) -> dict[str, dict[str, float]]:
    """Seconds of every asset that measured itself."""
    found: dict[str, dict[str, float]] = {}
    for event in materialised:
        metadata = event.materialization.metadata
        if "seconds" in metadata:
            name = event.materialization.asset_key.path[-1]
            found[name] = {k: float(metadata[k].value or 0) for k in ("seconds", "cpu_seconds")}  # pyright: ignore[reportArgumentType]
    return found


def failure_of(events: Iterable[dg.DagsterEvent]) -> str:
    """What the step that failed had to say, its causes included."""
    for event in events:
        if event.is_step_failure:
            data = event.step_failure_data
            said = data.user_failure_data
            if said and said.description:
                return f"{event.step_key} failed: {said.description}"
            error = data.error
            while error and error.cause:
                error = error.cause
            return f"{event.step_key} failed: {error.message if error else 'no message'}"
    return "the run failed outside its steps; see it in `make dev`"


def _sum(one: Mapping[str, float], other: Mapping[str, float]) -> dict[str, float]:
    return {name: round(one.get(name, 0) + value, 2) for name, value in other.items()}
