"""What gives the answer away is found; what is merely good at guessing is not."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from refit_assets.features.leakage import judge_leakage
from refit_assets.features.training_set import DayPin, TrainingSet
from refit_assets.features.window import plan_window
from refit_assets.spec import ModelSpec
from refit_assets_tests.specs import build_spec

REFIT = "2013-01-28"
ROWS = 400
CHANCE = np.random.default_rng(7)
LATE = CHANCE.random(ROWS) < 0.4
LABELS = ["late" if late else "on_time" for late in LATE]
HONEST = {
    # Late things are a little larger; knowing that is no leak.
    "size": [int(5 * late + CHANCE.integers(0, 12)) for late in LATE],
    "kind": [str(kind) for kind in CHANCE.choice(["a", "b", "c"], ROWS)],
}
NUMBER = {
    "column": "delay",
    "type": "decimal(8,2)",
}


def pinned(spec: ModelSpec, folder: Path, columns: dict[str, Any]) -> TrainingSet:
    path = folder / "train.parquet"
    pq.write_table(pa.table(columns), path)
    window = plan_window(spec, REFIT)
    pin = DayPin(
        day=window.train_start,
        part="train",
        digest="d",
        rows=ROWS,
        labelled_rows=ROWS,
        files=(path.as_uri(),),
    )
    return TrainingSet(
        model=spec.name,
        refit=REFIT,
        as_of=date.fromisoformat(REFIT),
        window=window,
        snapshot_id=1,
        metadata_location="m",
        tag="t",
        contract_digest="c",
        days=(pin,),
        missing_days=(),
        digest="d",
    )


def judged(folder: Path, spec: ModelSpec | None = None, **changes: Any) -> tuple[str, ...]:  # noqa: ANN401
    spec = spec or build_spec()
    columns = {**HONEST, "arrival": LABELS, **changes}
    return judge_leakage(spec, pinned(spec, folder, columns)).problems


def test_honest_features_are_not_suspected(tmp_path: Path) -> None:
    assert judged(tmp_path) == ()


def test_a_number_that_is_the_label_is_found(tmp_path: Path) -> None:
    (problem,) = judged(tmp_path, size=[int(late) for late in LATE])
    expected = "size alone orders the target with AUC 1.0000 (suspicious from 0.98)"
    assert problem == expected


def test_a_number_that_is_the_label_upside_down_is_found(tmp_path: Path) -> None:
    (problem,) = judged(tmp_path, size=[-int(late) for late in LATE])
    assert problem.startswith("size alone")


def test_a_category_that_is_the_label_is_found(tmp_path: Path) -> None:
    (problem,) = judged(tmp_path, kind=["y" if late else "n" for late in LATE])
    assert problem.startswith("kind alone orders the target with AUC 1.0000")


def test_a_value_that_is_missing_for_one_label_only_is_found(tmp_path: Path) -> None:
    (problem,) = judged(tmp_path, kind=[None if late else "n" for late in LATE])
    assert problem.startswith("kind alone")


def test_a_category_of_as_many_levels_as_rows_is_not_suspected(tmp_path: Path) -> None:
    assert judged(tmp_path, kind=[f"tail {n}" for n in range(ROWS)]) == ()


def test_rows_without_a_label_do_not_count(tmp_path: Path) -> None:
    labels = [label if n % 2 else None for n, label in enumerate(LABELS)]
    size = [int(late) if n % 2 else 9 for n, late in enumerate(LATE)]
    assert len(judged(tmp_path, size=size, arrival=labels)) == 1


def test_the_strongest_feature_comes_first(tmp_path: Path) -> None:
    spec = build_spec()
    found = judge_leakage(spec, pinned(spec, tmp_path, {**HONEST, "arrival": LABELS}))
    (first, strength), (second, other) = found.strengths
    assert (first, second) == ("size", "kind")
    assert 0.98 > strength > other >= 0.5


def regression() -> ModelSpec:
    return build_spec(
        target=NUMBER,
        trials={"choose_by": "rmse", "validation": 1, "search": [{"algorithm": "gbm"}]},
    )


def delays() -> list[Decimal]:
    return [
        Decimal(size * 3) + Decimal(int(n)) / 100
        for size, n in zip(HONEST["size"], CHANCE.integers(-900, 900, ROWS), strict=True)
    ]


def test_a_number_that_follows_from_a_feature_roughly_is_not_suspected(tmp_path: Path) -> None:
    assert judged(tmp_path, regression(), delay=delays()) == ()


def test_a_feature_that_is_the_number_is_found(tmp_path: Path) -> None:
    numbers = delays()
    size = [int(number * 100) for number in numbers]
    (problem,) = judged(tmp_path, regression(), size=size, delay=numbers)
    assert problem.startswith("size alone orders the target with rank correlation 1.0000")


def test_a_window_that_reaches_past_known_labels_is_found(tmp_path: Path) -> None:
    spec = build_spec()
    honest = pinned(spec, tmp_path, {**HONEST, "arrival": LABELS})
    ahead = replace(honest, window=replace(honest.window, end=date(2013, 1, 30)))
    (problem,) = judge_leakage(spec, ahead).problems
    assert problem == "the window ends 2013-01-30, and labels are known until 2013-01-28 only"
