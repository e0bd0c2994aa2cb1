"""H2O's seam without H2O: a logistic curve over `size`, whose two numbers are the whole model.

The model's bytes are those numbers as JSON; whoever has them predicts the same doubles, as the
fake jar of `fakes.maven` does.
"""

import csv
import hashlib
import io
import json
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from refit_assets.artefacts import ArtefactStore, RefitFiles
from refit_assets.evaluation.holdout import Holdout, read_holdout
from refit_assets.features.training_set import TrainingSet
from refit_assets.spec import ModelSpec
from refit_assets.training.fit import FitRequest, FitResult
from refit_assets.training.trial import (
    H2O_VERSION,
    LEADERBOARD,
    Candidate,
    Leaderboard,
    Trial,
    TrialPlan,
    trial_key,
)

GOLDEN_ROWS = 4
HEADER = ("predict", "p:late", "p:on_time")


@dataclass(frozen=True, kw_only=True)
class Curve:
    """Probability of being late by size."""

    middle: float = 6.5
    slope: float = 1.0

    @property
    def content(self) -> bytes:
        return json.dumps({"middle": self.middle, "slope": self.slope}).encode()

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()

    def answer(self, size: int) -> tuple[str, float, float]:
        late = 1 / (1 + math.exp(-self.slope * (size - self.middle)))
        return "late" if late >= 0.5 else "on_time", late, 1 - late


def read_curve(content: bytes) -> Curve:
    return Curve(**json.loads(content))


def write_csv(header: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([[repr(c) if isinstance(c, float) else c for c in row] for row in rows])
    return text.getvalue()


def as_fitted(plan: TrialPlan, training_set_digest: str, **changes: Any) -> Trial:  # noqa: ANN401
    """Record a plan as if it had been fitted."""
    found: dict[str, Any] = {
        "h2o_version": H2O_VERSION,
        "metrics": {"log_loss": 0.4},
        "measured_rows": 12,
        "threshold": 0.5,
        "seconds": 1.5,
        "mojo_sha256": "m",
        "importance": (),
        "learning_curve": (),
        "curve_metric": None,
        "ranges": {},
    }
    return Trial(**vars(plan), training_set_digest=training_set_digest, **found | changes)


@dataclass(kw_only=True)
class FakeH2O:
    """Fits nothing: it is told the curve, and what each refit costs."""

    curve: Curve = field(default_factory=Curve)
    asked: list[str] = field(default_factory=list)

    def fit(
        self, request: FitRequest, store: ArtefactStore, tell: Callable[[str], None]
    ) -> FitResult:
        spec, pinned = request.spec, request.training_set
        self.asked.append(pinned.refit)
        tell("trial 1 of 1 done")
        files = store.refit(spec.name, pinned.refit)
        holdout = read_holdout(spec, pinned.files("holdout"))
        trial = self._trial(pinned)
        golden = self._store(store, files, spec, holdout)
        candidate = Candidate(
            trial_key=trial.key,
            algorithm=trial.algorithm,
            parameters=trial.parameters,
            seed=trial.seed,
            nodes=None,
            h2o_version=H2O_VERSION,
            training_set_digest=pinned.digest,
            mojo_sha256=self.curve.sha256,
            threshold=0.5,
            metrics=trial.metrics,
            importance=trial.importance,
            learning_curve=(),
            curve_metric=None,
            key_column=spec.features.key,
            golden_rows=GOLDEN_ROWS,
            golden_sha256=hashlib.sha256(golden).hexdigest(),
            holdout_rows=len(holdout),
            holdout_predictions_sha256="of the holdout",
        )
        store.write_record(files.name("candidate/candidate.json"), candidate)
        board = Leaderboard(
            training_set_digest=pinned.digest,
            choose_by=spec.trials.choose_by,
            trials=(trial,),
            searched_in=pinned.searched_in,
            search=(self._trial(pinned.search),) if pinned.search else (),
        )
        store.write_record(files.name(LEADERBOARD), board)
        return FitResult(trials=(trial,), candidate=candidate)

    def start(self, spec: ModelSpec) -> None:
        """Nothing runs."""

    def stop(self) -> None:
        """Nothing runs."""

    def _trial(self, pinned: TrainingSet) -> Trial:
        key = trial_key({"curve": self.curve.sha256, "data": pinned.digest})
        plan = TrialPlan(
            key=key, algorithm="gbm", parameters={"ntrees": 5}, seed=7, nodes=None, base=()
        )
        return as_fitted(
            plan,
            pinned.digest,
            metrics={"log_loss": 0.4, "auc": 0.9},
            mojo_sha256=self.curve.sha256,
            importance=(("size", 0.9), ("kind", 0.1)),
            ranges={"size": (1.0, 12.0)},
        )

    def _store(
        self, store: ArtefactStore, files: RefitFiles, spec: ModelSpec, holdout: Holdout
    ) -> bytes:
        sizes: list[int] = holdout.rows["size"].to_pylist()
        kinds: list[str] = holdout.rows["kind"].to_pylist()
        answers = [self.curve.answer(size) for size in sizes]
        rows = [
            (size, kind, *answer) for size, kind, answer in zip(sizes, kinds, answers, strict=True)
        ]
        golden = write_csv(("size", "kind", *HEADER), rows[:GOLDEN_ROWS]).encode()
        columns = {
            spec.features.key: holdout.keys,
            "p:late": [late for _, late, _ in answers],
            "p:on_time": [on_time for _, _, on_time in answers],
        }
        predictions = pa.BufferOutputStream()
        pq.write_table(pa.table(columns), predictions)
        content = {
            "model.zip": self.curve.content,
            "golden.csv": golden,
            "holdout_predictions.parquet": predictions.getvalue().to_pybytes(),
        }
        for name, stored in content.items():
            store.storage.write(files.name(f"candidate/{name}"), stored)
        return golden
