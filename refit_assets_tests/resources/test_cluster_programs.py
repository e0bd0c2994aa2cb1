"""What a cluster's deployment takes from its settings, and how Maven and Spark are asked there."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from refit_assets.artefacts import ArtefactStore, Folder
from refit_assets.errors import DataError, Finding, SetupError, WorkloadFailed
from refit_assets.exchange import Exchange, PackageRequest, Scored, ScoreRequest
from refit_assets.resources.cluster_deployment import build_cluster_deployment
from refit_assets.resources.cluster_maven import ClusterMaven
from refit_assets.resources.cluster_spark import model_program, spark_settings
from refit_assets.resources.kubernetes import Asked
from refit_assets.spec import SparkSize
from refit_assets.workloads.kube import Manifest
from refit_assets.workloads.spark_application import build_application
from refit_assets_tests.fakes.cluster import SETTINGS, FolderPrograms, folder_programs, in_a_step
from refit_assets_tests.fakes.kubernetes_api import FakeApi
from refit_assets_tests.training.flights import build_spec

SPEC = build_spec(compute={"kubernetes": {"maven_memory_mib": 1536}})
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "s3cret"}


def test_settings_that_are_missing_are_named() -> None:
    settings = {**SETTINGS, "REFIT_BUCKET": ""}
    settings.pop("REFIT_H2O_IMAGE")
    with pytest.raises(SetupError, match=r"REFIT_BUCKET, REFIT_H2O_IMAGE is not set: see settings"):
        build_cluster_deployment(settings)


def test_no_credential_is_kept_where_manifests_are_made_of() -> None:
    found = build_cluster_deployment({**SETTINGS, **CREDENTIALS, "AWS_REGION": "eu-west-1"})
    assert found.s3_environment == {"AWS_REGION": "eu-west-1"}
    assert "s3cret" not in repr(found)


def test_where_accounts_have_roles_no_pod_asks_for_a_secret_of_the_bucket() -> None:
    found = build_cluster_deployment({**SETTINGS, "REFIT_S3_CREDENTIALS": "roles"})
    assert found.s3_secrets == []
    asked = asked_of(Path("unused"))
    assert model_program(found, SPEC, "w", asked).secrets == ["refit-postgres"]


@dataclass
class Ending(FakeApi):
    """Every program ends at once, and answers if it is told how."""

    answer: Callable[[Manifest], object] = lambda _: None
    jobs: list[Manifest] = field(default_factory=list)

    def create(self, manifest: Manifest) -> Manifest:
        created = super().create(manifest)
        self.jobs.append(created)
        self.answer(created)
        name, labels = manifest["metadata"]["name"], manifest["metadata"]["labels"]
        self.pod(name, "Succeeded", labels={**labels, "job-name": name})
        return created


@dataclass
class World:
    folder: Path
    api: Ending = field(default_factory=Ending)

    @property
    def programs(self) -> FolderPrograms:
        return folder_programs(self.folder, self.api)

    @property
    def store(self) -> ArtefactStore:
        return self.programs.deployment.store

    def exchange(self, job: Manifest) -> Exchange:
        return Exchange(store=self.store, workload=job["metadata"]["name"])

    def answers(self, result: object) -> None:
        self.api.answer = lambda job: self.exchange(job).answer(result)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_each_jar_and_each_list_of_rows_is_scored_by_a_program_of_its_own(world: World) -> None:
    world.answers(Scored(predictions="p"))
    maven, asked = ClusterMaven(programs=world.programs), [("new", "w1"), ("new", "w2")]
    asked.append(("old", "w1"))

    def score() -> None:
        for jar, rows in asked:
            maven.score(world.store, jar, rows, "p")

    in_a_step(score)
    names = [job["metadata"]["name"] for job in world.api.jobs]
    assert len({*names}) == 3
    requests = [world.exchange(job).asked(ScoreRequest) for job in world.api.jobs]
    assert [(one.jar, one.rows) for one in requests] == asked
    assert world.api.names == []


def test_a_jar_is_packaged_in_a_pod_as_large_as_the_model_says(world: World) -> None:
    # That a program which ended well may have said nothing is an error, and worth another run.
    maven = ClusterMaven(programs=world.programs)
    with pytest.raises(Exception, match="ended without an answer"):
        in_a_step(lambda: maven.package(SPEC, "2013-07-07", world.store, print))
    (job,) = world.api.jobs
    (container,) = job["spec"]["template"]["spec"]["containers"]
    assert container["resources"]["limits"] == {"memory": "1536Mi"}
    assert container["envFrom"] == [{"secretRef": {"name": "refit-s3"}}]
    assert world.exchange(job).asked(PackageRequest).refit == "2013-07-07"


def test_what_an_older_program_answered_is_no_answer(world: World) -> None:
    world.answers(Scored(predictions="p"))
    maven = ClusterMaven(programs=world.programs)

    def score_twice() -> None:
        maven.score(world.store, "jar", "rows", "p")
        world.api.answer = lambda _: None
        maven.score(world.store, "jar", "rows", "p")

    with pytest.raises(Exception, match="ended without an answer"):
        in_a_step(score_twice)


def test_what_a_run_starts_belongs_to_its_job(world: World) -> None:
    about = {"name": "dagster-run-1", "uid": "u"}
    world.api.create({"apiVersion": "batch/v1", "kind": "Job", "metadata": {**about, "labels": {}}})
    (owner,) = world.programs.owners("1")
    assert (owner["kind"], owner["name"], owner["uid"]) == ("Job", "dagster-run-1", "u")
    # A refit by Argo has no such Job.
    assert world.programs.owners("2") == []


def asked_of(folder: Path, **about: Any) -> Asked:  # noqa: ANN401
    exchange = Exchange(store=ArtefactStore(storage=Folder(root=folder)), workload="w")
    return Asked(
        exchange=exchange,
        **{"environment": {}, "labels": {}, "owners": [], "prepare": lambda: None, **about},
    )


def test_a_programs_own_error_takes_the_place_of_its_exit_code(tmp_path: Path) -> None:
    asked = asked_of(tmp_path)
    finding = Finding(where="a.csv", expected="a value", found="nothing")
    asked.exchange.refuse(DataError("bad rows", [finding]))

    def fail() -> None:
        message = "program w failed: exit code 1"
        with asked.own_errors():
            raise WorkloadFailed(message)

    with pytest.raises(DataError, match="bad rows") as caught:
        fail()
    assert caught.value.findings == (finding,)


def test_sparks_pods_get_their_secrets_by_name_and_its_settings_none(world: World) -> None:
    deployment = build_cluster_deployment(
        {**SETTINGS, **CREDENTIALS, "AWS_ENDPOINT_URL": "http://s3:7070"}
    )
    owner = {"kind": "Job", "name": "run"}
    program = model_program(deployment, SPEC, "w", asked_of(world.folder, owners=[owner]))
    application = build_application(program, "refit")
    spec = application["spec"]
    for part in ("driver", "executor"):
        names = [one["secretRef"]["name"] for one in spec[part]["envFrom"]]
        assert names == ["refit-s3", "refit-postgres"]
    assert application["metadata"]["ownerReferences"] == [owner]
    settings = spark_settings(deployment, SparkSize())
    assert "s3cret" not in str(settings)
    assert settings["spark.hadoop.fs.s3a.endpoint"] == "http://s3:7070"
    assert settings["spark.hadoop.fs.s3a.connection.ssl.enabled"] == "false"
