"""Components: what a YAML file can ask for."""

from refit_assets.components.refit_model import RefitModel
from refit_assets.components.spark_job import SparkJob

__all__ = ["RefitModel", "SparkJob"]
