"""Two jars with the same class names, in one process: run by `test_job`, with nothing beside it.

python -m refit_assets_tests.predictions.score_twice HOME JAR OTHER_JAR EXAMPLES
"""

import csv
import json
import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from refit_assets.artefacts import ArtefactStore, Folder
from refit_assets.features.job import open_catalogue
from refit_assets.features.pinned import read_pinned
from refit_assets.features.table import DayRecord, FeatureTable
from refit_assets.features.writing import prepare_table, replace_days
from refit_assets.predictions.job import PredictionsRequest, PredictionsResult
from refit_assets.resources.spark import EmbeddedSpark
from refit_assets_tests.specs import build_spec

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

DAY = date(2013, 1, 1)
NUMBERS = ("AGE", "PSA", "VOL", "GLEASON")
CATEGORIES = ("RACE", "DPROS", "DCAPS")
TYPES = {
    "day": "date",
    "thing": "bigint",
    **dict.fromkeys(NUMBERS, "decimal(9,4)"),
    **dict.fromkeys(CATEGORIES, "string"),
}
CLASSES = {"target": {"column": "capsule", "positive": "1", "negative": "0"}}
NUMBER: dict[str, Any] = {
    "target": {"column": "capsule"},
    "name": "number",
    "trials": {
        "choose_by": "rmse",
        "validation": 1,
        "search": [{"algorithm": "glm"}],
    },
}


def write_features(spark: "SparkSession", home: Path, model: str, examples: Path) -> DayRecord:
    """Make a feature table of the examples; a row's key is its place among them."""
    session = open_catalogue(spark, *places(home))
    with examples.open() as stream:
        rows = [list(read_row(place, row)) for place, row in enumerate(csv.DictReader(stream))]
    texts = ", ".join(f"`{name}` string" for name in TYPES)
    frame = session.createDataFrame(rows, texts)
    typed = frame.selectExpr(*(f"cast(`{n}` as {kind}) `{n}`" for n, kind in TYPES.items()))
    prepare_table(session, model, TYPES)
    replace_days(typed, model=model, first=DAY, last=DAY, write_id="w", run_id="r")
    table = FeatureTable(catalogue_uri=places(home)[0], warehouse_uri=places(home)[1], model=model)
    snapshot = table.load().current_snapshot()
    assert snapshot is not None
    return DayRecord(
        day=DAY,
        rows=len(rows),
        labelled_rows=0,
        digest="features",
        contract_digest="c",
        recipe="r",
        nulls={},
        inputs={},
        files=(),
        snapshot_id=snapshot.snapshot_id,
        run_id="r",
    )


def read_row(place: int, row: dict[str, str]) -> tuple[str | None, ...]:
    cells = (row[name] or None for name in (*NUMBERS, *CATEGORIES))
    return (DAY.isoformat(), str(place), *cells)


def places(home: Path) -> tuple[str, str]:
    """Catalogue and warehouse of a home."""
    return f"sqlite:///{home / 'catalogue.db'}", (home / "warehouse").as_uri()


def build_request(
    home: Path,
    day: DayRecord,
    jar: str,
    version: str,
    **changes: Any,  # noqa: ANN401
) -> PredictionsRequest:
    return PredictionsRequest(
        spec=build_spec(**(changes or CLASSES)),
        days=(day,),
        snapshot_id=day.snapshot_id,
        version=version,
        mojo_sha256=version,
        jar=jar,
        catalogue_uri=places(home)[0],
        warehouse_uri=places(home)[1],
        run_id="run-1",
    )


def scores(result: PredictionsResult) -> list[dict[str, Any]]:
    """Rows of the table, by key."""
    files = [file for day in result.days for file in day.files]
    return read_pinned(files, ["thing", "score", "model_version"]).sort_by("thing").to_pylist()


def main(home: Path, jar: str, other_jar: str, examples: Path) -> None:
    """Score the same rows by the one, the other, and the one again."""
    store = ArtefactStore(storage=Folder(root=home))
    spark = EmbeddedSpark(cores=1)
    (home / "warehouse").mkdir()
    found: list[list[str]] = []
    day = write_features(spark.session(), home, "late", examples)
    other_day = write_features(spark.session(), home, "number", examples)
    for request in (
        build_request(home, day, jar, "1"),
        build_request(home, other_day, other_jar, "2", **NUMBER),
        build_request(home, day, jar, "1"),
    ):
        result = spark.predictions(request, store, lambda _: None)
        found.append([row["score"].hex() for row in scores(result)])
    sys.stdout.write(json.dumps(found) + "\n")
    spark.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3], Path(sys.argv[4]))
