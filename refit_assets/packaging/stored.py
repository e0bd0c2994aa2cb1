"""Score stored rows with a stored jar: the `score` program, as all deployments run it."""

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from refit_assets.artefacts import ArtefactStore
from refit_assets.packaging.score import score_csv


@dataclass(frozen=True, kw_only=True)
class ScoringTime:
    """How long a jar took for a file of rows; stored beside its predictions."""

    seconds: float
    """Wall time of the whole program: start of the JVM, reading, scoring, writing."""


def time_name(predictions: str) -> str:
    """Name of the record beside stored predictions."""
    return f"{predictions}.time.json"


def score_stored(store: ArtefactStore, jar: str, rows: str, predictions: str) -> None:
    """Score a CSV of rows by a runnable jar; all three are names in the store.

    Raises:
        DataError, WorkloadFailed: see `score_csv`; no predictions are stored then.

    """
    with tempfile.TemporaryDirectory(prefix="refit-score-") as name:
        folder = Path(name)
        store.storage.download(jar, folder / "scoring.jar")
        store.storage.download(rows, folder / "rows.csv")
        # Without the fetching: the gate on speed is about the jar and not about the store.
        started = time.monotonic()
        score_csv(folder / "scoring.jar", folder / "rows.csv", folder / "predictions.csv")
        took = ScoringTime(seconds=round(time.monotonic() - started, 3))
        store.storage.upload(folder / "predictions.csv", predictions)
        store.write_record(time_name(predictions), took)
