"""H2O's estimators: which class fits which algorithm, and what it answers about itself.

Belongs here: classes, parameter names, importance, learning curve. Does not: which parameters
reproducibility forbids (`plan`), running fits (`fit`).
"""

import copy
import difflib
import inspect
import math
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from refit_assets.errors import SpecError
from refit_assets.spec import Algorithm
from refit_assets.training.trial import CurvePoint, TrialPlan

# h2o carries no types.
Estimator: TypeAlias = Any

_CLASSES: Mapping[str, str] = {
    "gbm": "H2OGradientBoostingEstimator",
    "drf": "H2ORandomForestEstimator",
    "glm": "H2OGeneralizedLinearEstimator",
    "xgboost": "H2OXGBoostEstimator",
    "deep_learning": "H2ODeepLearningEstimator",
    "stacked_ensemble": "H2OStackedEnsembleEstimator",
}
_STEPS = ("number_of_trees", "iterations", "iteration", "epochs")
_CURVES = ("logloss", "rmse", "deviance", "objective", "negative_log_likelihood")


def build_estimator(plan: TrialPlan, *, classification: bool) -> Estimator:
    """Build the estimator of a trial.

    Raises:
        SpecError: H2O's algorithm has no such parameter, or not with such a value.

    """
    kind = _class(plan.algorithm)
    _refuse_unknown(plan.algorithm, kind, plan.parameters)
    parameters = dict(plan.parameters)
    if plan.algorithm == "glm" and "family" not in parameters:
        parameters["family"] = "binomial" if classification else "gaussian"
    try:
        return kind(model_id=plan.model_id, seed=plan.seed, **_spelled(parameters))
    except (TypeError, ValueError) as error:
        message = f"trials.search, {plan.algorithm}: {error}"
        raise SpecError(message) from error


def start_fit(estimator: Estimator, **what: Any) -> str:  # noqa: ANN401 - x, y and frames
    """Start a fit inside H2O, and return the name of its job."""
    from h2o.estimators.estimator_base import H2OEstimator

    if "blending_frame" in what:
        estimator.blending_frame = what.pop("blending_frame")
    # Not `start`: an ensemble's own looks for its metalearner before there is one.
    estimator._future = True  # noqa: SLF001 - what `start` does
    H2OEstimator.train(estimator, **what)
    return str(estimator._job.job_key)  # noqa: SLF001


def deciding_models(model: Estimator) -> tuple[str, ...]:
    """Names of the models whose thresholds decide the label that a fitted model answers.

    An ensemble, and its MOJO, answer by their metalearner's; their own is what they tell.
    """
    if model.algo == "stackedensemble":
        return (str(model.model_id), str(model.metalearner().model_id))
    return (str(model.model_id),)


def read_importance(model: Estimator) -> tuple[tuple[str, float], ...]:
    """Inputs with their share of all importance, largest first; empty where H2O has none.

    Shares of the levels of one category, which GLM reports apart, are added up.
    """
    raw: Sequence[Sequence[Any]] | None = None
    if getattr(model, "varimp", None) is not None and _has_importance(model):
        raw = model.varimp(use_pandas=False)
    shares: dict[str, float] = {}
    for name, *_, share in raw or ():
        column = str(name).split(".", 1)[0]
        shares[column] = shares.get(column, 0.0) + float(share)
    # Ties by name, so that the same fit leaves the same record.
    return tuple(sorted(shares.items(), key=lambda item: (-item[1], item[0])))


def read_curve(model: Estimator) -> tuple[str | None, tuple[CurvePoint, ...]]:
    """The learning curve: name of its metric and its points; None and empty where there is none."""
    table = model._model_json["output"].get("scoring_history")  # noqa: SLF001 - no other way in
    if table is None:
        return None, ()
    names: list[str] = list(table.col_header)
    step = next((name for name in _STEPS if name in names), None)
    metric = next((name for name in _CURVES if f"training_{name}" in names or name in names), None)
    if step is None or metric is None:
        return None, ()
    training = f"training_{metric}" if f"training_{metric}" in names else metric
    wanted = (step, training, f"validation_{metric}")
    points = [_point(dict(zip(names, row, strict=True)), *wanted) for row in table.cell_values]
    return metric, tuple(point for point in points if point is not None)


def _class(algorithm: Algorithm) -> Any:  # noqa: ANN401 - a class of h2o
    from h2o import estimators

    return getattr(estimators, _CLASSES[algorithm])


def _refuse_unknown(algorithm: Algorithm, kind: Any, parameters: Mapping[str, Any]) -> None:  # noqa: ANN401
    known = list(inspect.signature(kind.__init__).parameters)
    known += ["lambda"] if "lambda_" in known else []
    for name in parameters:
        if name not in known:
            near = difflib.get_close_matches(name, known, 3)
            hint = f"; did you mean {' or '.join(near)}?" if near else ""
            message = f"trials.search, {algorithm}: H2O has no parameter {name}{hint}"
            raise SpecError(message)


def _spelled(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Python's client says lambda_ where H2O says lambda, and lists where YAML made tuples.

    Copied, because its setters change nested parameters in place.
    """
    names = {"lambda": "lambda_"}
    return {
        names.get(name, name): list(value) if isinstance(value, tuple) else copy.deepcopy(value)
        for name, value in parameters.items()
    }


def _has_importance(model: Estimator) -> bool:
    output = model._model_json["output"]  # noqa: SLF001
    kinds = ("variable_importances", "standardized_coefficient_magnitudes")
    return any(output.get(kind) is not None for kind in kinds)


def _point(row: Mapping[str, Any], step: str, training: str, validation: str) -> CurvePoint | None:
    at = _number(row.get(step))
    if at is None:
        return None
    return CurvePoint(
        step=at, training=_number(row.get(training)), validation=_number(row.get(validation))
    )


def _number(cell: Any) -> float | None:  # noqa: ANN401
    if isinstance(cell, bool) or not isinstance(cell, int | float):
        return None
    return float(cell) if math.isfinite(cell) else None
