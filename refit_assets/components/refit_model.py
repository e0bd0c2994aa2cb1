"""RefitModel: one YAML file becomes the whole asset graph of a model.

A thin shell over `assets.refit`, so that the graph can be built and tested without YAML.
"""

import dagster as dg
from pydantic import BaseModel

from refit_assets.assets.refit import build_refit_defs
from refit_assets.scaffold import scaffold
from refit_assets.spec import ModelSpec


class RefitModelScaffolder(dg.Scaffolder):
    """`dg scaffold defs refit_assets.components.RefitModel NAME`: what `refit new NAME` writes."""

    def scaffold(self, request: dg.ScaffoldRequest) -> None:
        """Write the pair of files into the folder that dg made."""
        scaffold(request.target_path.name, request.target_path.parent)


@dg.scaffold_with(RefitModelScaffolder)
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
