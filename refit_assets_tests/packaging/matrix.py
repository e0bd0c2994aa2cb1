"""The parity matrix: one small model for every algorithm, family and option, trained in one H2O.

Belongs here: which models, and how they are trained on H2O's own prostate data (380 rows, with
holes added). Does not: what is asserted of them.
"""
# ruff: noqa: ANN401 - h2o has no types

import socket
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from refit_assets.packaging.model_facts import read_model_facts
from refit_assets.packaging.parity import prediction_names, write_examples

FEATURES = ("AGE", "RACE", "DPROS", "DCAPS", "PSA", "VOL", "GLEASON")
CATEGORIES = ("RACE", "DPROS", "DCAPS")


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How one model of the matrix is trained."""

    estimator: str
    """Class name in h2o.estimators."""
    target: str | None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    features: tuple[str, ...] = FEATURES
    calibrated: bool = False
    bases: tuple[str, ...] = ()
    """Recipes that a stacked ensemble stacks."""


def _gbm(target: str | None, **parameters: Any) -> Recipe:
    return _tree("H2OGradientBoostingEstimator", target, parameters)


def _drf(target: str | None, **parameters: Any) -> Recipe:
    return _tree("H2ORandomForestEstimator", target, parameters)


def _tree(estimator: str, target: str | None, parameters: Mapping[str, Any]) -> Recipe:
    small = {"ntrees": 12, "max_depth": 5, "min_rows": 2, "seed": 1, "score_tree_interval": 1000}
    return Recipe(
        estimator=estimator,
        target=target,
        parameters={**small, **parameters},
        calibrated="calibrate_model" in parameters,
    )


def _glm(target: str | None, **parameters: Any) -> Recipe:
    estimator = "H2OGeneralizedLinearEstimator"
    return Recipe(estimator=estimator, target=target, parameters={"seed": 1, **parameters})


def _xgb(target: str | None, **parameters: Any) -> Recipe:
    small = {"ntrees": 12, "max_depth": 4, "seed": 1}
    return Recipe(
        estimator="H2OXGBoostEstimator",
        target=target,
        parameters={**small, **parameters},
        calibrated="calibrate_model" in parameters,
    )


def _deep(target: str | None, **parameters: Any) -> Recipe:
    small = {"hidden": [6, 5], "epochs": 2, "seed": 1, "reproducible": True}
    return Recipe(
        estimator="H2ODeepLearningEstimator", target=target, parameters={**small, **parameters}
    )


def _other(estimator: str, target: str | None, **parameters: Any) -> Recipe:
    return Recipe(estimator=f"H2O{estimator}Estimator", target=target, parameters=parameters)


def _stack(target: str, *bases: str, **parameters: Any) -> Recipe:
    return Recipe(
        estimator="H2OStackedEnsembleEstimator",
        target=target,
        parameters={"seed": 1, **parameters},
        bases=bases,
    )


_FOLDS = {"nfolds": 3, "fold_assignment": "Modulo", "keep_cross_validation_predictions": True}

RECIPES: Mapping[str, Recipe] = {
    "gbm_binomial": _gbm("CAPSULE", **_FOLDS),
    "gbm_gaussian": _gbm("VOL2", **_FOLDS),
    "gbm_multinomial": _gbm("BUCKET"),
    "gbm_poisson_offset": _gbm(
        "COUNT", distribution="poisson", offset_column="OFF", weights_column="W"
    ),
    "gbm_bernoulli_offset": _gbm(
        "CAPSULE", distribution="bernoulli", offset_column="OFF", weights_column="W"
    ),
    "gbm_tweedie": _gbm("COUNT", distribution="tweedie"),
    "gbm_gamma": _gbm("POSITIVE", distribution="gamma"),
    "gbm_laplace": _gbm("VOL2", distribution="laplace"),
    "gbm_quantile": _gbm("VOL2", distribution="quantile", quantile_alpha=0.8),
    "gbm_huber": _gbm("VOL2", distribution="huber"),
    "gbm_quasibinomial": _gbm("ZERO_ONE", distribution="quasibinomial"),
    "gbm_balanced": _gbm("CAPSULE", balance_classes=True),
    "gbm_monotone": _gbm("CAPSULE", monotone_constraints={"PSA": 1}),
    "gbm_platt": _gbm("CAPSULE", calibrate_model=True),
    "gbm_isotonic": _gbm("CAPSULE", calibrate_model=True, calibration_method="IsotonicRegression"),
    "gbm_sort_by_response": _gbm("CAPSULE", categorical_encoding="sort_by_response"),
    "gbm_one_hot": _gbm("CAPSULE", categorical_encoding="one_hot_explicit"),
    "gbm_binary": _gbm("CAPSULE", categorical_encoding="binary"),
    "gbm_eigen": _gbm("CAPSULE", categorical_encoding="eigen"),
    "gbm_label": _gbm("CAPSULE", categorical_encoding="label_encoder"),
    "gbm_limited": _gbm("CAPSULE", categorical_encoding="enum_limited"),
    "gbm_random_bins": _gbm("CAPSULE", histogram_type="Random", nbins_cats=16),
    "drf_binomial": _drf("CAPSULE", **_FOLDS),
    "drf_double_trees": _drf("CAPSULE", binomial_double_trees=True),
    "drf_gaussian": _drf("VOL2"),
    "drf_multinomial": _drf("BUCKET"),
    "drf_deep": _drf("CAPSULE", max_depth=20, min_rows=1, ntrees=30),
    "glm_binomial": _glm("CAPSULE", family="binomial", **_FOLDS),
    "glm_skip": _glm("CAPSULE", family="binomial", missing_values_handling="Skip"),
    "glm_quasibinomial": _glm("ZERO_ONE", family="quasibinomial"),
    "glm_fractional": _glm("FRACTION", family="fractionalbinomial"),
    "glm_gaussian": _glm("VOL2", family="gaussian", **_FOLDS),
    "glm_gaussian_offset": _glm("VOL2", family="gaussian", offset_column="OFF"),
    "glm_poisson": _glm("COUNT", family="poisson"),
    "glm_gamma": _glm("POSITIVE", family="gamma", link="log"),
    "glm_tweedie": _glm("COUNT", family="tweedie", tweedie_variance_power=1.5),
    "glm_negative_binomial": _glm("COUNT", family="negativebinomial", theta=0.5),
    "glm_multinomial": _glm("BUCKET", family="multinomial"),
    "glm_ordinal": _glm("BUCKET", family="ordinal"),
    "xgb_binomial": _xgb("CAPSULE", **_FOLDS),
    "xgb_platt": _xgb("CAPSULE", calibrate_model=True),
    "xgb_gaussian": _xgb("VOL2"),
    "xgb_multinomial": _xgb("BUCKET"),
    "xgb_poisson": _xgb("COUNT", distribution="poisson"),
    "xgb_gamma": _xgb("POSITIVE", distribution="gamma"),
    "xgb_tweedie": _xgb("COUNT", distribution="tweedie"),
    "xgb_offset": _xgb("CAPSULE", offset_column="OFF"),
    "xgb_dart": _xgb("CAPSULE", booster="dart", rate_drop=0.2),
    "xgb_linear": Recipe(
        estimator="H2OXGBoostEstimator",
        target="CAPSULE",
        parameters={"booster": "gblinear", "ntrees": 12, "seed": 1},
    ),
    "deep_binomial": _deep("CAPSULE"),
    "deep_gaussian": _deep("VOL2"),
    "deep_multinomial": _deep("BUCKET"),
    "isolation": _other("IsolationForest", None, ntrees=20, max_depth=6, seed=1),
    "extended_isolation": _other("ExtendedIsolationForest", None, ntrees=10, seed=1),
    "kmeans": _other("KMeans", None, k=3, seed=1),
    "rulefit": _other("RuleFit", "CAPSULE", seed=1, max_rule_length=3, rule_generation_ntrees=6),
    "stack_binomial": _stack("CAPSULE", "gbm_binomial", "drf_binomial", "glm_binomial"),
    "stack_trees": _stack(
        "CAPSULE",
        "gbm_binomial",
        "drf_binomial",
        metalearner_algorithm="gbm",
        metalearner_params={"ntrees": 8},
    ),
    "stack_xgb": _stack("CAPSULE", "gbm_binomial", "xgb_binomial"),
    "stack_gaussian": _stack("VOL2", "gbm_gaussian", "glm_gaussian"),
}


@contextmanager
def running_h2o(folder: Path) -> Iterator[Any]:
    """Start an H2O of our own, with its files in `folder`; shut it down, whatever happened."""
    import h2o

    port = _free_port()
    for name in ("ice", "log"):
        (folder / name).mkdir(exist_ok=True)
    h2o.init(
        port=port,
        name=f"packaging-{port}",
        nthreads=2,
        max_mem_size="2G",
        bind_to_localhost=True,
        ice_root=str(folder / "ice"),
        log_dir=str(folder / "log"),
        verbose=False,
        strict_version_check=False,
    )
    h2o.no_progress()
    try:
        yield h2o
    finally:
        h2o.cluster().shutdown()


def _free_port() -> int:
    """A port whose neighbour is free, too: H2O takes both."""
    while True:
        with socket.socket() as one, socket.socket() as next_one:
            one.bind(("127.0.0.1", 0))
            port = one.getsockname()[1]
            try:
                next_one.bind(("127.0.0.1", port + 1))
            except OSError:
                continue
            return port


def prostate(h2o: Any) -> Any:
    """Return H2O's prostate data as a frame, with derived targets and one value in 17 missing."""
    source = Path(h2o.__file__).parent / "h2o_data" / "prostate.csv"
    table = pd.read_csv(source)
    row = table.index.to_numpy()
    table["VOL2"] = table["VOL"] * 3 - table["AGE"]
    table["BUCKET"] = [
        "low" if g < 6 else 'mid, "6"' if g < 7 else "high" for g in table["GLEASON"]
    ]
    table["COUNT"] = table["GLEASON"] - 3
    table.loc[table["COUNT"] < 0, "COUNT"] = 0
    table["POSITIVE"] = table["PSA"] + 1
    table["ZERO_ONE"] = table["CAPSULE"]
    table["FRACTION"] = (table["AGE"] % 10) / 10
    table["OFF"] = (row % 5) / 8
    table["W"] = 1 + row % 3
    table["STOP"] = 1 + row % 40
    table["EVENT"] = table["CAPSULE"]
    table["DPROS"] = ["lobe " + str(d) for d in table["DPROS"]]
    for shift, name in enumerate(FEATURES):
        table[name] = table[name].where((row + 3 * shift) % 17 != 0)
    factors = dict.fromkeys((*CATEGORIES, "CAPSULE", "BUCKET"), "enum")
    return h2o.H2OFrame(table, column_types=factors)


