"""What ended runs left on a cluster is removed, and nothing that anybody still waits for."""

from typing import Any

import dagster as dg
import pytest

from refit_assets.assets.leftovers import build_leftovers_job, build_sensor
from refit_assets_tests.assets.conftest import begin
from refit_assets_tests.fakes.kubernetes_api import FakeApi
from refit_assets_tests.memory import empty_instance


def put(api: FakeApi, kind: str, name: str, run_id: str | None) -> None:
    labels = {} if run_id is None else {"refit/run": run_id}
    api.create({"kind": kind, "metadata": {"name": name, "labels": labels}})


def put_cluster(api: FakeApi, name: str, run_id: str) -> None:
    for kind in ("StatefulSet", "Service", "NetworkPolicy", "Secret"):
        put(api, kind, name, run_id)


def clean_up(instance: dg.DagsterInstance, api: FakeApi) -> None:
    job = build_leftovers_job(lambda: api)
    assert job.execute_in_process(instance=instance).success


def asked(instance: dg.DagsterInstance, run: dg.DagsterRun) -> list[str | None]:
    """Run keys that the sensor asks for once a run has failed."""
    ended = dg.DagsterRunStatus.FAILURE
    sensor = build_sensor(build_leftovers_job(FakeApi), ended)
    event = dg.DagsterEvent("PIPELINE_FAILURE", run.job_name)
    context = dg.build_run_status_sensor_context("leftovers", event, instance, run)
    found: Any = sensor(context)
    return [found.run_key] if isinstance(found, dg.RunRequest) else []


@pytest.fixture
def instance() -> dg.DagsterInstance:
    return empty_instance()


def test_workloads_of_an_ended_run_are_removed_with_all_their_parts(
    instance: dg.DagsterInstance,
) -> None:
    api, run = FakeApi(), begin(instance)
    put_cluster(api, "late-h2o", run.run_id)
    put(api, "SparkApplication", "late-features", run.run_id)
    put(api, "Job", "late-score", run.run_id)
    instance.report_run_failed(run)
    clean_up(instance, api)
    assert api.names == []


def test_workloads_of_a_run_at_work_stay(instance: dg.DagsterInstance) -> None:
    api, run = FakeApi(), begin(instance)
    put(api, "Job", "late-score", run.run_id)
    clean_up(instance, api)
    assert api.names == ["late-score"]


def test_what_a_retry_may_adopt_stays_until_that_has_ended(instance: dg.DagsterInstance) -> None:
    api, first = FakeApi(), begin(instance)
    put(api, "Job", "late-score", first.run_id)
    instance.report_run_failed(first)
    family = {"dagster/root_run_id": first.run_id, "dagster/parent_run_id": first.run_id}
    retry = begin(instance, tags=family, root_run_id=first.run_id, parent_run_id=first.run_id)
    clean_up(instance, api)
    assert api.names == ["late-score"]
    instance.report_run_failed(retry)
    clean_up(instance, api)
    assert api.names == []


def test_what_is_not_ours_or_of_another_instance_stays(instance: dg.DagsterInstance) -> None:
    api = FakeApi()
    put(api, "Job", "somebodys", None)
    put(api, "Job", "of-another-instance", "0" * 36)
    clean_up(instance, api)
    assert api.names == ["of-another-instance", "somebodys"]


def test_what_is_on_its_way_out_already_is_not_told_again(instance: dg.DagsterInstance) -> None:
    api, run = FakeApi(), begin(instance)
    put(api, "Job", "leaving", run.run_id)
    api.objects["Job", "leaving"]["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    instance.report_run_failed(run)
    clean_up(instance, api)
    assert api.deleted == []


def test_a_run_that_ended_badly_starts_one_look_and_a_look_never_another(
    instance: dg.DagsterInstance,
) -> None:
    run = begin(instance)
    assert asked(instance, run) == [f"leftovers:{run.run_id}"]
    assert asked(instance, begin(instance, "leftovers")) == []
