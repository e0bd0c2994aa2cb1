"""PySpark scripts as a resource: `spark-submit` on this machine, or a SparkApplication.

Belongs here: where a script's files and outputs lie in a deployment, and its size. Does not:
processes and Kubernetes (`workloads`), assets (`assets.spark_job`).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from refit_assets.job_spec import SparkJobSpec, fill_in
from refit_assets.resources.deployment import PROJECT, Deployment
from refit_assets.resources.spark import JAVA_OPTIONS, LOGGING
from refit_assets.workloads.spark_submit import Script, run_script

if TYPE_CHECKING:
    from refit_assets.resources.cluster_deployment import ClusterDeployment
    from refit_assets.resources.kubernetes import ClusterPrograms
    from refit_assets.workloads.spark_application import SparkProgram

Tell = Callable[[str], None]

IMAGE_FOLDER = "/opt/refit"
"""Where the images keep what is below the project's folder here."""


@dataclass(frozen=True, kw_only=True)
class ScriptCall:
    """One run of a job's script."""

    spec: SparkJobSpec
    script: Path
    partition: str | None = None


class Scripts(Protocol):
    """Runs scripts, wherever."""

    def run(self, call: ScriptCall, tell: Tell) -> None:
        """Run a script to its end; WorkloadFailed shows its traceback."""
        ...


@dataclass(frozen=True, kw_only=True)
class EmbeddedScripts:
    """Scripts on this machine, each in a process of its own."""

    deployment: Deployment

    def run(self, call: ScriptCall, tell: Tell) -> None:
        """Run a script to its end."""
        run_script(local_script(call, self.deployment), tell)


def local_script(call: ScriptCall, deployment: Deployment) -> Script:
    """Say how a script is started on this machine."""
    spec, size = call.spec, call.spec.compute.embedded
    folder = call.script.parent
    output = (deployment.home / "jobs" / spec.key).as_uri()
    filled = _filled(call, str(folder), deployment.landing.uri, output)
    settings = {
        "spark.app.name": spec.name,
        "spark.master": "local[*]",
        "spark.driver.memory": f"{size.driver_memory_mib}m",
        "spark.driver.extraJavaOptions": f"{JAVA_OPTIONS} -Dlog4j2.configurationFile={LOGGING}",
        # Loopback only, as all of a laptop's deployment.
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.ui.enabled": "false",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.shuffle.partitions": str(size.shuffle_partitions),
    }
    return replace(filled, path=call.script, settings={**settings, **spec.settings})


@dataclass(frozen=True, kw_only=True)
class ClusterScripts:
    """Scripts on Kubernetes: a SparkApplication each."""

    programs: "ClusterPrograms"

    def run(self, call: ScriptCall, tell: Tell) -> None:
        """Run a script to its end."""
        from refit_assets.resources.kubernetes import present_step
        from refit_assets.workloads.kube import RUN_LABEL, workload_name
        from refit_assets.workloads.spark_application import SparkApplications, build_application

        step, programs = present_step(), self.programs
        identity = (step.root_run_id, step.key, call.partition or "")
        program = cluster_program(
            call,
            programs.deployment,
            workload_name(call.spec.key.replace("/", "-"), "job", *identity),
        )
        program = replace(
            program,
            labels={**program.labels, RUN_LABEL: step.run_id},
            owners=programs.owners(step.run_id),
        )
        tell(f"SparkApplication {program.name}: {program.executors} executors")
        applications = SparkApplications(api=programs.api, patience=programs.patience)
        manifest = build_application(program, programs.api.namespace)
        with applications.submitted(manifest):
            applications.wait(program.name, tell)


def cluster_program(call: ScriptCall, deployment: "ClusterDeployment", name: str) -> "SparkProgram":
    """Say how a script is started on Kubernetes; its image holds the script."""
    from refit_assets.resources.cluster_spark import sized
    from refit_assets.resources.kubernetes import API_LABEL, ROLE_LABEL, S3_LABEL
    from refit_assets.workloads.kube import REQUEST_LABEL, request_digest
    from refit_assets.workloads.spark_application import SparkProgram

    spec = call.spec
    folder = f"{IMAGE_FOLDER}/{call.script.parent.relative_to(PROJECT).as_posix()}"
    # Spark's own reader speaks S3 by this name.
    bucket = deployment.bucket_uri.replace("s3://", "s3a://", 1)
    filled = _filled(call, folder, f"{bucket}/landing", f"{bucket}/jobs/{spec.key}")
    # With the script's text: what an older script started is not taken over for a newer one.
    asked = [spec.model_dump(mode="json"), call.partition, call.script.read_text()]
    program = SparkProgram(
        name=name,
        image=deployment.image("spark"),
        main_file=f"local://{folder}/{call.script.name}",
        arguments=filled.arguments,
        packages=filled.packages,
        settings=spec.settings,
        environment={**deployment.s3_environment, **filled.environment},
        secrets=deployment.s3_secrets,
        labels={
            ROLE_LABEL: "spark",
            S3_LABEL: "true",
            API_LABEL: "true",
            REQUEST_LABEL: request_digest(asked),
        },
    )
    return sized(program, deployment, spec.compute.kubernetes)


def _filled(call: ScriptCall, folder: str, landing: str, output: str) -> Script:
    places = {"folder": folder, "landing": landing, "output": output}
    if call.partition is not None:
        places["partition"] = call.partition
    spec = call.spec
    return Script(
        path=call.script,
        arguments=[fill_in(text, places) for text in spec.arguments],
        packages=spec.packages,
        environment={name: fill_in(text, places) for name, text in spec.environment.items()},
    )
