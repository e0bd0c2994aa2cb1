"""What a step does when its process is interrupted, and which errors are worth another attempt."""

import dagster as dg
import pytest

from refit_assets.assets.steps import step
from refit_assets.errors import DataError, WorkloadFailed
from refit_assets_tests.memory import empty_instance

POLICY = dg.RetryPolicy(max_retries=2)


@pytest.mark.parametrize(("stopped", "attempts"), [(True, 1), (False, 3)])
def test_what_somebody_stopped_is_not_begun_again_and_what_a_node_lost_is(
    *, stopped: bool, attempts: int
) -> None:
    begun: list[str] = []

    @dg.asset(retry_policy=POLICY)
    def interrupted(context: dg.AssetExecutionContext) -> None:
        with step(context):
            begun.append(context.run.run_id)
            if stopped:
                context.instance.report_run_canceling(context.run)
            raise dg.DagsterExecutionInterruptedError

    result = dg.materialize([interrupted], instance=empty_instance(), raise_on_error=False)
    assert not result.success
    assert len(begun) == attempts


@pytest.mark.parametrize(
    ("error", "attempts", "said"),
    [
        (DataError("day 3 is cut off"), 1, "day 3 is cut off"),
        (KeyError("colour"), 1, "KeyError: 'colour'"),
        (WorkloadFailed("the node is gone", transient=True), 3, None),
        (WorkloadFailed("exit code 1"), 1, "exit code 1"),
        (ConnectionResetError("by peer"), 3, None),
    ],
)
def test_only_what_may_pass_is_tried_again(error: Exception, attempts: int, said: str) -> None:
    begun: list[str] = []

    @dg.asset(retry_policy=POLICY)
    def failing(context: dg.AssetExecutionContext) -> None:
        with step(context):
            begun.append(context.run.run_id)
            raise error

    result = dg.materialize([failing], instance=empty_instance(), raise_on_error=False)
    assert len(begun) == attempts
    (failed,) = (event for event in result.all_events if event.is_step_failure)
    told = failed.step_failure_data.user_failure_data
    assert (told.description if told else None) == said
