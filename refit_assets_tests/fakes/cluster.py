"""A cluster's deployment in a folder, and the step that asks programs of it, with no Pipes."""

import shutil
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import dagster as dg

from refit_assets.artefacts import ArtefactStore, Folder
from refit_assets.assets.main_job import QUIET
from refit_assets.exchange import Exchange
from refit_assets.resources.cluster_deployment import ClusterDeployment
from refit_assets.resources.kubernetes import Asked, ClusterPrograms, Step
from refit_assets_tests.fakes.kubernetes_api import FakeApi
from refit_assets_tests.memory import empty_instance

ResultT = TypeVar("ResultT")

SETTINGS = {
    "REFIT_NAMESPACE": "refit",
    "REFIT_BUCKET": "s3://bucket/refit",
    "REFIT_POSTGRES_HOST": "postgres",
    "REFIT_POSTGRES_USER": "refit",
    "REFIT_CATALOGUE_DATABASE": "catalogue",
    "REFIT_MAVEN_REPOSITORY": "https://repository.example.com",
    "REFIT_H2O_IMAGE": "refit-h2o:1",
    "REFIT_MAVEN_IMAGE": "refit-maven:1",
    "REFIT_SPARK_IMAGE": "refit-spark:1",
}


@dataclass(frozen=True, kw_only=True)
class DeployedInFolder(ClusterDeployment):
    """A cluster's deployment whose records lie in its home."""

    @property
    def store(self) -> ArtefactStore:
        return ArtefactStore(storage=Folder(root=self.home))


@dataclass(frozen=True)
class FolderBucket:
    """A bucket of which only folders are removed."""

    root: Path

    def delete(self, folder: str) -> None:
        shutil.rmtree(self.root / folder, ignore_errors=True)


@dataclass(frozen=True, kw_only=True)
class FolderPrograms(ClusterPrograms):
    """Programs that are asked in the deployment's folder."""

    @property
    def bucket(self) -> Any:  # noqa: ANN401
        return FolderBucket(self.deployment.home)

    @contextmanager
    def asked(self, step: Step, name: str, request: object, identity: object) -> Generator[Asked]:
        del identity
        exchange = Exchange(store=self.deployment.store, workload=name)
        yield Asked(
            exchange=exchange,
            environment={"REFIT_WORKLOAD": name},
            labels={},
            owners=self.owners(step.run_id),
            prepare=lambda: self._prepare(exchange, request),
        )


def folder_programs(home: Path, api: FakeApi) -> FolderPrograms:
    """Programs over an API server in memory, which is looked at without much of a pause."""
    deployment = DeployedInFolder(home=home, settings=SETTINGS)
    # A pause it needs: threads that only look again take the time of those that are looked at.
    return FolderPrograms(deployment=deployment, open=lambda _: api, interval_seconds=0.001)


def in_a_step(work: Callable[[], ResultT]) -> ResultT:
    """Do something where a step of a run is running."""
    made: list[ResultT] = []

    @dg.asset
    def step() -> None:
        made.append(work())

    dg.materialize([step], instance=empty_instance(), run_config=QUIET)
    return made[0]
