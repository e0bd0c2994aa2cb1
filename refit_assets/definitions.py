"""The code location: read the deployment, build its resources, load the models, merge."""

import gc
import warnings
from pathlib import Path

import dagster as dg

from refit_assets.assets.landing import build_landing_specs
from refit_assets.assets.leftovers import build_leftovers_defs
from refit_assets.assets.refit import build_replay_defs
from refit_assets.assets.release import VARYING_POLICIES
from refit_assets.components.quick_yaml import quick_yaml
from refit_assets.models import read_models
from refit_assets.resources.cluster_deployment import ClusterDeployment
from refit_assets.resources.deployment import ScratchDeployment, read_deployment
from refit_assets.resources.engines import build_resources
from refit_assets.workloads.kube import open_api


@dg.definitions
def defs() -> dg.Definitions:
    """Everything that Dagster loads."""
    warnings.filterwarnings("ignore", message=VARYING_POLICIES, category=UserWarning)
    # All of it lives as long as the process; the collector's looks at it are a quarter of the time.
    gc.disable()
    try:
        return _load()
    finally:
        gc.freeze()
        gc.enable()


def _load() -> dg.Definitions:
    deployment, models = read_deployment(), read_models()
    # One process a run: the heavy work is not here, and a process a step costs seconds each.
    shared = dg.Definitions(resources=build_resources(deployment), executor=dg.in_process_executor)
    if isinstance(deployment, ScratchDeployment):
        return dg.Definitions.merge(shared, build_replay_defs(models[deployment.model]))
    landing = dg.Definitions(assets=build_landing_specs(models.values()))
    if isinstance(deployment, ClusterDeployment):
        namespace = deployment.namespace
        shared = dg.Definitions.merge(shared, build_leftovers_defs(lambda: open_api(namespace)))
    with quick_yaml():
        graphs = dg.load_from_defs_folder(path_within_project=Path(__file__).parent)
    return dg.Definitions.merge(shared, landing, graphs)