def train(h2o: Any, recipes: Mapping[str, Recipe], folder: Path) -> dict[str, Path]:
    """Train every recipe and write `<name>/model.zip` and `<name>/examples.csv` below `folder`.

    `<name>/contributions.csv` has those of the same rows, where a model computes some.
    Returns the folder of each model.
    """
    frame = prostate(h2o)
    frame.frame_id  # noqa: B018, evaluates the lazy frame once, here
    models: dict[str, Any] = {}
    folders: dict[str, Path] = {}
    for name, recipe in recipes.items():
        models[name] = _fit(h2o, name, recipe, frame, models)
        folders[name] = folder / name
        folders[name].mkdir(parents=True)
        models[name].download_mojo(str(folders[name] / "model.zip"))
        write_matrix_examples(h2o, models[name], frame, folders[name])
    return folders


def write_matrix_examples(h2o: Any, model: Any, frame: Any, folder: Path) -> None:
    """Write `examples.csv` beside `model.zip`: inputs as the frame has them, predictions."""
    facts = read_model_facts(folder / "model.zip")
    offset = [] if facts.offset_column is None else [facts.offset_column]
    inputs = download(h2o, frame[[*facts.features, *offset]])
    predictions = download(h2o, model.predict(frame))
    names = prediction_names(list(predictions.columns), facts.classes)
    columns = {name: [*inputs[name]] for name in inputs.columns}
    columns |= {n: [*predictions[c]] for n, c in zip(names, predictions.columns, strict=True)}
    write_examples(folder / "examples.csv", columns)
    if facts.explains:
        explained = download(h2o, model.predict_contributions(frame))
        told = {name: [*explained[name]] for name in explained.columns}
        write_examples(folder / "contributions.csv", told)


