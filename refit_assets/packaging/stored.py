"""Score stored rows with a stored jar: the `score` program, as all deployments run it."""

import tempfile
from pathlib import Path

from refit_assets.artefacts import ArtefactStore
from refit_assets.packaging.score import score_csv


def score_stored(store: ArtefactStore, jar: str, rows: str, predictions: str) -> None:
    """Score a CSV of rows by a runnable jar; all three are names in the store.

    Raises:
        DataError, WorkloadFailed: see `score_csv`; no predictions are stored then.

    """
    with tempfile.TemporaryDirectory(prefix="refit-score-") as name:
        folder = Path(name)
        store.storage.download(jar, folder / "scoring.jar")
        store.storage.download(rows, folder / "rows.csv")
        score_csv(folder / "scoring.jar", folder / "rows.csv", folder / "predictions.csv")
        store.storage.upload(folder / "predictions.csv", predictions)
