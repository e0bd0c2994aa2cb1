"""A small spec that every test may change: binomial, daily sources, weekly refits."""

from typing import Any

from refit_assets.spec import ModelSpec

ATTRIBUTES: dict[str, Any] = {
    "name": "late",
    "description": "Whether a thing comes late.",
    "start": "2013-01-01",
    "end": "2013-03-01",
    "sources": {
        "things": {
            "path": "things/{day}.csv",
            "columns": {"thing": "bigint", "size": "int", "kind": "string", "delay": "int"},
            "look_back_days": 1,
        },
        "kinds": {"path": "kinds.csv", "columns": {"kind": "string", "weight": "int"}},
    },
    "features": {
        "key": "thing",
        "knowledge_time": "known_at",
        # Any module that is there: its source is part of the recipe of a day.
        "module": "refit_assets_tests.specs",
        "columns": {"size": "int", "kind": {"type": "category", "nullable": True}},
    },
    "target": {"column": "arrival", "positive": "late", "negative": "on_time"},
    "refit": {"cadence": "weekly", "train": 2, "holdout": 1},
    "trials": {
        "choose_by": "log_loss",
        "validation": 1,
        "search": [{"algorithm": "gbm", "parameters": {"ntrees": 5}}],
    },
    "jar": {"group": "com.example"},
}
EVERY_SECOND: dict[str, Any] = {
    **ATTRIBUTES["trials"],
    "search": [{"algorithm": "gbm", "grid": {"ntrees": [5, 7]}}],
    "search_every": 2,
}
"""Two trials, searched for the first of two refits."""


def build_spec(**changes: Any) -> ModelSpec:  # noqa: ANN401
    """Build the spec with some attributes replaced."""
    return ModelSpec.model_validate({**ATTRIBUTES, **changes})
