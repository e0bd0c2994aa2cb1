"""AutoML by model count, as a plan: the trials that an automatic search fits, one by one.

H2O's own AutoML names its models by the clock, and is one job that a killed JVM loses whole. This
list has fixed members, so that each is a trial like any other: stored when done, never refitted.
Belongs here: which searches stand for `automl`. Does not: how they are planned (`plan`).
"""

from collections.abc import Sequence
from typing import Any

from refit_assets.spec import Random, Search

_GBM: tuple[dict[str, Any], ...] = (
    {"ntrees": 100, "max_depth": 6, "learn_rate": 0.1, "min_rows": 1},
    {"ntrees": 100, "max_depth": 8, "learn_rate": 0.08, "min_rows": 10},
    {"ntrees": 150, "max_depth": 5, "learn_rate": 0.05, "min_rows": 10},
    {"ntrees": 60, "max_depth": 12, "learn_rate": 0.08, "min_rows": 100},
)
_SAMPLED = {"sample_rate": 0.8, "col_sample_rate": 0.8, "col_sample_rate_per_tree": 0.8}
_FIRST: tuple[Search, ...] = (
    Search(algorithm="gbm", parameters={**_GBM[0], **_SAMPLED}),
    Search(algorithm="glm", parameters={"lambda_search": True, "alpha": 0.5}),
    Search(algorithm="drf", parameters={"ntrees": 50, "max_depth": 16}),
    *(Search(algorithm="gbm", parameters={**gbm, **_SAMPLED}) for gbm in _GBM[1:]),
    Search(algorithm="drf", parameters={"ntrees": 50, "max_depth": 16, "histogram_type": "random"}),
)
_SPACE: dict[str, tuple[Any, ...]] = {
    "max_depth": (3, 4, 5, 6, 7, 8, 10, 12, 15),
    "min_rows": (1, 5, 10, 15, 30, 100),
    "learn_rate": (0.04, 0.06, 0.08, 0.1),
    "sample_rate": (0.5, 0.6, 0.7, 0.8, 0.9, 1.0),
    "col_sample_rate": (0.4, 0.7, 1.0),
    "col_sample_rate_per_tree": (0.4, 0.7, 1.0),
}
_FEWEST_TO_STACK = 2


def automl_searches(search: Search) -> Sequence[Search]:
    """Return as many searches as `search.models` asks for models: the last is an ensemble of all.

    Fixed members first, then a seeded random search of GBMs.
    """
    models = search.models or 1
    singles = models - 1 if models > _FEWEST_TO_STACK else models
    # A smaller plan begins a larger one: who asks for more models keeps those that are fitted.
    fixed = _FIRST[:singles]
    searches = list(fixed)
    if singles > len(fixed):
        draws = Random(models=singles - len(fixed), space=_SPACE)
        searches.append(Search(algorithm="gbm", parameters={"ntrees": 100}, random=draws))
    if models > singles:
        searches.append(Search(algorithm="stacked_ensemble"))
    return searches
