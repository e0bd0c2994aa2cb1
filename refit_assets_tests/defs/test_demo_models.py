"""The demo's models on real flights, over the change of clocks: days are independent.

Runs each features.py on landed days as the features program stages them.
"""

from collections.abc import Generator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from refit_assets.artefacts import Folder
from refit_assets.demo import land
from refit_assets.features.job import find_features
from refit_assets.features.landing import inspect_landing
from refit_assets.features.reading import staged, staged_types
from refit_assets.models import find_model
from refit_assets.spec import ModelSpec

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

pytestmark = [pytest.mark.spark, pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")]

# On the tenth, clocks go forward in New York.
FIRST, DAY, LAST = date(2013, 3, 9), date(2013, 3, 10), date(2013, 3, 11)


@dataclass(frozen=True, kw_only=True)
class Model:
    """A model with its days landed."""

    spec: ModelSpec
    session: "SparkSession"
    folder: Path
    stack: ExitStack

    def landed(self, first: date, last: date) -> "dict[str, DataFrame]":
        """Stage days, and those that they look back on, as the features program does."""
        landing = inspect_landing(Folder(root=self.folder / "landing"), self.spec, first, last)
        files = self.stack.enter_context(staged(landing, self.folder / "staging"))
        return {
            name: self.session.read.schema(
                ", ".join(f"`{column}` {kind}" for column, kind in staged_types(source).items())
            ).parquet(files[name].as_uri())
            for name, source in self.spec.sources.items()
        }

    def rows(self, sources: "Mapping[str, DataFrame]", first: date, last: date) -> list[Any]:
        found = find_features(self.spec)(sources).where(f"day between '{first}' and '{last}'")
        return sorted(found.collect(), key=lambda row: row[self.spec.features.key])

    @cached_property
    def range_rows(self) -> list[Any]:
        """Rows of all days in one range; computed once."""
        return self.rows(self.landed(FIRST, LAST), FIRST, LAST)


@pytest.fixture(scope="module", params=["flight_delay", "air_time"])
def model(
    request: pytest.FixtureRequest,
    spark: "SparkSession",
    tmp_path_factory: pytest.TempPathFactory,
) -> Generator[Model]:
    spec, folder = find_model(request.param), tmp_path_factory.mktemp("demo")
    land(Folder(root=folder / "landing", durable=False), date(2013, 3, 1), LAST)
    session = spark.newSession()
    session.conf.set("spark.sql.session.timeZone", "UTC")
    with ExitStack() as stack:
        yield Model(spec=spec, session=session, folder=folder, stack=stack)


def test_a_day_alone_has_the_rows_that_it_has_in_a_range(model: Model) -> None:
    alone = model.rows(model.landed(DAY, DAY), DAY, DAY)
    assert len(alone) > 800
    assert alone == [row for row in model.range_rows if row["day"] == DAY]


def test_keys_are_unique_and_every_column_of_the_contract_is_there(model: Model) -> None:
    features = model.spec.features
    keys = [row[features.key] for row in model.range_rows]
    assert len(set(keys)) == len(keys)
    expected = {"day", features.key, features.knowledge_time, *features.columns}
    assert set(model.range_rows[0].asDict()) == {*expected, model.spec.target.column}
