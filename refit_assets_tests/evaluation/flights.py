"""Six hundred real flights of two days of April 2013, and what two models said of them."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from refit_assets.evaluation.holdout import Holdout, read_holdout
from refit_assets.evaluation.metrics import Origin, evaluate
from refit_assets.evaluation.predictions import Predictions
from refit_assets.evaluation.records import Evaluation
from refit_assets.spec import ModelSpec
from refit_assets_tests.specs import build_spec

DATA = Path(__file__).parents[1] / "data" / "evaluation"
FILES = [str(path) for path in sorted(DATA.glob("2013-*.parquet"))]
ORIGIN = Origin(
    refit="2013-04-15", version="1.0.20130415", training_set_digest="ab12", mojo_sha256="cd34"
)
COLUMNS: dict[str, Any] = {
    "carrier": "category",
    "origin": "category",
    "hour": "int",
    "distance": "int",
    "precip": "decimal(18,12)",
    "pressure": {"type": "decimal(18,1)", "nullable": True},
}


def flights_spec(**changes: Any) -> ModelSpec:  # noqa: ANN401
    features = {"key": "flight_id", "knowledge_time": "known_at", "columns": COLUMNS}
    target = {"column": "late", "positive": "late", "negative": "on_time"}
    found = {"features": features, "target": target, "slices": ["origin"], **changes}
    return build_spec(**found)


def air_spec(**changes: Any) -> ModelSpec:  # noqa: ANN401
    search = [{"algorithm": "glm"}]
    trials = {"choose_by": "rmse", "validation": 1, "search": search}
    return flights_spec(target={"column": "air_time"}, trials=trials, **changes)


def holdout(spec: ModelSpec) -> Holdout:
    return read_holdout(spec, FILES)


def predictions(model: str = "challenger", cut_off: float = 0.3) -> Predictions:
    """Of a model, in the order of keys; `air_time` is the regression."""
    stored = pq.read_table(DATA / "predictions.parquet").sort_by("flight_id")
    scores = stored[model].to_numpy()
    if model == "air_time":
        return Predictions(columns={"predict": scores})
    labels = tuple(np.where(scores >= cut_off, "late", "on_time").tolist())
    return Predictions(columns={"p:late": scores, "p:on_time": 1 - scores}, labels=labels)


def evaluated(spec: ModelSpec, **changes: Any) -> Evaluation:  # noqa: ANN401
    """Evaluate the challenger, with as few resamples as still make an interval."""
    jar = predictions()
    found = evaluate(
        spec,
        holdout(spec),
        jar,
        origin=ORIGIN,
        threshold=0.3,
        cluster=jar,
        resamples=100,
    )
    return replace(found, **changes)


def evaluated_air(spec: ModelSpec) -> Evaluation:
    jar = predictions("air_time")
    return evaluate(spec, holdout(spec), jar, origin=ORIGIN, cluster=jar, resamples=100)