def _fit(h2o: Any, name: str, recipe: Recipe, frame: Any, models: Mapping[str, Any]) -> Any:
    parameters = {**recipe.parameters, "model_id": name}
    if recipe.calibrated:
        parameters["calibration_frame"] = frame
    if recipe.bases:
        parameters["base_models"] = [models[base] for base in recipe.bases]
    estimator = getattr(h2o.estimators, recipe.estimator)(**parameters)
    estimator.train(x=list(recipe.features), y=recipe.target, training_frame=frame)
    return estimator


def download(h2o: Any, frame: Any) -> pd.DataFrame:
    """Fetch a frame as texts; doubles in hexadecimal, so that no bit is lost on the way.

    (`as_data_frame` reads decimal text with pandas' fast parser, which is off by an ulp here and
    there.)
    """
    url = f"{h2o.connection().base_url}/3/DownloadDataset?frame_id={frame.frame_id}&hex_string=true"
    with urllib.request.urlopen(url) as answer:
        table = pd.read_csv(answer, dtype=str, keep_default_na=False)
    for name, kind in frame.types.items():
        if kind in {"int", "real"}:
            column = table.columns[list(frame.types).index(name)]
            table[column] = [_number(text) for text in table[column]]
    return table


def _number(text: str) -> float:
    if text in {"", "NA", "NaN"}:
        return float("nan")
    return float.fromhex(text) if "x" in text.lower() else float(text)
