"""What a person does in the UI: approve and roll back, with the same rules as on a command line."""

from typing import Any

import dagster as dg
import pytest

from refit_assets.assets.operator_jobs import (
    build_approve_job,
    build_rollback_job,
    observe_serving,
)
from refit_assets.release.ledger import champion, read_events
from refit_assets_tests.assets.conftest import (
    COMPUTED,
    FIRST_REFIT,
    Workshop,
    build_daily,
    compute_fourth,
    refit_first,
    state,
)
from refit_assets_tests.release.ledgers import WEEKS, Log

SECOND_REFIT = "2013-01-05"
SIGNED = {"by": "Ada", "reason": "looked at the report"}


def launch(workshop: Workshop, job: dg.JobDefinition, **config: str) -> dg.ExecuteInProcessResult:
    (op,) = (node.name for node in job.nodes)
    return job.execute_in_process(
        run_config={"ops": {op: {"config": config}}},
        instance=workshop.instance,
        resources={"deployment": workshop.deployment},
        raise_on_error=False,
    )


def serving(workshop: Workshop) -> str | None:
    found = champion(read_events(workshop.deployment.store.storage, "late"))
    return found and found.version


def told(workshop: Workshop) -> dict[str, Any]:
    """What the release asset's page shows last."""
    records = workshop.instance.fetch_observations(dg.AssetKey(["late", "release"]), limit=1)
    found = records.records[0].asset_observation
    assert found is not None
    shown = {name: value.value for name, value in found.metadata.items()}
    table: Any = found.metadata["timeline"]
    return {**shown, "partition": found.partition, "timeline": table.records}


def refusal(result: dg.ExecuteInProcessResult) -> str:
    (event,) = (one for one in result.all_events if one.is_step_failure)
    said = event.step_failure_data.user_failure_data
    assert said is not None
    return str(said.description)


def hold(workshop: Workshop) -> None:
    workshop.spec = build_daily(when={"approval": "manual"})
    workshop.make()


def release_again(workshop: Workshop) -> None:
    workshop.make(SECOND_REFIT)


held = state(*COMPUTED, hold)
released_twice = state(*COMPUTED, compute_fourth, refit_first, release_again)


def test_an_approval_releases_what_was_held_and_keeps_who_and_why(held: Workshop) -> None:
    assert serving(held) is None
    job = build_approve_job(held.spec)
    assert launch(held, job, refit=FIRST_REFIT, **SIGNED).success
    assert serving(held) == "1.0.20130104"
    event = read_events(held.deployment.store.storage, "late")[-1]
    assert (event.kind, event.by, event.reason) == ("approved", *SIGNED.values())
    assert list(held.deployment.home.glob("repository/**/*.pom"))
    shown = told(held)
    assert (shown["serves"], shown["partition"]) == ("1.0.20130104", FIRST_REFIT)


def test_an_approval_of_what_is_not_held_is_refused_once_and_names_what_is(held: Workshop) -> None:
    result = launch(held, build_approve_job(held.spec), refit="2013-01-09", **SIGNED)
    assert not result.success
    assert refusal(result).endswith(f"held are: {FIRST_REFIT}")
    assert not [e for e in result.all_events if e.event_type_value == "STEP_UP_FOR_RETRY"]


def test_a_rollback_serves_the_old_version_and_the_release_says_so(
    released_twice: Workshop,
) -> None:
    assert serving(released_twice) == "1.0.20130105"
    job = build_rollback_job(released_twice.spec)
    assert launch(released_twice, job, version="1.0.20130104", **SIGNED).success
    assert serving(released_twice) == "1.0.20130104"
    shown = told(released_twice)
    assert (shown["serves"], shown["by"], shown["why"]) == ("1.0.20130104", *SIGNED.values())
    effects = [row.data["effect"] for row in shown["timeline"]]
    assert effects == ["serves", "served", "served"]


@pytest.mark.parametrize("missing", ["by", "reason"])
def test_without_a_name_or_a_reason_nothing_changes(released_twice: Workshop, missing: str) -> None:
    signed = {**SIGNED, missing: " "}
    job = build_rollback_job(released_twice.spec)
    result = launch(released_twice, job, version="1.0.20130104", **signed)
    assert "needs a name and a reason" in refusal(result)
    assert serving(released_twice) == "1.0.20130105"


def test_what_serves_is_told_on_its_own_partition_when_a_later_refit_was_held() -> None:
    log = Log()
    log.release(0)
    log.release(1, promote=False)
    shown = observe_serving(build_daily(), log.events)
    assert shown is not None
    assert shown.partition == WEEKS[0].isoformat()
