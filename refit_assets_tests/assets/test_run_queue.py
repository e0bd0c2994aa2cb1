"""The queue knows which model a run refits, also where nobody said so."""

from collections.abc import Iterator
from typing import Any

import dagster as dg
import pytest
from dagster._core.run_coordinator import SubmitRunContext

from refit_assets.assets.refit_sensor import MODEL_TAG
from refit_assets.assets.run_queue import pod_tags, refitted_model
from refit_assets_tests.specs import build_spec

QUEUE = {"module": "refit_assets.assets.run_queue", "class": "RefitQueue"}


def run_of(*keys: str) -> dg.DagsterRun:
    selection = frozenset(dg.AssetKey(key.split("/")) for key in keys)
    return dg.DagsterRun(job_name="any", asset_selection=selection)


@pytest.fixture(scope="module")
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.instance_for_test(overrides={"run_coordinator": QUEUE}) as found:
        yield found


def tags_in_the_queue(instance: dg.DagsterInstance, **tags: str) -> Any:  # noqa: ANN401
    @dg.asset(key=["churn", "trials"])
    def trials() -> None:
        """Never run."""

    job = dg.Definitions(assets=[trials]).resolve_implicit_global_asset_job_def()
    run = instance.create_run_for_job(
        job,
        asset_selection=frozenset([trials.key]),
        # Past the queue: an origin, which only a code location has, is not asked for.
        status=dg.DagsterRunStatus.STARTED,
        tags={key.replace("_", "/"): value for key, value in tags.items()},
    )
    workspace: Any = None
    instance.run_coordinator.submit_run(SubmitRunContext(run, workspace))
    found = instance.get_run_by_id(run.run_id)
    assert found is not None
    return found.tags


@pytest.mark.parametrize(
    ("keys", "model"),
    [
        (["churn/trials", "churn/candidate"], "churn"),
        (["churn/features", "churn/training_set"], "churn"),
        (["churn/features"], None),
        (["churn/predictions", "landing/flights"], None),
        (["release"], None),
        ([], None),
    ],
)
def test_a_run_refits_the_model_of_its_assets(keys: list[str], model: str | None) -> None:
    assert refitted_model(run_of(*keys)) == model


def test_a_run_that_nobody_tagged_is_tagged_with_its_model(instance: dg.DagsterInstance) -> None:
    assert tags_in_the_queue(instance)[MODEL_TAG] == "churn"


def test_what_a_sensor_said_stays(instance: dg.DagsterInstance) -> None:
    assert tags_in_the_queue(instance, refit_model="own")[MODEL_TAG] == "own"


def sized(mib: int | None) -> Any:  # noqa: ANN401
    return build_spec(compute={"kubernetes": {"run_memory_mib": mib}})


def test_a_run_s_pod_is_as_large_as_the_largest_of_its_models_asks_for() -> None:
    from dagster_k8s.job import get_user_defined_k8s_config

    specs = {"small": sized(768), "large": sized(3072), "other": sized(9999), "any": sized(None)}
    tags = pod_tags(run_of("small/trials", "large/trials", "any/trials", "landing/things"), specs)
    found = get_user_defined_k8s_config(tags)
    assert found.container_config["resources"]["limits"] == {"memory": "3072Mi"}


def test_where_no_model_asks_the_instance_s_size_holds() -> None:
    assert pod_tags(run_of("any/trials"), {"any": sized(None), "large": sized(3072)}) == {}
