"""The engines of a cluster: each heavy step runs as a program in an image of its own.

What `EmbeddedSpark`, `EmbeddedH2O` and `EmbeddedMaven` are on a laptop. Joins the clients
(`workloads`), Pipes and the records that go in and out (`exchange`). Belongs here: which program
with which size. Does not: waiting and states (`workloads`), what a program does (`programs`).
"""

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypeVar

import dagster as dg

from refit_assets.artefacts import ArtefactStore
from refit_assets.errors import WorkloadError, WorkloadFailed
from refit_assets.exchange import (
    STORE_VARIABLE,
    WORKLOAD_VARIABLE,
    Exchange,
    PackageRequest,
    Scored,
    ScoreRequest,
)
from refit_assets.features.job import FeaturesRequest, FeaturesResult
from refit_assets.packaging.candidate import PackagedJar
from refit_assets.predictions.job import PredictionsRequest, PredictionsResult
from refit_assets.resources.cluster_deployment import ClusterDeployment
from refit_assets.resources.pipes import open_pipes
from refit_assets.spec import ModelSpec, SparkSize
from refit_assets.storage_s3 import Bucket
from refit_assets.workloads.kube import (
    MODEL_LABEL,
    REQUEST_LABEL,
    RUN_LABEL,
    Api,
    Manifest,
    open_api,
    owner_reference,
    request_digest,
    workload_name,
)
from refit_assets.workloads.program_pod import Program, ProgramPods, build_job
from refit_assets.workloads.spark_application import (
    Pods,
    SparkApplications,
    SparkProgram,
    build_application,
)
from refit_assets.workloads.wait import Patience

ResultT = TypeVar("ResultT")
Tell = Callable[[str], None]

PROGRAM_FILE = "local:///opt/refit/refit_assets/programs.py"
S3_SECRET, POSTGRES_SECRET = "refit-s3", "refit-postgres"
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


@dataclass(frozen=True, kw_only=True)
class _SparkCall:
    spec: ModelSpec
    command: str
    identity: Sequence[str]
    """What the name of the application follows from, beside run and step."""
    work: object
    """What makes another run's application the same work."""


@dataclass(frozen=True, kw_only=True)
class ClusterSpark:
    """Spark on Kubernetes: a SparkApplication a request."""

    programs: ClusterPrograms

    def features(self, request: FeaturesRequest, progress: Tell) -> FeaturesResult:
        """Compute days of a feature table; see `features.job.compute_features`."""
        identity = (str(request.first), str(request.last))
        # Another run's request for the same days is the same work.
        spec = request.spec.model_dump(mode="json")
        work = [spec, *identity, request.landing_uri, request.warehouse_uri]
        call = _SparkCall(spec=request.spec, command="features", identity=identity, work=work)
        return self._ask(call, request, FeaturesResult, progress)

    def predictions(
        self, request: PredictionsRequest, store: ArtefactStore, progress: Tell
    ) -> PredictionsResult:
        """Score days by a stored jar, an application a version; see `predictions.job`."""
        del store
        identity = (str(request.first), str(request.last), request.version)
        days = [day.digest for day in request.days]
        work = [request.spec.name, *identity, request.mojo_sha256, days, request.warehouse_uri]
        call = _SparkCall(spec=request.spec, command="predictions", identity=identity, work=work)
        return self._ask(call, request, PredictionsResult, progress)

    def _ask(
        self, call: "_SparkCall", request: object, kind: type[ResultT], progress: Tell
    ) -> ResultT:
        step, spec = present_step(), call.spec
        name = workload_name(spec.name, call.command, step.root_run_id, step.key, *call.identity)
        with self.programs.asked(step, name, request, call.work) as asked:
            program = model_program(
                self.programs.deployment, spec, name, asked, command=call.command
            )
            self.run(program, asked, progress, step)
            return asked.result(kind, name)

    def run(self, program: SparkProgram, asked: Asked, progress: Tell, step: Step) -> None:
        """Run a program to its end."""
        applications = SparkApplications(api=self.programs.api, patience=self.programs.patience)
        manifest = build_application(program, self.programs.api.namespace)
        progress(f"SparkApplication {program.name}: {program.executors} executors")
        with asked.own_errors(), applications.submitted(manifest, asked.prepare):
            applications.wait(program.name, step.context.log.debug)


def model_program(
    deployment: ClusterDeployment,
    spec: ModelSpec,
    name: str,
    asked: Asked,
    *,
    command: str = "features",
) -> SparkProgram:
    """Say how a model's features are computed, or its days scored, on a cluster."""
    sized = spark_program(deployment, name, asked, spec.compute.kubernetes.spark)
    return replace(
        sized,
        main_file=PROGRAM_FILE,
        arguments=[command],
        labels={**sized.labels, MODEL_LABEL: spec.name, POSTGRES_LABEL: "true"},
        secrets=[S3_SECRET, POSTGRES_SECRET],
    )


