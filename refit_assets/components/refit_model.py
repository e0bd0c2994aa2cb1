"""RefitModel: one YAML file becomes the whole asset graph of a model.

A thin shell over `build_refit_defs(spec)`, so that the graph can be built and tested without YAML.
"""

import dagster as dg
from pydantic import BaseModel

from refit_assets.assets.evaluation import build_evaluation_asset
from refit_assets.assets.features import build_features_asset
from refit_assets.assets.landing_sensor import build_landing_sensor
from refit_assets.assets.refit_sensor import build_refit_sensor
from refit_assets.assets.release import build_release_asset
from refit_assets.assets.scoring_jar import build_scoring_jar_asset
from refit_assets.assets.training_set import build_training_set_asset
from refit_assets.assets.trials import build_trials_asset
from refit_assets.spec import ModelSpec


class RefitModel(dg.Component):
    """A model in production, refitted periodically, from its raw data to its release."""

    def __init__(self, spec: ModelSpec) -> None:
        """Hold the spec."""
        self.spec = spec

    @classmethod
    def get_model_cls(cls) -> type[BaseModel]:
        """Let Dagster validate the YAML by the spec itself: its errors then have line numbers."""
        return ModelSpec

    @classmethod
    def load(cls, attributes: BaseModel | None, context: dg.ComponentLoadContext) -> "RefitModel":
        """Take the validated YAML."""
        del context
        return cls(ModelSpec.model_validate(attributes))

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """Build the model's graph."""
        del context
        return build_refit_defs(self.spec)


def build_refit_defs(spec: ModelSpec) -> dg.Definitions:
    """Build the asset graph of one model."""
    assets = [
        build_features_asset(spec),
        build_training_set_asset(spec),
        build_trials_asset(spec),
        build_scoring_jar_asset(spec),
        build_evaluation_asset(spec),
        build_release_asset(spec),
    ]
    sensors = [build_landing_sensor(spec), build_refit_sensor(spec)]
    return dg.Definitions(assets=assets, sensors=sensors)
