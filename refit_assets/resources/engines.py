"""The resources of a deployment: one engine each for Spark, H2O and Maven."""

from typing import Any

from refit_assets.resources.deployment import Deployment
from refit_assets.resources.h2o import EmbeddedH2O
from refit_assets.resources.maven import EmbeddedMaven
from refit_assets.resources.spark import EmbeddedSpark


def build_resources(deployment: Deployment) -> dict[str, Any]:
    """Build what the assets ask for, by name."""
    return {
        "deployment": deployment,
        "spark": EmbeddedSpark(),
        "h2o": EmbeddedH2O(),
        "maven": EmbeddedMaven(),
    }
