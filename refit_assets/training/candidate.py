"""The candidate's files: MOJO, golden rows and holdout, predicted by the cluster that fitted it.

Belongs here: what is predicted, how it is written. Does not: which trial is the best (`trial`),
which rows are golden (`golden`), comparing the jar with it (`packaging`, `evaluation`).
"""

import csv
import hashlib
import io
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from refit_assets.artefacts import ArtefactStore, RefitFiles, trial_name
from refit_assets.errors import DataError, Finding
from refit_assets.features.contract import Column, InputContract, build_contract
from refit_assets.features.training_set import TrainingSet
from refit_assets.spec import ModelSpec
from refit_assets.training.frames import PartFrame, column_kinds, parse_uploaded, read_part
from refit_assets.training.golden import (
    GoldenInputs,
    Row,
    build_golden_rows,
    cell_text,
    choose_sample,
)
from refit_assets.training.mojo import read_domains
from refit_assets.training.predictions import (
    ClusterPredictions,
    prediction_names,
    read_predictions,
)
from refit_assets.training.session import Frame, H2OSession
from refit_assets.training.trial import Candidate, Trial

CANDIDATE = "candidate/candidate.json"
_ROW = "golden_row"


@dataclass(frozen=True, kw_only=True)
class CandidateSources:
    """What a candidate is made of."""

    session: H2OSession
    spec: ModelSpec
    training_set: TrainingSet
    store: ArtefactStore
    trial: Trial
    model: Any
    """The trial's model inside H2O."""

    @property
    def files(self) -> RefitFiles:
        """Names of the refit's files."""
        return self.store.refit(self.spec.name, self.training_set.refit)


def write_candidate(sources: CandidateSources) -> Candidate:
    """Predict golden rows and holdout in the cluster, write all files, the record last.

    Raises:
        DataError: H2O read golden rows otherwise than they were written.

    """
    spec, storage, trial = sources.spec, sources.store.storage, sources.trial
    # The stored bytes, not another export: they are what the trial's digest names.
    mojo = storage.read(trial_name(spec.name, trial.key, "model.zip"))
    if mojo is None:
        message = f"the MOJO of trial {trial.key} is gone; remove its folder, and refit"
        raise DataError(message)
    holdout = read_part(sources.session, spec, sources.training_set, "holdout")
    predicted = _predict(sources, holdout.name, "holdout")
    predictions = _holdout_parquet(spec, holdout, predicted)
    rows = _golden_rows(sources, holdout, mojo)
    golden = _golden_csv(spec, rows, _predict_rows(sources, rows))
    candidate = Candidate(
        trial_key=trial.key,
        algorithm=trial.algorithm,
        parameters=trial.parameters,
        seed=trial.seed,
        nodes=trial.nodes,
        h2o_version=trial.h2o_version,
        training_set_digest=sources.training_set.digest,
        mojo_sha256=trial.mojo_sha256,
        threshold=trial.threshold,
        metrics=trial.metrics,
        importance=trial.importance,
        learning_curve=trial.learning_curve,
        curve_metric=trial.curve_metric,
        key_column=spec.features.key,
        golden_rows=len(rows),
        golden_sha256=hashlib.sha256(golden).hexdigest(),
        holdout_rows=int(np.isfinite(holdout.labels).sum()),
        holdout_predictions_sha256=hashlib.sha256(predictions).hexdigest(),
    )
    files = sources.files
    storage.write(files.name("candidate/model.zip"), mojo)
    storage.write(files.name("candidate/golden.csv"), golden)
    storage.write(files.name("candidate/holdout_predictions.parquet"), predictions)
    # Last: who finds the record takes the files for whole.
    sources.store.write_record(files.name(CANDIDATE), candidate)
    return candidate


def _predict(sources: CandidateSources, frame: str, what: str) -> ClusterPredictions:
    session, target = sources.session, f"{what}_{sources.trial.key}"
    predicted = session.predict(str(sources.model.model_id), frame, target)
    answer = read_predictions(session, sources.spec, predicted)
    # H2O keeps what has a name until somebody removes it.
    session.remove(target)
    return answer


def _holdout_parquet(spec: ModelSpec, holdout: PartFrame, predicted: ClusterPredictions) -> bytes:
    """Key and predictions of all labelled rows, sorted by key."""
    order = np.argsort(holdout.keys, kind="stable")
    order = order[np.isfinite(holdout.labels[order])]
    columns = {spec.features.key: holdout.keys[order]}
    columns |= {name: values[order] for name, values in predicted.columns.items()}
    target = io.BytesIO()
    pq.write_table(pa.table(columns), target, compression="snappy")
    return target.getvalue()


