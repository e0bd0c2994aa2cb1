"""SparkJob: any PySpark script, unchanged, as an asset.

A thin shell over `assets.spark_job`, so that the asset can be built and tested without YAML.
"""

from pathlib import Path

import dagster as dg
from pydantic import BaseModel

from refit_assets.assets.spark_job import build_spark_job_defs
from refit_assets.errors import SpecError
from refit_assets.job_spec import SparkJobSpec
from refit_assets.models import line_of


class SparkJob(dg.Component):
    """A PySpark script: spark-submit on a laptop, a SparkApplication on Kubernetes."""

    def __init__(self, spec: SparkJobSpec) -> None:
        """Hold the spec."""
        self.spec = spec

    @classmethod
    def get_model_cls(cls) -> type[BaseModel]:
        """Let Dagster validate the YAML by the spec itself: its errors then have line numbers."""
        return SparkJobSpec

    @classmethod
    def load(cls, attributes: BaseModel | None, context: dg.ComponentLoadContext) -> "SparkJob":
        """Take the validated YAML."""
        del context
        return cls(SparkJobSpec.model_validate(attributes))

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """Build the asset; SpecError names the line if the script is not there."""
        folder = Path(context.path)
        script = folder / self.spec.script
        if not script.is_file():
            yaml = folder / "defs.yaml"
            message = (
                f"{yaml}:{line_of(yaml, 'attributes', 'script')}: script: expected a file in "
                f"{folder}, found no {self.spec.script} there"
            )
            raise SpecError(message)
        return build_spark_job_defs(self.spec, script)
