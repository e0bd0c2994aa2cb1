"""Every model below `defs/` is honest: its owner writes no test for that.

The demo's models run on the demo's flights. Any other model brings a few of its landed days, as
they land, below `refit_assets_tests/data/models/<model>/landing`.
"""

import shutil
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from refit_assets.artefacts import Folder
from refit_assets.demo import land
from refit_assets.features.honesty import check_honesty
from refit_assets.features.landed import identify, last_landed_day, list_landing
from refit_assets.models import read_models
from refit_assets.release.due import complete_inputs

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = [pytest.mark.spark, pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")]

DATA = Path(__file__).parents[1] / "data" / "models"
# On the tenth, clocks go forward in New York.
FIRST, LAST = date(2013, 3, 1), date(2013, 3, 10)


@pytest.mark.parametrize("name", list(read_models()))
def test_no_feature_of_a_model_knows_the_future(
    name: str,
    spark: "SparkSession",
    tmp_path: Path,
) -> None:
    spec, landing = read_models()[name], Folder(root=tmp_path / "landing", durable=False)
    land(landing, FIRST, LAST)
    if (DATA / name).is_dir():
        shutil.copytree(DATA / name / "landing", landing.root, dirs_exist_ok=True)
    found = list_landing(landing, spec)
    last = last_landed_day(spec, found)
    assert last is not None, f"land a few days of {name} below {DATA / name / 'landing'}"
    spec = spec.model_copy(update={"start": max(spec.start, FIRST)})
    days = list(complete_inputs(spec, identify(landing, found, {}), last))
    honesty = check_honesty(
        spark, spec, landing, days[-1:], staging=tmp_path / "staging", instants=2
    )
    assert honesty.rows > 0
