"""The resources of a deployment: one engine each for Spark, H2O, Maven and scripts."""

from typing import Any

from refit_assets.resources.cluster_deployment import ClusterDeployment
from refit_assets.resources.deployment import Deployment
from refit_assets.resources.h2o import EmbeddedH2O
from refit_assets.resources.maven import EmbeddedMaven
from refit_assets.resources.scripts import ClusterScripts, EmbeddedScripts
from refit_assets.resources.spark import EmbeddedSpark


def build_resources(deployment: Deployment) -> dict[str, Any]:
    """Build what the assets ask for, by name."""
    if isinstance(deployment, ClusterDeployment):
        return {"deployment": deployment, **_cluster_engines(deployment)}
    return {
        "deployment": deployment,
        "spark": EmbeddedSpark(),
        "h2o": EmbeddedH2O(),
        "maven": EmbeddedMaven(),
        "scripts": EmbeddedScripts(deployment=deployment),
    }


def _cluster_engines(deployment: ClusterDeployment) -> dict[str, Any]:
    # Pipes and its clients: a laptop's definitions load without them.
    from refit_assets.resources.cluster_h2o import ClusterH2O
    from refit_assets.resources.cluster_maven import ClusterMaven
    from refit_assets.resources.cluster_spark import ClusterSpark
    from refit_assets.resources.kubernetes import ClusterPrograms

    programs = ClusterPrograms(deployment=deployment)
    return {
        "spark": ClusterSpark(programs=programs),
        "h2o": ClusterH2O(programs=programs),
        "maven": ClusterMaven(programs=programs),
        "scripts": ClusterScripts(programs=programs),
    }
