"""A model over eight days of real flights, a home of its own for each test, one Spark for all."""

import gc
import shutil
from collections.abc import Generator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from refit_assets.artefacts import ArtefactStore, Folder, day_name
from refit_assets.features.job import FeaturesRequest, FeaturesResult, compute_features
from refit_assets.features.table import FeatureTable
from refit_assets.spec import ModelSpec

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

LANDING = Path(__file__).parents[1] / "data" / "landing"
FLIGHTS = {
    **dict.fromkeys(["year", "month", "day", "dep_time", "sched_dep_time", "dep_delay"], "int"),
    **dict.fromkeys(["arr_time", "sched_arr_time", "arr_delay"], "int"),
    "carrier": "string",
    "flight": "int",
    **dict.fromkeys(["tailnum", "origin", "dest"], "string"),
    **dict.fromkeys(["air_time", "distance", "hour", "minute"], "int"),
    "time_hour": "timestamp",
}
WEATHER = {
    "origin": "string",
    **dict.fromkeys(["year", "month", "day", "hour"], "int"),
    **dict.fromkeys(["temp", "dewp", "humid"], "decimal(6,2)"),
    "wind_dir": "int",
    **dict.fromkeys(["wind_speed", "wind_gust", "precip", "pressure", "visib"], "double"),
    "time_hour": "timestamp",
}
COLUMNS: dict[str, Any] = {
    "carrier": {"type": "category", "levels": ["AA", "B6", "UA"]},
    "origin": "category",
    "distance": {"type": "int", "minimum": 1},
    "coldest": {"type": "decimal(6,2)", "nullable": True},
    "late_share": {"type": "decimal(5,4)", "nullable": True, "minimum": 0, "maximum": 1},
}


def day(number: int) -> date:
    """A day of January 2013."""
    return date(2013, 1, number)


def build_spec(columns: Mapping[str, Any] | None = None, **changes: Any) -> ModelSpec:  # noqa: ANN401
    """The model of `model.py`; `changes` are parts of the spec."""
    parts: dict[str, Any] = {
        "name": "late",
        "start": "2013-01-01",
        "end": "2013-01-09",
        "sources": {
            "flights": {
                "path": "flights/{day}.csv",
                "columns": FLIGHTS,
                "nulls": ["NA"],
                "required": ["carrier", "flight", "time_hour"],
                "unique": ["carrier", "flight", "time_hour"],
                "look_back_days": 2,
            },
            "weather": {
                "path": "weather/{day}.csv",
                "columns": WEATHER,
                "nulls": ["NA"],
                "look_back_days": 1,
            },
        },
        "features": {
            "module": "refit_assets_tests.features.model",
            "key": "flight_key",
            "knowledge_time": "knowledge_time",
            "columns": COLUMNS if columns is None else columns,
        },
        "target": {"column": "arrival", "positive": "late", "negative": "on_time"},
        "refit": {"cadence": "daily", "train": 4, "holdout": 2},
        "trials": {"search": [{"algorithm": "gbm"}], "choose_by": "auc", "validation": 1},
        "jar": {"group": "org.example"},
    }
    return ModelSpec.model_validate({**parts, **changes})


@dataclass(frozen=True, kw_only=True)
class Home:
    """A deployment in a temporary folder, with the eight days landed."""

    root: Path
    spark: "SparkSession | None" = None

    @property
    def landing(self) -> Folder:
        return Folder(root=self.root / "landing")

    @property
    def store(self) -> ArtefactStore:
        return ArtefactStore(storage=Folder(root=self.root / "artefacts"))

    @property
    def catalogue_uri(self) -> str:
        return f"sqlite:///{self.root / 'catalogue.db'}"

    @property
    def warehouse_uri(self) -> str:
        return (self.root / "warehouse").as_uri()

    def table(self, model: str = "late") -> FeatureTable:
        return FeatureTable(
            catalogue_uri=self.catalogue_uri, warehouse_uri=self.warehouse_uri, model=model
        )

    def request(self, first: date, last: date, spec: ModelSpec | None = None) -> FeaturesRequest:
        return FeaturesRequest(
            spec=spec or build_spec(),
            first=first,
            last=last,
            landing_uri=self.landing.uri,
            catalogue_uri=self.catalogue_uri,
            warehouse_uri=self.warehouse_uri,
            run_id="run-1",
        )

    def compute(self, first: int, last: int, spec: ModelSpec | None = None) -> FeaturesResult:
        """Compute days and record them, as the asset does."""
        assert self.spark is not None
        request = self.request(day(first), day(last), spec)
        result = compute_features(self.spark, request, lambda _: None)
        self.record(result)
        return result

    def record(self, result: FeaturesResult) -> None:
        for found in result.days:
            self.store.write_record(day_name("late", found.day.isoformat()), found)

    def path(self, source: str, number: int) -> Path:
        return self.landing.root / source / f"{day(number)}.csv"

    def edit(self, source: str, number: int, line: int, old: str, new: str) -> None:
        """Change a text within a line of a landed file; the header is line 1."""
        path = self.path(source, number)
        lines = path.read_text().splitlines(keepends=True)
        assert old in lines[line - 1]
        lines[line - 1] = lines[line - 1].replace(old, new, 1)
        path.write_text("".join(lines))


@pytest.fixture
def home(tmp_path: Path) -> Home:
    shutil.copytree(LANDING, tmp_path / "h" / "landing")
    (tmp_path / "h" / "warehouse").mkdir()
    return Home(root=tmp_path / "h")


@pytest.fixture
def lake(home: Home, spark: "SparkSession") -> Generator[Home]:
    """A home with Spark."""
    yield replace(home, spark=spark)
    gc.collect()
