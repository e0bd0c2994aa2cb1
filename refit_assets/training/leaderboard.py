"""A refit's trials as a person reads them, and the best as the part of a spec that means it.

Belongs here: looking them up, text for the command line. Does not: fitting (`fit`), which trials
a search means (`plan`).
"""

from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from refit_assets.artefacts import ArtefactStore
from refit_assets.errors import DataError
from refit_assets.training.trial import LEADERBOARD, Leaderboard, Trial

_SHOWN = 8


def read_leaderboard(
    store: ArtefactStore, model: str, refit: str | None
) -> tuple[str, Leaderboard]:
    """Read what was fitted for a refit, or for the latest of the model; its as-of date, too.

    Raises:
        DataError: nothing was fitted yet, or not for that refit.

    """
    fitted = _fitted(store, model)
    if not fitted:
        message = f"no trials of {model} yet: `refit run {model}` fits what is due"
        raise DataError(message)
    key = refit or fitted[-1]
    if key not in fitted:
        latest = ", ".join(fitted[-_SHOWN:])
        message = f"no trials of {model} {key}; the latest that were fitted: {latest}"
        raise DataError(message)
    name = store.refit(model, key).name(LEADERBOARD)
    return key, store.need_record(Leaderboard, name, made_by=f"{model}/trials of {key}")


def render_leaderboard(
    model: str, refit: str, board: Leaderboard, search: Sequence[Mapping[str, Any]]
) -> str:
    """Render for a terminal: a line a trial, then YAML for the spec."""
    written = yaml.safe_dump(
        {"search": [*search]}, sort_keys=False, default_flow_style=None, width=200
    )
    wide = max(len(trial.title) for trial in board.trials)
    fitted = "1 trial" if len(board.trials) == 1 else f"{len(board.trials)} trials"
    return "\n".join(
        [
            f"{model} {refit}: {fitted}, the best by {board.choose_by} first",
            *(_render(trial, board, wide) for trial in board.trials),
            "",
            "The best alone, below `trials` of defs.yaml:",
            written.rstrip(),
        ]
    )


def _fitted(store: ArtefactStore, model: str) -> list[str]:
    """As-of dates of what was fitted, the latest last."""
    names = store.storage.names(store.refit(model, "").folder)
    return sorted(name.split("/")[-2] for name in names if name.endswith(f"/{LEADERBOARD}"))


def _render(trial: Trial, board: Leaderboard, wide: int) -> str:
    metric = f"{trial.metrics[board.choose_by]:.5f}"
    return f"  {trial.title:<{wide}}  {metric:>9}  {trial.seconds:6.1f} s  {trial.settings}"
