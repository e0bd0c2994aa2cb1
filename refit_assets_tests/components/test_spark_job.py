"""SparkJob from YAML: what loads, and what is told with file and line."""

import re
import traceback
from importlib.util import find_spec
from pathlib import Path

import dagster as dg
import pytest
import yaml
from dagster.components.testing import create_defs_folder_sandbox

from refit_assets.components import SparkJob
from refit_assets.components.quick_yaml import quick_yaml
from refit_assets.resources.deployment import PROJECT
from refit_assets_tests.code_location import repository

# Dagster's own, where it reads the YAML and looks around in itself.
pytestmark = pytest.mark.filterwarnings(
    "ignore:.parse_obj_as", "ignore::dagster.BetaWarning", "ignore::dagster.PreviewWarning"
)
GOOD = """type: refit_assets.components.SparkJob
attributes:
  key: team/job
  script: job.py
  deps: [flight_delay/features]
  owners: [team:data]
  group: reports
  schedule: "0 3 * * *"
"""


def load(text: str, *, script: bool = True) -> dg.Definitions:
    with create_defs_folder_sandbox() as sandbox:
        folder = sandbox.defs_folder_path / "job"
        folder.mkdir(parents=True)
        (folder / "defs.yaml").write_text(text)
        if script:
            (folder / "job.py").write_text("from pyspark.sql import SparkSession\n")
        # As the code location loads it.
        with quick_yaml(), sandbox.build_all_defs() as found:
            return found


def test_a_script_becomes_an_asset_without_being_imported() -> None:
    (asset,) = load(GOOD).assets or ()
    assert isinstance(asset, dg.AssetsDefinition)
    (spec,) = asset.specs
    assert spec.key == dg.AssetKey(["team", "job"])
    assert [dep.asset_key for dep in spec.deps] == [dg.AssetKey(["flight_delay", "features"])]
    assert (spec.group_name, [*spec.owners]) == ("reports", ["team:data"])


def refusal(text: str, **what: bool) -> str:
    """Everything that loading says, the causes of the last error included."""
    with pytest.raises(Exception, match="job") as caught:
        load(text, **what)
    return "".join(traceback.format_exception(caught.value))


def test_an_unknown_key_is_told_with_file_and_line() -> None:
    said = refusal(f"{GOOD}  colour: red\n")
    assert "defs.yaml:9" in said
    assert "Extra inputs are not permitted" in said


def test_a_place_that_is_none_is_told_with_its_name() -> None:
    assert "{day} is none of folder" in refusal(f"{GOOD}  arguments: ['{{day}}']\n")


def test_a_script_that_is_not_there_is_told_with_file_and_line() -> None:
    said = refusal(GOOD, script=False)
    assert "defs.yaml:4: script: expected a file in" in said
    assert "found no job.py there" in said


def test_the_example_is_part_of_the_code_location() -> None:
    graph = repository().asset_graph
    assert graph.get(dg.AssetKey("gbt_example")).group_name == "examples"
    assert SparkJob.get_model_cls().__name__ == "SparkJobSpec"


def test_the_how_to_shows_the_example_as_it_is() -> None:
    text = (PROJECT / "docs/how-to/spark-job.md").read_text()
    blocks = re.findall(r"```yaml\n(type: .*?)```", text, re.DOTALL)
    shown = [yaml.safe_load(block) for block in blocks]
    file = (PROJECT / "refit_assets/defs/gbt_example/defs.yaml").read_text()
    assert shown == [yaml.safe_load(file)]


def test_the_examples_rows_are_those_of_h2os_prostate() -> None:
    h2o = find_spec("h2o")
    if h2o is None or h2o.origin is None:
        pytest.skip("h2o is not installed")
    source = Path(h2o.origin).parent / "h2o_data" / "prostate.csv"
    _, *rows = source.read_text().splitlines()
    lines = []
    for row in rows:
        _, label, *values = row.split(",")
        pairs = [f"{n}:{value}" for n, value in enumerate(values, 1) if float(value)]
        lines.append(" ".join([label, *pairs]))
    ours = PROJECT / "refit_assets/defs/gbt_example/prostate.libsvm"
    assert ours.read_text().splitlines() == lines
