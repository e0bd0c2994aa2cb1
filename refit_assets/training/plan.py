"""Which trials a refit fits: grids, seeded random searches, ensembles, and what is refused.

Pure. Belongs here: the list of trials with keys, and parameters that reproducibility needs or
forbids. Does not: whether H2O knows a parameter (`fit`), fitting.
"""

import hashlib
import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from refit_assets.errors import SpecError
from refit_assets.spec import Algorithm, ModelSpec, Search
from refit_assets.training.automl import automl_searches
from refit_assets.training.trial import NODE_DEPENDENT, TrialPlan, trial_key

_OURS = "is set by refit_assets"
_NOT_IN_CONTRACT = "names a column, and the model reads only the contract's"
_CLOCK = "stops by the clock: no two machines would fit the same model"
REFUSED: Mapping[str, str] = {
    "model_id": f"{_OURS}: it follows from the trial's key",
    "seed": f"{_OURS}: write trials.seed",
    "x": _OURS,
    "y": _OURS,
    "training_frame": _OURS,
    "validation_frame": _OURS,
    "response_column": _OURS,
    "ignored_columns": _OURS,
    "base_models": f"{_OURS}: write base",
    "blending_frame": _OURS,
    "nfolds": f"{_OURS}: write trials.folds",
    "fold_assignment": f"{_OURS}: write trials.folds",
    "keep_cross_validation_predictions": _OURS,
    "keep_cross_validation_models": _OURS,
    "keep_cross_validation_fold_assignment": _OURS,
    "metalearner_nfolds": _OURS,
    "metalearner_fold_assignment": _OURS,
    "metalearner_algorithm": f"{_OURS}: a GLM without negative weights",
    "metalearner_params": _OURS,
    "fold_column": _NOT_IN_CONTRACT,
    "weights_column": _NOT_IN_CONTRACT,
    "offset_column": _NOT_IN_CONTRACT,
    "metalearner_fold_column": _NOT_IN_CONTRACT,
    "calibration_frame": "needs a frame that a refit does not have",
    "calibrate_model": "needs a frame that a refit does not have",
    "checkpoint": "continues a model that the key does not know",
    "export_checkpoints_dir": "writes beside the artefact store",
    "max_runtime_secs": _CLOCK,
    "max_runtime_secs_per_model": _CLOCK,
    "gpu_id": "depends on the machine",
    "interactions": "has no counterpart in the scoring jar",
    "interaction_pairs": "has no counterpart in the scoring jar",
}

_TREES: frozenset[Algorithm] = frozenset({"gbm", "drf", "xgboost"})
_CURVE_POINTS = 20
_DEFAULT_TREES = 50
_META_FOLDS = 5

# Sums over rows: the same on every layout of the rows but for last bits. AUC, PR-AUC and lift come
# from histograms whose bins depend on the layout.
_STOPS_EXACTLY = frozenset(
    {"logloss", "deviance", "rmse", "mse", "mae", "rmsle", "misclassification"}
)


@dataclass(frozen=True, kw_only=True)
class PlanInputs:
    """What keys depend on, besides the search itself."""

    training_set_digest: str
    nodes: int = 1


def plan_trials(spec: ModelSpec, inputs: PlanInputs) -> tuple[TrialPlan, ...]:
    """List the trials of a spec, in its order, each once; ensembles come last.

    Raises:
        SpecError: a parameter that is refused, an ensemble of nothing.

    """
    searches = [one for search in spec.trials.search for one in _expanded(search)]
    singles = [search for search in searches if search.algorithm != "stacked_ensemble"]
    plans: dict[str, TrialPlan] = {}
    for at, search in enumerate(singles):
        # By its place, too: two searches of one space are to draw apart.
        for parameters in _parameters(search, spec.trials.seed, at):
            plan = _plan(spec, inputs, search.algorithm, parameters)
            plans.setdefault(plan.key, plan)
    fitted = tuple(plans.values())
    for search in searches:
        if search.algorithm != "stacked_ensemble":
            continue
        base = _base(search, fitted)
        for parameters in _parameters(search, spec.trials.seed, 0):
            plan = _plan(spec, inputs, search.algorithm, parameters, base)
            plans.setdefault(plan.key, plan)
    return tuple(plans.values())