def spark_program(
    deployment: ClusterDeployment, name: str, asked: Asked, size: SparkSize
) -> SparkProgram:
    """Size a SparkApplication and point it to the store; what it runs is the caller's."""
    return SparkProgram(
        name=name,
        image=deployment.image("spark"),
        main_file="",
        settings=spark_settings(deployment, size),
        driver=Pods(memory_mib=size.driver_memory_mib),
        executor=Pods(cores=size.executor_cores, memory_mib=size.executor_memory_mib),
        executors=size.executors,
        environment=asked.environment,
        secrets=[S3_SECRET],
        labels={**asked.labels, ROLE_LABEL: "spark", API_LABEL: "true"},
        owners=asked.owners,
    )


def spark_settings(deployment: ClusterDeployment, size: SparkSize) -> dict[str, str]:
    """Return what a session on the cluster is set to; nothing of it is secret."""
    catalogue = "spark.sql.catalog.refit"
    settings = {
        "spark.sql.extensions": (
            "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions"
        ),
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.shuffle.partitions": str(size.shuffle_partitions),
        "spark.log.level": "WARN",
        f"{catalogue}.io-impl": "org.apache.iceberg.aws.s3.S3FileIO",
        # Its other clients want netty's, which clashes with Spark's.
        f"{catalogue}.s3.client-factory-impl": (
            "org.apache.iceberg.aws.s3.DefaultS3FileIOAwsClientFactory"
        ),
        f"{catalogue}.client.region": deployment.s3_region,
        "spark.hadoop.fs.s3a.endpoint.region": deployment.s3_region,
    }
    if deployment.s3_endpoint:
        settings |= {
            f"{catalogue}.s3.endpoint": deployment.s3_endpoint,
            f"{catalogue}.s3.path-style-access": "true",
            "spark.hadoop.fs.s3a.endpoint": deployment.s3_endpoint,
            "spark.hadoop.fs.s3a.path.style.access": "true",
            "spark.hadoop.fs.s3a.connection.ssl.enabled": str(
                deployment.s3_endpoint.startswith("https")
            ).lower(),
        }
    return settings


@dataclass(frozen=True, kw_only=True)
class _Call:
    name: str
    command: str
    memory_mib: int


@dataclass(frozen=True, kw_only=True)
class ClusterMaven:
    """Maven and Java in pods of their own."""

    programs: ClusterPrograms

    def package(self, spec: ModelSpec, refit: str, store: ArtefactStore, tell: Tell) -> PackagedJar:
        """Package a refit's candidate, store the jar, return its record."""
        del store
        step = present_step()
        name = workload_name(spec.name, "package", step.root_run_id, step.key, refit)
        request = PackageRequest(spec=spec, refit=refit)
        memory = spec.compute.kubernetes.maven_memory_mib
        call = _Call(name=name, command="package", memory_mib=memory)
        return self._run(step, call, request, PackagedJar, tell)

    def score(self, store: ArtefactStore, jar: str, rows: str, predictions: str) -> None:
        """Score a CSV of rows by a runnable jar; all three are names in the store."""
        del store
        step = present_step()
        request = ScoreRequest(jar=jar, rows=rows, predictions=predictions)
        model = step.key.partition("__")[0]
        name = workload_name(model, "score", step.root_run_id, step.key, jar, rows)
        call = _Call(name=name, command="score", memory_mib=1024)
        self._run(step, call, request, Scored, step.context.log.info)

    def _run(
        self, step: Step, call: "_Call", request: object, kind: type[ResultT], tell: Tell
    ) -> ResultT:
        name = call.name
        programs = self.programs
        with programs.asked(step, name, request, [step.root_run_id, name]) as asked:
            program = Program(
                name=name,
                image=programs.deployment.image("maven"),
                command=["python", "-m", "refit_assets.programs", call.command],
                memory_mib=call.memory_mib,
                environment=asked.environment,
                secrets=[S3_SECRET],
                labels={**asked.labels, ROLE_LABEL: "program"},
                owners=asked.owners,
            )
            pods = ProgramPods(api=programs.api, patience=programs.patience)
            tell(f"program {name} in a pod of its own")
            with (
                asked.own_errors(),
                pods.submitted(build_job(program, programs.api.namespace), asked.prepare),
            ):
                pods.wait(name, step.context.log.debug)
            return asked.result(kind, name)
