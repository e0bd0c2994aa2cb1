"""Scripts in both deployments: what is started is decided by pure functions."""

from pathlib import Path
from typing import Any

import dagster as dg

from refit_assets.assets.main_job import QUIET
from refit_assets.assets.spark_job import build_spark_job_asset
from refit_assets.job_spec import SparkJobSpec
from refit_assets.resources.cluster_deployment import ClusterDeployment
from refit_assets.resources.cluster_spark import sized
from refit_assets.resources.deployment import PROJECT, Deployment
from refit_assets.resources.kubernetes import ClusterPrograms
from refit_assets.resources.scripts import (
    ClusterScripts,
    ScriptCall,
    cluster_program,
    local_script,
)
from refit_assets.spec import SparkSize, Toleration
from refit_assets.workloads.kube import Manifest
from refit_assets.workloads.spark_application import SparkProgram, build_application
from refit_assets_tests.fakes.kubernetes_api import FakeApi
from refit_assets_tests.memory import empty_instance

SCRIPT = PROJECT / "refit_assets/defs/gbt_example/job.py"
SPEC = SparkJobSpec.model_validate(
    {
        "key": "team/job",
        "script": "job.py",
        "arguments": ["{folder}/rows.libsvm", "{landing}", "{output}/{partition}"],
        "environment": {"DAY": "{partition}"},
        "packages": ["org.apache.spark:spark-avro_2.13:4.1.4"],
        "settings": {"spark.sql.ansi.enabled": "false"},
        "metadata": {"test_error": "test error: ([0-9.]+)"},
        "partitions": {"every": "daily", "start": "2013-01-01"},
        "compute": {"kubernetes": {"executors": 2, "executor_memory_mib": 768}},
    }
)
CALL = ScriptCall(spec=SPEC, script=SCRIPT, partition="2013-01-02")
CLUSTER = ClusterDeployment(
    home=Path("unused"),
    settings={
        "REFIT_NAMESPACE": "refit",
        "REFIT_BUCKET": "s3://bucket/refit",
        "REFIT_SPARK_IMAGE": "refit-spark:1",
        "AWS_ENDPOINT_URL": "http://s3:7070",
    },
)


def application() -> Manifest:
    return build_application(cluster_program(CALL, CLUSTER, "team-job-1a2b3c4d"), "refit")


def test_on_a_laptop_the_script_runs_where_it_lies(tmp_path: Path) -> None:
    script = local_script(CALL, Deployment(home=tmp_path))
    assert script.path == SCRIPT
    assert script.arguments == [
        f"{SCRIPT.parent}/rows.libsvm",
        f"{tmp_path.as_uri()}/landing",
        f"{tmp_path.as_uri()}/jobs/team/job/2013-01-02",
    ]
    assert script.environment == {"DAY": "2013-01-02"}
    assert script.settings["spark.driver.bindAddress"] == "127.0.0.1"
    assert script.settings["spark.sql.ansi.enabled"] == "false"


def test_on_a_cluster_the_image_holds_the_script_and_s3_what_it_reads() -> None:
    spec = application()["spec"]
    folder = "/opt/refit/refit_assets/defs/gbt_example"
    assert spec["mainApplicationFile"] == f"local://{folder}/job.py"
    assert spec["arguments"] == [
        f"{folder}/rows.libsvm",
        "s3a://bucket/refit/landing",
        "s3a://bucket/refit/jobs/team/job/2013-01-02",
    ]
    assert spec["deps"]["packages"] == [*SPEC.packages]
    assert spec["sparkConf"]["spark.sql.ansi.enabled"] == "false"
    assert spec["executor"]["instances"] == 2
    assert spec["executor"]["memory"] == "768m"
    environment = {one["name"]: one["value"] for one in spec["driver"]["env"]}
    assert (
        environment.items() >= {"DAY": "2013-01-02", "AWS_ENDPOINT_URL": "http://s3:7070"}.items()
    )


def test_executors_come_and_go_on_nodes_that_may_go_while_the_driver_s_stays() -> None:
    size = SparkSize(
        executors=2,
        most_executors=8,
        driver_nodes={"lifecycle": "on-demand"},
        executor_nodes={"lifecycle": "spot"},
        executor_tolerations=(Toleration(key="spot", effect="NoSchedule"),),
    )
    program = SparkProgram(name="any", image="any", main_file="any", settings={"a": "b"})
    spec = build_application(sized(program, CLUSTER, size), "refit")["spec"]
    assert spec["dynamicAllocation"]["maxExecutors"] == 8
    assert spec["driver"]["nodeSelector"] == {"lifecycle": "on-demand"}
    assert spec["executor"]["nodeSelector"] == {"lifecycle": "spot"}
    (spot,) = spec["executor"]["tolerations"]
    assert spot == {"key": "spot", "operator": "Exists", "effect": "NoSchedule"}
    assert spec["sparkConf"]["a"] == "b"


class Operated(FakeApi):
    """A cluster whose operator brings every application to one end at once."""

    end = "COMPLETED"
    lines = ("test error: 0.25",)

    def create(self, manifest: Manifest) -> Manifest:
        created = super().create(manifest)
        name = manifest["metadata"]["name"]
        self.pod(f"{name}-driver", env=[{"name": "REFIT_WORKLOAD", "value": name}])
        self.logs[f"{name}-driver"] = [
            (f"2026-01-01T00:00:0{n}Z", x) for n, x in enumerate(self.lines)
        ]
        status = {"state": self.end, "errorMessage": "driver container failed"}
        self.status("SparkApplication", name, {"applicationState": status})
        return created


def materialise(api: FakeApi) -> dg.ExecuteInProcessResult:
    programs = ClusterPrograms(deployment=CLUSTER, open=lambda _: api, interval_seconds=0)
    resources: dict[str, Any] = {"scripts": ClusterScripts(programs=programs)}
    asset = build_spark_job_asset(SPEC, SCRIPT)
    return dg.materialize(
        [asset],
        resources=resources,
        partition_key="2013-01-02",
        instance=empty_instance(),
        run_config=QUIET,
        raise_on_error=False,
    )


def test_a_job_on_the_cluster_is_submitted_followed_and_removed() -> None:
    api = Operated()
    result = materialise(api)
    assert result.success
    (made,) = result.get_asset_materialization_events()
    assert made.materialization.metadata["test_error"].value == 0.25
    assert [name.rpartition("-")[0] for name in api.created] == ["team-job-job"]
    assert not [kind for kind, _ in api.objects if kind == "SparkApplication"]


def test_a_job_that_fails_on_the_cluster_fails_with_its_log() -> None:
    class Failing(Operated):
        end = "FAILED"
        lines = ("Traceback (most recent call last):", "ValueError: no such column")

    result = materialise(Failing())
    assert not result.success
    (failed,) = [event for event in result.all_events if event.is_step_failure]
    assert "ValueError: no such column" in str(failed.step_failure_data.user_failure_data)
