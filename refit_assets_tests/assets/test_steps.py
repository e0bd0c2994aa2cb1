"""What a step does when its process is interrupted."""

import dagster as dg
import pytest

from refit_assets.assets.steps import step

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

    with dg.DagsterInstance.ephemeral() as instance:
        result = dg.materialize([interrupted], instance=instance, raise_on_error=False)
    assert not result.success
    assert len(begun) == attempts
