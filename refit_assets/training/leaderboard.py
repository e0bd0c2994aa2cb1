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
    # Only a look for the latest, and an answer that helps, need all of them.
    key = refit or max(_fitted(store, model), default="")
    board = key and store.read_record(Leaderboard, store.refit(model, key).name(LEADERBOARD))
    if not board:
        raise DataError(_missing(model, key, _fitted(store, model)))
    return key, board


def render_leaderboard(
    model: str, refit: str, board: Leaderboard, search: Sequence[Mapping[str, Any]]
) -> str:
    """Render for a terminal: a line a trial, then YAML for the spec."""
    written = yaml.safe_dump(
        {"search": [*search]}, sort_keys=False, default_flow_style=None, width=200
    )
    wide = max(len(trial.title) for trial in (*board.trials, *board.search))
    chosen, search_made = "", list[str]()
    if board.search:
        chosen = f", as the search of {board.searched_in} chose"
        search_made = [f"search of {board.searched_in}: {_told(board.search, board)}"]
        search_made += [_render(trial, board, wide) for trial in board.search]
    return "\n".join(
        [
            f"{model} {refit}: {_told(board.trials, board)}{chosen}",
            *(_render(trial, board, wide) for trial in board.trials),
            *search_made,
            "",
            "The best alone, below `trials` of defs.yaml:",
            written.rstrip(),
        ]
    )


def _told(trials: Sequence[Trial], board: Leaderboard) -> str:
    if len(trials) == 1:
        return "1 trial"
    return f"{len(trials)} trials, the best by {board.choose_by} first"


def _missing(model: str, refit: str, fitted: Sequence[str]) -> str:
    if not fitted:
        return f"no trials of {model} yet: `refit run {model}` fits what is due"
    latest = ", ".join(fitted[-_SHOWN:])
    return f"no trials of {model} {refit}; the latest that were fitted: {latest}"


def _fitted(store: ArtefactStore, model: str) -> list[str]:
    """As-of dates of what was fitted, the latest last."""
    names = store.storage.names(store.refit(model, "").folder)
    return sorted(name.split("/")[-2] for name in names if name.endswith(f"/{LEADERBOARD}"))


def _render(trial: Trial, board: Leaderboard, wide: int) -> str:
    metric = f"{trial.metrics[board.choose_by]:.5f}"
    return f"  {trial.title:<{wide}}  {metric:>9}  {trial.seconds:6.1f} s  {trial.settings}"
