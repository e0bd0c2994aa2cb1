"""Spark on a cluster: a SparkApplication for each range of days, and for each script.

What `EmbeddedSpark` is on a laptop. Belongs here: which program with which size and settings. Does
not: submitting and states (`workloads.spark_application`), what a program does (`programs`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from refit_assets.artefacts import ArtefactStore
from refit_assets.features.job import FeaturesRequest, FeaturesResult
from refit_assets.predictions.job import PredictionsRequest, PredictionsResult
from refit_assets.resources.cluster_deployment import ClusterDeployment
from refit_assets.resources.kubernetes import (
    API_LABEL,
    POSTGRES_LABEL,
    POSTGRES_SECRET,
    ROLE_LABEL,
    Asked,
    ClusterPrograms,
    Step,
    Tell,
    present_step,
)
from refit_assets.spec import ModelSpec, SparkSize
from refit_assets.workloads.kube import MODEL_LABEL, workload_name
from refit_assets.workloads.spark_application import (
    Pods,
    SparkApplications,
    SparkProgram,
    build_application,
)

ResultT = TypeVar("ResultT")

PROGRAM_FILE = "local:///opt/refit/refit_assets/programs.py"


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

    def start(self, spec: ModelSpec) -> None:
        """Nothing can start early: an application belongs to the request it answers."""

    def close(self) -> None:
        """Nothing is left to close: every application is gone with its request."""

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
    program = SparkProgram(
        name=name,
        image=deployment.image("spark"),
        main_file=PROGRAM_FILE,
        arguments=[command],
        environment=asked.environment,
        secrets=[*deployment.s3_secrets, POSTGRES_SECRET],
        labels={
            **asked.labels,
            ROLE_LABEL: "spark",
            API_LABEL: "true",
            MODEL_LABEL: spec.name,
            POSTGRES_LABEL: "true",
        },
        owners=asked.owners,
    )
    return sized(program, deployment, spec.compute.kubernetes.spark)


def sized(program: SparkProgram, deployment: ClusterDeployment, size: SparkSize) -> SparkProgram:
    """Give a program its pods and the session's settings; what it sets itself stays."""
    return replace(
        program,
        settings={**spark_settings(deployment, size), **program.settings},
        driver=Pods(memory_mib=size.driver_memory_mib, node_selector=size.driver_nodes),
        executor=Pods(
            cores=size.executor_cores,
            memory_mib=size.executor_memory_mib,
            node_selector=size.executor_nodes,
            tolerations=[one.model_dump(exclude_none=True) for one in size.executor_tolerations],
        ),
        executors=size.executors,
        most_executors=size.most_executors,
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
        # Tables are read by Iceberg's own client, staged files by Spark's.
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
