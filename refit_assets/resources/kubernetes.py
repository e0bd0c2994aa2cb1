"""Programs of a step on a cluster: a request in, an answer out, whatever engine runs them.

Joins Pipes and the records that go in and out (`exchange`) to the step that asks. Belongs here:
what every engine's programs share. Does not: which program with which size (`cluster_spark`,
`cluster_h2o`, `cluster_maven`), waiting and states (`workloads`).
"""

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import dagster as dg

from refit_assets.errors import WorkloadError, WorkloadFailed
from refit_assets.exchange import (
    STORE_VARIABLE,
    WORKLOAD_VARIABLE,
    Exchange,
)
from refit_assets.resources.cluster_deployment import ClusterDeployment
from refit_assets.resources.pipes import open_pipes
from refit_assets.storage_s3 import Bucket
from refit_assets.workloads.kube import (
    REQUEST_LABEL,
    RUN_LABEL,
    Api,
    Manifest,
    open_api,
    owner_reference,
    request_digest,
)
from refit_assets.workloads.wait import Patience

ResultT = TypeVar("ResultT")
Tell = Callable[[str], None]

POSTGRES_SECRET = "refit-postgres"  # noqa: S105 - its name
# All traffic is denied; each of these opens one way out (deploy/kustomize/base/network.yaml).
S3_LABEL, POSTGRES_LABEL, API_LABEL = "refit/needs-s3", "refit/needs-postgres", "refit/needs-api"
ROLE_LABEL = "refit/role"


@dataclass(frozen=True, kw_only=True)
class Step:
    """The step that asks, as far as names, labels and owners of its workloads need it."""

    run_id: str
    root_run_id: str
    """Of the first attempt: a retried run finds what the one before it left."""
    key: str
    context: dg.AssetExecutionContext


def present_step() -> Step:
    """Find out which step is running."""
    context = dg.AssetExecutionContext.get()
    run = context.run
    return Step(
        run_id=run.run_id,
        root_run_id=run.root_run_id or run.run_id,
        key="-".join([context.op_execution_context.op_handle.name, *_partitions(context)]),
        context=context,
    )


def _partitions(context: dg.AssetExecutionContext) -> Sequence[str]:
    return context.partition_keys[:1] if context.has_partition_key_range else ()


@dataclass(frozen=True, kw_only=True)
class ClusterPrograms:
    """Runs programs for steps."""

    deployment: ClusterDeployment
    open: Callable[[str], Api] = open_api
    """Reaches a namespace; only steps do, definitions load without a cluster."""
    timeout_seconds: float = 4 * 3600
    interval_seconds: float = 1.0

    @cached_property
    def api(self) -> Api:
        """The namespace."""
        return self.open(self.deployment.namespace)

    @property
    def patience(self) -> Patience:
        """For a whole program."""
        return Patience(
            timeout_seconds=self.timeout_seconds, interval_seconds=self.interval_seconds
        )

    @property
    def bucket(self) -> Bucket:
        """The bucket of the artefact store."""
        storage = self.deployment.store.storage
        assert isinstance(storage, Bucket)  # noqa: S101 - a cluster has no other
        return storage

    @contextmanager
    def asked(self, step: Step, name: str, request: object, identity: object) -> Generator["Asked"]:
        """Store a request, open Pipes, and take all of it away afterwards."""
        exchange = Exchange(store=self.deployment.store, workload=name)
        messages = f"{exchange.folder}messages/"
        extras = {"workload": name}
        with open_pipes(step.context, self.bucket, messages, extras) as pipes:
            asked = Asked(
                exchange=exchange,
                environment={
                    STORE_VARIABLE: self.bucket.uri,
                    WORKLOAD_VARIABLE: name,
                    **self.deployment.s3_environment,
                    **pipes.environment,
                },
                labels={
                    RUN_LABEL: step.run_id,
                    REQUEST_LABEL: request_digest(identity),
                    S3_LABEL: "true",
                },
                owners=self.owners(step.run_id),
                prepare=lambda: self._prepare(exchange, request),
            )
            yield asked
        # Kept where something went wrong, for a successor and for a look.
        self.bucket.delete(exchange.folder)

    def owners(self, run_id: str) -> Sequence[Manifest]:
        """Return the run's Job: what outlives every clean-up goes when that goes."""
        # As Dagster's K8sRunLauncher names it.
        job = self.api.read("Job", f"dagster-run-{run_id}")
        return [] if job is None else [owner_reference(job)]

    def _prepare(self, exchange: Exchange, request: object) -> None:
        """Before a new workload starts: nothing of an older one may look like its answer."""
        self.bucket.delete(exchange.folder)
        exchange.ask(request)


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a program needs to be started with."""

    exchange: Exchange
    environment: Mapping[str, str]
    labels: Mapping[str, str]
    owners: Sequence[Manifest]
    prepare: Callable[[], None]

    def result(self, kind: type[ResultT], name: str) -> ResultT:
        """Return the result of a program that ended well.

        Raises:
            WorkloadFailed: it ended well and answered nothing.

        """
        result = self.exchange.answered(kind)
        # An end that looks well may be a deleted pod's: Airflow took one for success (#41212).
        if result is None:
            message = f"program {name} ended without an answer"
            raise WorkloadFailed(message, transient=True)
        return result

    @contextmanager
    def own_errors(self) -> Generator[None]:
        """Let a program's own error take the place of `it failed with exit code 1`."""
        try:
            yield
        except WorkloadError:
            self.exchange.answered(object)
            raise
