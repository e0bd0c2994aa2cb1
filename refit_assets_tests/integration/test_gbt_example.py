"""The example on real Spark: materialised as `dagster dev` would, with not a line changed."""

from pathlib import Path

import dagster as dg
import pytest

from refit_assets.assets.main_job import QUIET
from refit_assets.definitions import defs
from refit_assets.resources.deployment import Deployment
from refit_assets.resources.scripts import EmbeddedScripts

pytestmark = pytest.mark.spark
TEST_ERROR = 0.2439


def test_the_example_runs_embedded_and_its_error_is_shown(tmp_path: Path) -> None:
    asset = defs().get_assets_def("gbt_example")
    with dg.DagsterInstance.ephemeral() as instance:
        result = dg.materialize(
            [asset],
            resources={"scripts": EmbeddedScripts(deployment=Deployment(home=tmp_path))},
            instance=instance,
            run_config=QUIET,
        )
    (made,) = result.asset_materializations_for_node("gbt_example")
    # What the cluster finds too: integration/e2e compares with this very number.
    assert made.metadata["test_error"].value == TEST_ERROR
