"""The table of predictions as plain Python sees it: its columns, and what is recorded of a day.

One row a row of the feature table, one version of the model a day: whoever reads it never finds a
key twice. Belongs here: names, types, records. Does not: scoring (`job`), which version is to
score which day (`release.serving`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from refit_assets.artefacts import ArtefactStore, predicted_name
from refit_assets.features.table import FeatureTable
from refit_assets.spec import ModelSpec

NAMESPACE = "predictions"
LABEL, SCORE, VERSION = "label", "score", "model_version"


@dataclass(frozen=True, kw_only=True)
class PredictedDay:
    """What one day of predictions is: by which jar, from which rows, in which files."""

    day: date
    version: str
    """Of the scoring jar."""
    rows: int
    digest: str
    """Of the rows and the model; equal for equal features and an equal jar."""
    features_digest: str
    """Of the day of the feature table that was scored."""
    files: tuple[str, ...]
    """URIs of the day's data files, sorted."""
    snapshot_id: int
    run_id: str


def prediction_types(spec: ModelSpec) -> dict[str, str]:
    """Columns of the table and their Spark types, in order.

    `score` is the probability of the positive label, or the predicted number; `label` the class
    that the model's own threshold chose.
    """
    labels = {LABEL: "string"} if spec.classification else {}
    scores = {SCORE: "double", VERSION: "string"}
    return {"day": "date", spec.features.key: "bigint", **labels, **scores}


def predictions_table(catalogue_uri: str, warehouse_uri: str, model: str) -> FeatureTable:
    """Name the model's table of predictions."""
    return FeatureTable(
        catalogue_uri=catalogue_uri, warehouse_uri=warehouse_uri, model=model, namespace=NAMESPACE
    )


def read_predicted(
    store: ArtefactStore, model: str, days: Sequence[date]
) -> dict[date, PredictedDay]:
    """Read the records of those days that were scored."""
    found = ((day, predicted_name(model, day.isoformat())) for day in days)
    records = ((day, store.read_record(PredictedDay, name)) for day, name in found)
    return {day: record for day, record in records if record is not None}