def search_of(trial: TrialPlan, trials: Sequence[TrialPlan]) -> list[dict[str, Any]]:
    """Write the `trials.search` of a spec that means this trial, and what it stacks, alone."""
    by_key = {one.key: one for one in trials}
    return [_written(one) for one in (*(by_key[key] for key in trial.base), trial)]


def choose(spec: ModelSpec, searched: Sequence[TrialPlan]) -> ModelSpec:
    """Put the best of a search in its place; `searched` has the best first."""
    search = tuple(Search.model_validate(one) for one in search_of(searched[0], searched))
    return spec.model_copy(update={"trials": spec.trials.model_copy(update={"search": search})})


def _written(trial: TrialPlan) -> dict[str, Any]:
    forced = _forced(trial.algorithm, trial.parameters.get("nfolds"))
    given = {name: value for name, value in trial.parameters.items() if name not in forced}
    return {"algorithm": trial.algorithm, **({"parameters": given} if given else {})}


def _expanded(search: Search) -> Sequence[Search]:
    if search.algorithm != "automl":
        return (search,)
    if search.parameters or search.grid or search.random:
        message = "trials.search, automl: it takes models and nothing else; write out a search"
        raise SpecError(message)
    return automl_searches(search)


def _base(search: Search, fitted: Sequence[TrialPlan]) -> tuple[str, ...]:
    keys = tuple(p.key for p in fitted if not search.base or p.algorithm in search.base)
    if not keys:
        named = " or ".join(search.base) or "anything"
        message = f"trials.search: the stacked ensemble finds no trial of {named} to stack"
        raise SpecError(message)
    return keys


def _parameters(search: Search, seed: int, at: int) -> Iterator[dict[str, Any]]:
    space = search.space
    names = list(space)
    if search.random is None:
        for values in itertools.product(*space.values()):
            yield {**search.parameters, **dict(zip(names, values, strict=True))}
        return
    total = math.prod(len(values) for values in space.values())
    for number in _drawn(search.trial_count, total, f"{seed}/{at}"):
        yield {**search.parameters, **_combination(space, number)}


def _drawn(count: int, total: int, seed: str) -> Sequence[int]:
    """Draw different numbers below `total`; the same on every Python, unlike `random`."""
    drawn: dict[int, None] = {}
    for attempt in itertools.count():
        if len(drawn) == count:
            break
        digest = hashlib.sha256(f"{seed}/{attempt}".encode()).digest()
        drawn[int.from_bytes(digest, "big") % total] = None
    return list(drawn)


def _combination(space: Mapping[str, Sequence[Any]], number: int) -> dict[str, Any]:
    chosen: dict[str, Any] = {}
    for name, values in space.items():
        number, at = divmod(number, len(values))
        chosen[name] = values[at]
    return chosen


def _plan(
    spec: ModelSpec,
    inputs: PlanInputs,
    algorithm: Algorithm,
    given: Mapping[str, Any],
    base: tuple[str, ...] = (),
) -> TrialPlan:
    _refuse(algorithm, given)
    trials = spec.trials
    parameters = {**_defaults(algorithm, given), **given, **_forced(algorithm, trials.folds)}
    # Where a trial stops hangs on the last bits of a metric, and those on the number of nodes.
    depends = algorithm in NODE_DEPENDENT or _stops_early(given)
    nodes = inputs.nodes if depends else None
    key = trial_key(
        {
            "training_set": inputs.training_set_digest,
            "target": spec.target.column,
            "inputs": sorted(spec.features.columns),
            "algorithm": algorithm,
            "parameters": parameters,
            "seed": trials.seed,
            "nodes": nodes,
            "base": base,
            "folds": trials.folds,
            # The MOJO holds the cut-off, so what sets it decides bytes.
            "threshold": trials.threshold if spec.classification else None,
            "positive": spec.target.positive,
        }
    )
    return TrialPlan(
        key=key,
        algorithm=algorithm,
        parameters=parameters,
        seed=trials.seed,
        nodes=nodes,
        base=base,
    )


