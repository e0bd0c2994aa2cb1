"""The run queue: every run that refits a model says so by a tag, whoever started it.

The queue limits runs by their tags (dagster.yaml). The refit sensor sets the tag itself; a run from
the UI, the API or a backfill brings none, and two of them would refit a model side by side.
Belongs here: which model a run refits. Does not: the limits (dagster.yaml), when to ask for a
refit (`refit_sensor`).
"""

from dagster import DagsterRun
from dagster._core.run_coordinator import QueuedRunCoordinator, SubmitRunContext

from refit_assets.assets.refit_sensor import MODEL_TAG, REFIT_STEPS


class RefitQueue(QueuedRunCoordinator):
    """Dagster's queue, which can count refits by their model."""

    def submit_run(self, context: SubmitRunContext) -> DagsterRun:
        """Tag the run, and queue it."""
        run = context.dagster_run
        model = refitted_model(run)
        if model is not None and MODEL_TAG not in run.tags:
            self._instance.add_run_tags(run.run_id, {MODEL_TAG: model})
        return super().submit_run(context)


def refitted_model(run: DagsterRun) -> str | None:
    """Name the model that a run refits, or None; of several models the first."""
    models = {
        key.path[0]
        for key in run.asset_selection or ()
        if len(key.path) > 1 and key.path[-1] in REFIT_STEPS
    }
    return min(models, default=None)
