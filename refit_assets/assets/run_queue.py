"""The run queue: what a run's tags must say before it is queued, whoever started it.

The queue limits refits by the tag of their model (dagster.yaml), and a cluster's launcher takes the
size of a run's pod from a tag. The refit sensor sets the first itself; a run from the UI, the API
or a backfill brings none, and two of them would refit a model side by side.
Belongs here: which models a run is for, and their tags. Does not: the limits (dagster.yaml), when
to ask for a refit (`refit_sensor`).
"""

import json
from collections.abc import Mapping

from dagster import DagsterRun
from dagster._core.launcher import DefaultRunLauncher
from dagster._core.run_coordinator import QueuedRunCoordinator, SubmitRunContext

from refit_assets.assets.refit_sensor import MODEL_TAG, REFIT_STEPS
from refit_assets.models import read_models
from refit_assets.spec import ModelSpec

POD_TAG = "dagster-k8s/config"
"""Where K8sRunLauncher looks for what one run's pod has of its own."""


# Not a pool: its limit is unknown in the queue's first round after it was asked for, and a backfill
# of eight refits is such a round (decision 0027).
class RefitQueue(QueuedRunCoordinator):
    """Dagster's queue, which can count refits by their model and knows how large runs are."""

    def submit_run(self, context: SubmitRunContext) -> DagsterRun:
        """Tag the run, and queue it."""
        run = context.dagster_run
        model = refitted_model(run)
        tags = {} if model is None else {MODEL_TAG: model}
        # A laptop's runs have no pods, and need not wait until every model's YAML is read.
        if not isinstance(self._instance.run_launcher, DefaultRunLauncher):
            tags |= pod_tags(run, read_models())
        # What somebody typed into the launchpad stays.
        missing = {key: value for key, value in tags.items() if key not in run.tags}
        if missing:
            self._instance.add_run_tags(run.run_id, missing)
        return super().submit_run(context)


def pod_tags(run: DagsterRun, specs: Mapping[str, ModelSpec]) -> dict[str, str]:
    """Size a run's own pod: as the largest of its models asks for; nothing where none does."""
    models = {key.path[0] for key in run.asset_selection or ()} & specs.keys()
    asked = [specs[name].compute.kubernetes.run_memory_mib for name in models]
    largest = max((mib for mib in asked if mib is not None), default=None)
    if largest is None:
        return {}
    # Merged into the launcher's own settings, so that its requests stay.
    resources = {"limits": {"memory": f"{largest}Mi"}}
    return {POD_TAG: json.dumps({"container_config": {"resources": resources}})}


def refitted_model(run: DagsterRun) -> str | None:
    """Name the model that a run refits, or None; of several models the first."""
    models = {
        key.path[0]
        for key in run.asset_selection or ()
        if len(key.path) > 1 and key.path[-1] in REFIT_STEPS
    }
    return min(models, default=None)
