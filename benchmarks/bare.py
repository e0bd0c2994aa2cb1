"""The yardstick: the same refit as one plain script, without orchestration, records or a jar.

    python -m benchmarks.bare LANDING WORK UNTIL

No Dagster, default flags of Spark and H2O, trials one after another; the same features.py,
parameters and split as flight_delay. Prints a line of JSON: seconds and CPU seconds of each stage.
"""

import json
import sys
import time
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from refit_assets.features.job import find_features
from refit_assets.features.window import RefitWindow, plan_window
from refit_assets.models import find_model
from refit_assets.spec import ModelSpec

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

Stages = dict[str, dict[str, float]]


def main() -> None:
    """Do one refit and print what its stages took."""
    landing, work, until = Path(sys.argv[1]), Path(sys.argv[2]), date.fromisoformat(sys.argv[3])
    spec, stages = find_model("flight_delay"), Stages()
    # What importing costs belongs to the Spark job's CPU, as it does to ours.
    begin = (_now()[0], 0.0)
    spark = _spark()
    begin = _lap(stages, "start", begin)
    _features(spark, spec, landing, work / "features", until)
    begin = _lap(stages, "features", begin)
    _trials(spec, plan_window(spec, until.isoformat()), work)
    _lap(stages, "trials", begin)
    print(json.dumps(stages))


def _spark() -> "SparkSession":
    from pyspark.sql import SparkSession

    settings = {"spark.sql.session.timeZone": "UTC", "spark.driver.memory": "2g"}
    return SparkSession.builder.master("local[*]").config(map=settings).getOrCreate()


def _features(
    spark: "SparkSession", spec: ModelSpec, landing: Path, out: Path, until: date
) -> None:
    from pyspark.sql import functions as f

    landed: dict[str, Any] = {}
    for name, source in spec.sources.items():
        schema = ", ".join(f"`{column}` {kind}" for column, kind in source.columns.items())
        files = landing / source.path.replace("{day}", "*")
        frame = spark.read.csv(str(files), header=True, schema=schema, nullValue="NA")
        day = f.to_date(f.regexp_extract(f.input_file_name(), r"(\d{4}-\d\d-\d\d)\.csv", 1))
        landed[name] = frame.withColumn("landed_day", day) if source.daily else frame
    # Without `repartition` each day would be as many files as the input has splits.
    rows = find_features(spec)(landed).where(f.col("day") < until).repartition("day")
    rows.write.partitionBy("day").parquet(str(out), mode="overwrite")
    spark.stop()


def _trials(spec: ModelSpec, window: RefitWindow, work: Path) -> None:
    import h2o
    from h2o.estimators import H2OGeneralizedLinearEstimator, H2OGradientBoostingEstimator

    # A port of its own: `init` would take whatever H2O answers on the usual one.
    h2o.init(max_mem_size="3g", name=f"bare-{time.time_ns()}", port=54991, verbose=False)
    h2o.no_progress()
    train, validation = (
        _frame(spec, work / "features", days)
        for days in (window.train_days, window.validation_days)
    )
    inputs, target = [*spec.features.columns], spec.target.column
    fits: list[Any] = [
        H2OGradientBoostingEstimator(
            ntrees=100, sample_rate=0.8, max_depth=depth, learn_rate=rate, seed=7
        )
        for depth in (5, 7)
        for rate in (0.1, 0.05)
    ]
    fits.append(H2OGeneralizedLinearEstimator(family="binomial", alpha=0.5))
    for fit in fits:
        fit.train(x=inputs, y=target, training_frame=train, validation_frame=validation)
    best = min(fits, key=lambda fit: fit.logloss(valid=True))
    best.download_mojo(str(work))
    best.model_performance(_frame(spec, work / "features", window.holdout_days))
    h2o.cluster().shutdown()


def _frame(spec: ModelSpec, features: Path, days: tuple[date, ...]) -> Any:  # noqa: ANN401
    import h2o

    files = [str(p) for day in days for p in sorted((features / f"day={day}").glob("*.parquet"))]
    frame = h2o.import_file(files)
    frame = frame[~frame[spec.target.column].isna(), :]
    for name, kind in frame.types.items():
        if kind == "string":
            frame[name] = frame[name].asfactor()
    return frame


def _now() -> tuple[float, float]:
    """Wall and CPU seconds: JVMs run below this process until it ends, and wait for what they fork.

    As `assets.steps` counts them, which would import Dagster.
    """
    me = psutil.Process()
    times = [process.cpu_times() for process in (me, *me.children(recursive=True))]
    return time.monotonic(), sum(sum(one[:4]) for one in times)


def _lap(stages: Stages, name: str, begin: tuple[float, float]) -> tuple[float, float]:
    now = _now()
    stages[name] = {
        "seconds": round(now[0] - begin[0], 1),
        "cpu_seconds": round(now[1] - begin[1], 1),
    }
    return now


if __name__ == "__main__":
    main()
