"""What a version is watched against: its training window's inputs, its holdout's scores.

The scores are those that its own jar gave to the holdout: on rows that a model was fitted to its
scores look better than any later ones will. Made once a version, from pinned files, and stored.
Belongs here: reading and profiling them. Does not: comparing (`drift`), judging a day (`watch`).
"""

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from refit_assets.artefacts import ArtefactStore, reference_name
from refit_assets.errors import DataError
from refit_assets.evaluation.holdout import column_text
from refit_assets.evaluation.predictions import positive_name, read_jar_predictions
from refit_assets.evaluation.records import Evaluation
from refit_assets.features.pinned import read_pinned
from refit_assets.features.training_set import TrainingSet
from refit_assets.monitoring.drift import (
    CategoryProfile,
    NumberProfile,
    add_tested,
    profile_category,
    profile_number,
)
from refit_assets.packaging.candidate import PackagedJar
from refit_assets.spec import ModelSpec


@dataclass(frozen=True, kw_only=True)
class Reference:
    """How inputs and scores of one version were distributed before it served."""

    version: str
    refit: str
    training_set_digest: str
    first: str
    last: str
    """Days of the training window, validation included."""
    inputs: tuple[NumberProfile | CategoryProfile, ...]
    scores: NumberProfile


def need_reference(spec: ModelSpec, store: ArtefactStore, packaged: PackagedJar) -> Reference:
    """Read the reference of a version, or make and store it.

    Raises:
        DataError: its refit was made again of other data since, and no reference had been made
            before: what it was fitted to is not known any more.

    """
    version, digest = packaged.jar.version, packaged.training_set_digest
    name = reference_name(spec.name, digest, version)
    # Stored once made: when the refit is made again, the records that it is made of are gone.
    known = store.read_record(Reference, name)
    if known is None:
        known = build_reference(spec, store, packaged)
        store.write_record(name, known)
    return known


def build_reference(spec: ModelSpec, store: ArtefactStore, packaged: PackagedJar) -> Reference:
    """Profile the training window's inputs and the holdout's scores of a version."""
    files = store.refit(spec.name, packaged.refit)
    pinned = store.need_record(
        TrainingSet, files.name("training_set.json"), made_by=f"{spec.name}/training_set"
    )
    measured = store.need_record(
        Evaluation, files.name("evaluation/evaluation.json"), made_by=f"{spec.name}/evaluation"
    )
    made_of = (pinned.digest, measured.version)
    if made_of != (packaged.training_set_digest, packaged.jar.version):
        message = (
            f"refit {packaged.refit} of {spec.name} was made again since {packaged.jar.version}: "
            f"what that version is to be watched against is gone; release the new one"
        )
        raise DataError(message)
    window = [pin for pin in pinned.days if pin.part != "holdout"]
    names = [*spec.features.columns]
    rows = read_pinned([file for pin in window for file in pin.files], ["day", *names])
    tested = read_pinned(pinned.files("holdout"), ["day", *names])
    return Reference(
        version=packaged.jar.version,
        refit=packaged.refit,
        training_set_digest=pinned.digest,
        first=window[0].day.isoformat(),
        last=window[-1].day.isoformat(),
        inputs=tuple(_profile(spec, name, rows, tested) for name in names),
        scores=_profile_scores(spec, store, pinned, measured),
    )


def day_numbers(column: Any) -> NDArray[np.int64]:  # noqa: ANN401 - pyarrow
    """Days as numbers in their order."""
    return column.to_numpy().astype("datetime64[D]").astype(np.int64)


def numbers(column: Any) -> NDArray[np.float64]:  # noqa: ANN401 - pyarrow
    """A column of any number type as doubles; NaN is missing."""
    import pyarrow as pa

    # By way of text where decimal: Arrow casts no decimal of another scale to a double exactly.
    decimal = pa.types.is_decimal(column.type)
    plain = column_text(column) if decimal else column.combine_chunks()
    return plain.cast(pa.float64()).to_numpy(zero_copy_only=False)


def _profile(
    spec: ModelSpec,
    name: str,
    rows: Any,  # noqa: ANN401 - pyarrow
    tested: Any,  # noqa: ANN401
) -> NumberProfile | CategoryProfile:
    days, after = day_numbers(rows["day"]), day_numbers(tested["day"])
    if spec.features.columns[name].column_type.kind == "category":
        levels = profile_category(name, rows[name].to_pylist(), days)
        return add_tested(levels, tested[name].to_pylist(), after)
    return add_tested(profile_number(name, numbers(rows[name]), days), numbers(tested[name]), after)


def _profile_scores(
    spec: ModelSpec, store: ArtefactStore, pinned: TrainingSet, measured: Evaluation
) -> NumberProfile:
    """The evaluation's scores lie in the order of the holdout's labelled rows, by key."""
    key, target = spec.features.key, spec.target.column
    rows = read_pinned(pinned.files("holdout"), ["day", key, target])
    rows = rows.filter(rows[target].is_valid()).sort_by(key)
    name = store.refit(spec.name, pinned.refit).name("evaluation/scores.csv")
    with tempfile.TemporaryDirectory(prefix="refit-reference-") as folder:
        path = Path(folder) / "scores.csv"
        store.storage.download(name, path)
        scores = read_jar_predictions(spec, path, rows=measured.rows)
    return profile_number("score", scores.columns[positive_name(spec)], day_numbers(rows["day"]))
