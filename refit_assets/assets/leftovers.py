"""Leftovers on a cluster: after a run that ended badly, a job removes the workloads it left.

A job, because only run pods may ask Kubernetes for anything: the code location, where sensors
are evaluated, has no account there. Nothing runs while no run fails.
Belongs here: which runs have ended, and when to look. Does not: labels and kinds, deleting
(`workloads.leftovers`).
"""

from collections.abc import Callable

import dagster as dg

from refit_assets.assets.runs import UNFINISHED
from refit_assets.assets.steps import refusals
from refit_assets.workloads.kube import Api
from refit_assets.workloads.leftovers import find_leftovers, remove_leftover

JOB = "leftovers"


def build_leftovers_defs(open_namespace: Callable[[], Api]) -> dg.Definitions:
    """Build the job and what starts it; the namespace is reached by its runs only."""
    job = build_leftovers_job(open_namespace)
    # A run that succeeds has removed its own on the way out.
    statuses = (dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED)
    return dg.Definitions(jobs=[job], sensors=[build_sensor(job, one) for one in statuses])


def build_leftovers_job(open_namespace: Callable[[], Api]) -> dg.JobDefinition:
    """Build the job, which a person may start as well."""

    @dg.op
    def remove_leftovers(context: dg.OpExecutionContext) -> None:
        """Remove workloads whose run has ended."""
        with refusals():
            api = open_namespace()
            found = find_leftovers(api, lambda run_id: has_ended(context.instance, run_id))
            for one in found:
                remove_leftover(api, one)
                context.log.warning("removed %s %s of run %s", one.kind, one.name, one.run_id)
            context.log.info("%d workloads were left over", len(found))

    @dg.job(name=JOB, description="Remove Spark, H2O and Maven workloads whose run has ended.")
    def leftovers() -> None:
        remove_leftovers()

    return leftovers


def build_sensor(job: dg.JobDefinition, status: dg.DagsterRunStatus) -> dg.SensorDefinition:
    """Build the sensor that starts the job once a run has ended so."""

    @dg.run_status_sensor(
        run_status=status,
        name=f"{JOB}_after_{status.value.lower()}",
        request_job=job,
        default_status=dg.DefaultSensorStatus.RUNNING,
    )
    def after(context: dg.RunStatusSensorContext) -> dg.RunRequest | dg.SkipReason:
        # Else a look that fails would ask for the next one, for ever.
        if context.dagster_run.job_name == JOB:
            return dg.SkipReason("the look for leftovers failed itself: see its run")
        return dg.RunRequest(run_key=f"{JOB}:{context.dagster_run.run_id}")

    return after


def has_ended(instance: dg.DagsterInstance, run_id: str) -> bool:
    """Whether a run and all its retries have ended: a retry adopts what the run before it began.

    A run that this instance does not know may belong to another one in the same namespace.
    """
    run = instance.get_run_by_id(run_id)
    if run is None or not run.is_finished:
        return False
    root = run.root_run_id or run.run_id
    retries = dg.RunsFilter(statuses=[*UNFINISHED], tags={"dagster/root_run_id": root})
    return not instance.get_run_records(retries, limit=1)