def _defaults(algorithm: Algorithm, given: Mapping[str, Any]) -> dict[str, Any]:
    if algorithm in _TREES and "score_tree_interval" not in given:
        # By default H2O scores when the clock says so, and the learning curve is another each time.
        trees = int(given.get("ntrees", _DEFAULT_TREES))
        return {"score_tree_interval": max(1, math.ceil(trees / _CURVE_POINTS))}
    return {}


def _forced(algorithm: Algorithm, folds: int | None) -> dict[str, Any]:
    if algorithm == "stacked_ensemble":
        # Out of fold, so that its metric is as honest as those of the trials that it stacks.
        return {
            "metalearner_nfolds": folds or _META_FOLDS,
            "metalearner_fold_assignment": "modulo",
            "metalearner_algorithm": "glm",
            "metalearner_params": {
                "keep_cross_validation_predictions": True,
                "non_negative": True,
                # H2O's default penalty grows with the target's scale: of minutes in the air it
                # took 8 % off every prediction. A few weights, none below zero, need none.
                "lambda": 0,
                # Its other solvers stop early: members agree, so one weight stands for another.
                "solver": "IRLSM",
                "objective_epsilon": 1e-10,
                "beta_epsilon": 1e-10,
                "max_iterations": 1000,
            },
        }
    forced: dict[str, Any] = {}
    if algorithm == "deep_learning":
        # Its own choices of pace, best model and end follow the clock.
        forced |= {
            "reproducible": True,
            "overwrite_with_best_model": False,
            "stopping_rounds": 0,
            "train_samples_per_iteration": 0,
        }
    if folds is not None:
        forced |= {
            # The same folds for every trial: an ensemble stacks no others.
            "nfolds": folds,
            "fold_assignment": "modulo",
            "keep_cross_validation_predictions": True,
            "keep_cross_validation_models": False,
        }
    return forced


def _refuse(algorithm: Algorithm, given: Mapping[str, Any]) -> None:
    for name in given:
        if name in REFUSED:
            message = f"trials.search, {algorithm}: {name} {REFUSED[name]}"
            raise SpecError(message)
    if str(given.get("missing_values_handling", "")).lower() == "skip":
        message = f"trials.search, {algorithm}: missing_values_handling Skip can't score such rows"
        raise SpecError(message)
    if algorithm == "deep_learning":
        _refuse_deep_learning(given)
    elif _stops_early(given):
        _refuse_clock(algorithm, given)


def _refuse_deep_learning(given: Mapping[str, Any]) -> None:
    for name in ("reproducible", *_forced("deep_learning", None)):
        if name in given:
            message = f"trials.search, deep_learning: {name} {_OURS}: otherwise no two fits agree"
            raise SpecError(message)


def _refuse_clock(algorithm: Algorithm, given: Mapping[str, Any]) -> None:
    """Early stopping reproduces where H2O looks at fixed numbers of trees, by an exact metric."""
    metric = str(given.get("stopping_metric", "")).lower()
    if algorithm in _TREES and "score_tree_interval" not in given:
        message = (
            f"trials.search, {algorithm}: stopping_rounds needs score_tree_interval: "
            "without it H2O looks when the clock says so, and no two fits agree"
        )
        raise SpecError(message)
    if metric not in _STOPS_EXACTLY:
        message = (
            f"trials.search, {algorithm}: stopping_rounds needs a stopping_metric that H2O "
            f"computes exactly ({', '.join(sorted(_STOPS_EXACTLY))}), not {metric or 'its default'}"
        )
        raise SpecError(message)


def _stops_early(given: Mapping[str, Any]) -> bool:
    return int(given.get("stopping_rounds") or 0) > 0