def _golden_rows(sources: CandidateSources, holdout: PartFrame, mojo: bytes) -> tuple[Row, ...]:
    contract = build_contract(sources.spec)
    levels = {domain.column: domain.levels for domain in read_domains(mojo)}
    inputs = GoldenInputs(
        contract=contract,
        sample=_sample(sources.session, contract, holdout),
        ranges=sources.trial.ranges,
        levels=levels,
    )
    return build_golden_rows(inputs)


def _sample(session: H2OSession, contract: InputContract, holdout: PartFrame) -> Sequence[Row]:
    labelled = np.flatnonzero(np.isfinite(holdout.labels))
    chosen = labelled[choose_sample(holdout.keys[labelled])]
    # H2O answers rows in the frame's order, whatever order they were asked for in.
    ascending = np.sort(chosen)
    answered: Frame = holdout.frame[[int(at) for at in ascending], list(contract.names)]
    table = session.download(answered)
    return _rows(contract, table.take(np.searchsorted(ascending, chosen)))


def _rows(contract: InputContract, table: Any) -> list[Row]:  # noqa: ANN401 - pyarrow's table
    columns = {
        c.name: [cell_text(c, value) for value in table[c.name].to_pylist()]
        for c in contract.columns
    }
    return [dict(zip(columns, cells, strict=True)) for cells in zip(*columns.values(), strict=True)]


def _predict_rows(sources: CandidateSources, rows: Sequence[Row]) -> ClusterPredictions:
    """Bring rows into H2O, make sure that they arrived to the last bit, and predict them."""
    session, spec = sources.session, sources.spec
    contract = build_contract(spec)
    with tempfile.TemporaryDirectory(prefix="refit-golden-") as folder:
        path = Path(folder) / "golden.parquet"
        # Decimals as Spark writes them, which H2O is known to import exactly.
        pq.write_table(_golden_table(contract, rows), path, store_decimal_as_integer=True)
        kinds = {name: kind for name, kind in column_kinds(spec).items() if name in contract.names}
        frame = parse_uploaded(session, path, {**kinds, _ROW: "numeric"})
    _refuse_changed(contract, rows, session.download(frame))
    predicted = _predict(sources, str(frame.frame_id), "golden")
    session.remove(str(frame.frame_id))
    return predicted


def _golden_table(contract: InputContract, rows: Sequence[Row]) -> pa.Table:
    columns: dict[str, Any] = {_ROW: pa.array(range(len(rows)), pa.int64())}
    for column in contract.columns:
        cells = [row[column.name] for row in rows]
        columns[column.name] = _arrow(column, cells)
    return pa.table(columns)


def _arrow(column: Column, cells: Sequence[str | None]) -> Any:  # noqa: ANN401
    kind = column.type
    if kind.kind == "category":
        return pa.array(cells, pa.string())
    if kind.kind == "int":
        return pa.array([None if cell is None else int(cell) for cell in cells], pa.int64())
    numbers = [None if cell is None else Decimal(cell) for cell in cells]
    return pa.array(numbers, pa.decimal128(kind.precision, kind.scale))


def _refuse_changed(contract: InputContract, rows: Sequence[Row], arrived: Any) -> None:  # noqa: ANN401
    found: list[Finding] = []
    if arrived[_ROW].to_pylist() != list(range(len(rows))):
        message = "H2O changed the order of the golden rows"
        raise DataError(message)
    for column in contract.columns:
        for at, value in enumerate(arrived[column.name].to_pylist()):
            written = rows[at][column.name]
            expected = _value(column, written)
            if value != expected:
                finding = Finding(
                    where="golden.csv",
                    row=at + 2,
                    column=column.name,
                    expected=str(written),
                    found=repr(value),
                )
                found.append(finding)
    if found:
        message = "H2O read golden rows otherwise than they were written"
        raise DataError(message, found)


def _value(column: Column, cell: str | None) -> str | float | None:
    if cell is None or column.type.kind == "category":
        return cell
    # As a double, which is what H2O computes with, and to the last bit.
    return float(cell)


def _golden_csv(spec: ModelSpec, rows: Sequence[Row], predicted: ClusterPredictions) -> bytes:
    """Inputs by name, then what the cluster answers; doubles as their shortest exact text."""
    names = build_contract(spec).names
    outputs = prediction_names(spec)
    target = io.StringIO()
    writer = csv.writer(target, lineterminator="\n")
    writer.writerow([*names, *(["predict"] if predicted.labels else []), *outputs])
    for at, row in enumerate(rows):
        label = [predicted.labels[at]] if predicted.labels else []
        numbers = [repr(float(predicted.columns[name][at])) for name in outputs]
        writer.writerow([*(row[name] for name in names), *label, *numbers])
    return target.getvalue().encode()
