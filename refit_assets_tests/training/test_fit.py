"""Fitting in a real H2O: what is stored, what is not fitted again, what is refused."""

import io
import shutil
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from refit_assets.artefacts import ArtefactStore, Folder, trial_name
from refit_assets.errors import DataError, SpecError, WorkloadTimeout
from refit_assets.features.training_set import Part, TrainingSet
from refit_assets.training.fit import (
    FitRequest,
    FitResult,
    ShareRequest,
    count_to_share,
    fit,
    fit_from_store,
    fit_share,
    fit_trial,
    missing_trials,
    next_request,
)
from refit_assets.training.frames import local_path
from refit_assets.training.queue import Taken
from refit_assets.training.session import H2OConnection
from refit_assets.training.trial import LEADERBOARD, Leaderboard
from refit_assets_tests.training.conftest import (
    SEARCH,
    Fitted,
    build_request,
    classification,
    new_store,
    silent,
)
from refit_assets_tests.training.flights import build_training_set, day_table

pytestmark = pytest.mark.h2o


def test_the_best_by_the_spec_s_metric_is_the_candidate(fitted: Fitted) -> None:
    losses = [trial.metrics["log_loss"] for trial in fitted.result.trials]
    assert losses == sorted(losses)
    assert fitted.result.candidate.trial_key == fitted.result.trials[0].key
    assert {trial.algorithm for trial in fitted.result.trials} == {"gbm", "glm", "stacked_ensemble"}


def test_the_candidate_s_files_are_there_and_its_mojo_is_the_trial_s(fitted: Fitted) -> None:
    candidate = fitted.result.candidate
    mojo = _read(fitted, "candidate/model.zip")
    stored = trial_name("flights", candidate.trial_key, "model.zip")
    assert mojo == fitted.store.storage.read(stored)


def test_golden_rows_hold_inputs_then_label_then_probabilities(fitted: Fitted) -> None:
    golden = _golden(fitted)
    inputs = list(fitted.request.spec.features.columns)
    assert list(golden.columns) == [*inputs, "predict", "p:late", "p:on_time"]
    assert len(golden) == fitted.result.candidate.golden_rows > 300
    assert golden.dest.isna().any()


def test_the_cluster_answers_the_positive_label_from_our_threshold_on(fitted: Fitted) -> None:
    golden = _golden(fitted)
    expected = np.where(golden["p:late"] >= fitted.result.candidate.threshold, "late", "on_time")
    assert (golden.predict == expected).all()
    assert len(set(golden.predict)) == 2


def test_holdout_predictions_are_of_every_labelled_row_sorted_by_key(fitted: Fitted) -> None:
    table = pq.read_table(io.BytesIO(_read(fitted, "candidate/holdout_predictions.parquet")))
    rows = day_table(fitted.request.training_set.days[-1].day).to_pandas()
    expected = sorted(rows.flight_key[rows.arrival.notna()])
    assert table["flight_key"].to_pylist() == expected
    assert table.column_names == ["flight_key", "p:late", "p:on_time"]


def test_trials_tell_their_importance_curve_and_seconds(fitted: Fitted) -> None:
    for trial in fitted.result.trials:
        assert trial.seconds > 0
        if trial.algorithm != "stacked_ensemble":
            assert trial.importance[0][1] >= trial.importance[-1][1]
            assert {name for name, _ in trial.importance} <= set(
                fitted.request.spec.features.columns
            )
            assert trial.learning_curve


def test_a_refit_with_nothing_new_needs_no_h2o(fitted: Fitted) -> None:
    assert fit_from_store(fitted.request, fitted.store, silent) == fitted.result


def test_the_leaderboard_is_of_what_is_asked_for_now(fitted: Fitted, tmp_path: Path) -> None:
    store = _copied(fitted, tmp_path)
    name = store.refit("flights", fitted.request.training_set.refit).name(LEADERBOARD)
    asked_now = store.need_record(Leaderboard, name, made_by="fit")
    store.write_record(name, replace(asked_now, trials=asked_now.trials[:2], searched_in="before"))
    fit_from_store(fitted.request, store, silent)
    assert store.need_record(Leaderboard, name, made_by="fit") == asked_now


def test_a_missing_trial_is_not_taken_for_a_fitted_refit(fitted: Fitted, tmp_path: Path) -> None:
    store = _copied(fitted, tmp_path)
    record = trial_name("flights", fitted.result.trials[0].key, "trial.json")
    (tmp_path / "store" / record).unlink()
    assert fit_from_store(fitted.request, store, silent) is None


def test_a_rerun_fits_only_what_is_missing_from_the_stored_models(
    fitted: Fitted, h2o: H2OConnection, tmp_path: Path
) -> None:
    store = _copied(fitted, tmp_path)
    ensemble = next(t for t in fitted.result.trials if t.algorithm == "stacked_ensemble")
    shutil.rmtree(tmp_path / "store" / trial_name("flights", ensemble.key, ""))
    shutil.rmtree(tmp_path / "store" / store.refit("flights", "2013-07-07").name("candidate"))
    lines: list[str] = []
    again = fit(h2o, fitted.request, store, lines.append)
    assert [line for line in lines if line.startswith("trial ")] == [lines[1]]
    assert _without_seconds(again) == _without_seconds(fitted.result)


@pytest.mark.parametrize("trees_only", [True, False])
def test_a_cluster_fits_what_no_other_has_taken_and_leaves_ensembles_to_the_last(
    fitted: Fitted, h2o: H2OConnection, tmp_path: Path, *, trees_only: bool
) -> None:
    store = new_store(tmp_path / "store")
    request = ShareRequest(fit=fitted.request, queue="q/", taker="mine", trees_only=trees_only)
    elsewhere = next(t for t in fitted.result.trials if t.algorithm == "gbm")
    store.write_new_record(f"q/{elsewhere.key}.json", Taken(by="another"))
    shared = [t for t in fitted.result.trials if t.algorithm in {"gbm", "glm"}]
    mine = {t.key for t in shared if not (trees_only and t.algorithm == "glm")} - {elsewhere.key}
    assert count_to_share(request, store, nodes=1) == len(mine) + 1
    assert set(fit_share(h2o, request, store, silent).fitted) == mine
    assert count_to_share(request, store, nodes=1) == 1
    assert _without_seconds(fit(h2o, fitted.request, store, silent)) == _without_seconds(
        fitted.result
    )


def test_trees_of_clusters_beside_this_one_are_waited_for(
    fitted: Fitted, h2o: H2OConnection, tmp_path: Path
) -> None:
    store = _copied(fitted, tmp_path)
    for trial in fitted.result.trials:
        if trial.algorithm != "gbm":
            shutil.rmtree(tmp_path / "store" / trial_name("flights", trial.key, ""))
    elsewhere = [t for t in fitted.result.trials if t.algorithm == "gbm"]
    for trial in elsewhere:
        (tmp_path / "store" / trial_name("flights", trial.key, "trial.json")).unlink()
    lines: list[str] = []

    def tell(line: str) -> None:
        """Once the GLM is done here, the others are done there."""
        lines.append(line)
        if "glm-" in line and "trial 1 of 4 done" in line:
            for trial in elsewhere:
                store.write_record(trial_name("flights", trial.key, "trial.json"), trial)

    result = fit(h2o, replace(fitted.request, trees_elsewhere=True), store, tell)
    assert _without_seconds(result) == _without_seconds(fitted.result)
    # Their very records: nothing was fitted again.
    assert [t for t in result.trials if t.algorithm == "gbm"] == elsewhere
    assert next(line for line in lines if line.startswith("trial ")).startswith("trial 1 of 4")


def test_a_trial_alone_is_fitted_as_among_others_and_only_once(
    fitted: Fitted, h2o: H2OConnection, tmp_path: Path
) -> None:
    store, expected = new_store(tmp_path / "store"), fitted.result.trials[-1]
    made = fit_trial(h2o, fitted.request, expected.key, store, silent)
    assert (made.mojo_sha256, made.metrics) == (expected.mojo_sha256, expected.metrics)
    left = {plan.key for plan in missing_trials(fitted.request, store)}
    alone = {t.key for t in fitted.result.trials if t.algorithm != "stacked_ensemble"}
    assert left == alone - {expected.key}
    lines: list[str] = []
    assert fit_trial(h2o, fitted.request, expected.key, store, lines.append) == made
    assert lines == []


def test_a_trial_that_the_spec_does_not_have_is_refused(
    fitted: Fitted, h2o: H2OConnection, tmp_path: Path
) -> None:
    with pytest.raises(
        DataError, match=f"no trial strange; it has .*{fitted.result.trials[0].key}"
    ):
        fit_trial(h2o, fitted.request, "strange", new_store(tmp_path / "store"), silent)


def test_folds_measure_every_training_row_out_of_fold(h2o: H2OConnection, tmp_path: Path) -> None:
    search: list[dict[str, Any]] = [
        {"algorithm": "glm"},
        {"algorithm": "drf", "parameters": {"ntrees": 5, "max_depth": 6}},
        {"algorithm": "deep_learning", "parameters": {"hidden": [4], "epochs": 1}},
        {"algorithm": "stacked_ensemble"},
    ]
    trials = {"search": search, "choose_by": "rmse", "folds": 2}
    request = build_request(tmp_path / "files", trials=trials, target={"column": "air_time"})
    request = replace(request, training_set=_without_validation(request.training_set))
    result = fit(h2o, request, new_store(tmp_path / "store"), silent)
    rows = request.training_set.rows("train")
    assert {trial.measured_rows for trial in result.trials} == {rows}
    assert len(result.trials) == 4
    ensemble, *members = sorted(result.trials, key=lambda one: one.algorithm != "stacked_ensemble")
    # Of minutes: a penalty that grows with the target's scale would shrink its predictions.
    assert ensemble.metrics["rmse"] < 1.01 * min(one.metrics["rmse"] for one in members)
    assert result.trials[0].metrics["rmse"] < 60
    assert result.candidate.threshold is None


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ({"max_dept": 5}, "no parameter max_dept; did you mean max_depth"),
        ({"ntrees": -1}, "ntrees"),
        ({"histogram_type": "none such"}, "histogram_type"),
    ],
)
def test_parameters_that_h2o_refuses_are_named(
    h2o: H2OConnection, tmp_path: Path, parameters: dict[str, Any], sentence: str
) -> None:
    search = [{"algorithm": "gbm", "parameters": parameters}]
    request = build_request(tmp_path / "files", **classification(search=search))
    with pytest.raises(SpecError, match=sentence):
        fit(h2o, request, new_store(tmp_path / "store"), silent)


def test_another_number_of_rows_than_pinned_is_refused(
    fitted: Fitted, h2o: H2OConnection, tmp_path: Path
) -> None:
    first, *others = fitted.request.training_set.days
    pinned = replace(fitted.request.training_set, days=(replace(first, rows=17), *others))
    with pytest.raises(DataError, match=r"the training set pins .* rows, H2O read"):
        _fit(h2o, fitted, pinned, tmp_path)


def test_a_key_that_stands_twice_is_refused(
    fitted: Fitted, h2o: H2OConnection, tmp_path: Path
) -> None:
    first, second, *others = fitted.request.training_set.days
    copied = Path(shutil.copy(local_path(first.files[0]), tmp_path / "copied.parquet"))
    again = replace(first, day=second.day, files=(copied.as_uri(),))
    pinned = replace(fitted.request.training_set, days=(first, again, *others))
    with pytest.raises(DataError, match=r"flight_key \d+ stands twice; \d+ keys do"):
        _fit(h2o, fitted, pinned, tmp_path)


def test_the_deadline_ends_trials_that_take_too_long(h2o: H2OConnection, tmp_path: Path) -> None:
    endless = {"epochs": 1e9, "hidden": [5]}
    search = [{"algorithm": "deep_learning", "parameters": endless}]
    request = build_request(tmp_path / "files", **classification(search=search, max_seconds=5))
    began = time.monotonic()
    with pytest.raises(WorkloadTimeout, match=r"raise trials\.max_seconds"):
        fit(h2o, request, new_store(tmp_path / "store"), silent)
    assert time.monotonic() - began < 60


def test_between_searches_a_refit_fits_what_the_search_chose_whoever_made_it(
    h2o: H2OConnection, tmp_path: Path
) -> None:
    request = build_request(tmp_path / "files", **classification(search=SEARCH[:3]))
    days = request.training_set.days[:5]
    parts: tuple[Part, ...] = ("train", "train", "train", "validation", "holdout")
    moved = [replace(pin, part=part) for pin, part in zip(days, parts, strict=True)]
    earlier = build_training_set(request.spec, moved)
    asked = replace(request, training_set=replace(request.training_set, search=earlier))
    seen, fresh = new_store(tmp_path / "seen"), new_store(tmp_path / "fresh")
    searched = fit(h2o, replace(request, training_set=earlier), seen, silent)
    assert fit_from_store(asked, seen, silent) is None
    assert next_request(asked, fresh, nodes=1) == replace(request, training_set=earlier)
    # As a cluster is told, on whose nodes the search's own trials may have other keys.
    known = next_request(asked, seen, nodes=1)
    told = new_store(tmp_path / "told")
    lines: list[str] = []
    stores = {"seen": (asked, seen), "fresh": (asked, fresh), "told": (known, told)}
    results = [fit(h2o, one, store, lines.append) for one, store in stores.values()]
    # One trial; three of the search and one; one.
    assert sum(line.startswith("trial ") for line in lines) == 1 + 4 + 1
    assert len({repr(_without_seconds(result)) for result in results}) == 1
    (chosen,) = results[0].trials
    best = searched.trials[0]
    assert (chosen.algorithm, chosen.parameters) == (best.algorithm, best.parameters)
    assert chosen.training_set_digest == request.training_set.digest
    for store, result in zip((seen, fresh, told), results, strict=True):
        name = store.refit("flights", request.training_set.refit).name(LEADERBOARD)
        board = store.need_record(Leaderboard, name, made_by="fit")
        assert (board.trials, board.searched_in) == (result.trials, earlier.refit)
        assert [one.key for one in board.search] == [one.key for one in searched.trials]
        assert fit_from_store(known, store, silent) == result
    assert fit_from_store(asked, fresh, silent) == results[1]
    # The refit that searches is another's to make.
    assert fresh.storage.names(fresh.refit("flights", earlier.refit).folder) == []


def test_a_search_that_ends_while_it_is_looked_for_is_not_taken_for_the_refit(
    fitted: Fitted,
) -> None:
    root = fitted.store.storage.root  # pyright: ignore[reportAttributeAccessIssue]
    last = trial_name("flights", fitted.result.trials[0].key, "trial.json")

    @dataclass(frozen=True, kw_only=True)
    class Late(Folder):
        """The last trial appears at the second look."""

        looks: list[str] = field(default_factory=list[str])

        def read(self, name: str) -> bytes | None:
            self.looks.append(name)
            return None if name == last and self.looks.count(last) == 1 else super().read(name)

    pinned = fitted.request.training_set
    later = replace(pinned, refit="2013-07-08", digest="of the day after", search=pinned)
    request = replace(fitted.request, training_set=later)
    assert fit_from_store(request, ArtefactStore(storage=Late(root=root)), silent) is None


def _fit(h2o: H2OConnection, fitted: Fitted, pinned: TrainingSet, folder: Path) -> FitResult:
    request = FitRequest(spec=fitted.request.spec, training_set=pinned)
    return fit(h2o, request, new_store(folder / "store"), silent)


def _read(fitted: Fitted, file: str) -> bytes:
    files = fitted.store.refit("flights", fitted.request.training_set.refit)
    content = fitted.store.storage.read(files.name(file))
    assert content is not None
    return content


def _golden(fitted: Fitted) -> pd.DataFrame:
    return pd.read_csv(
        io.BytesIO(_read(fitted, "candidate/golden.csv")), float_precision="round_trip"
    )


def _copied(fitted: Fitted, folder: Path) -> Any:  # noqa: ANN401
    root = fitted.store.storage.root  # pyright: ignore[reportAttributeAccessIssue]
    shutil.copytree(root, folder / "store")
    return new_store(folder / "store")


def _without_seconds(result: FitResult) -> tuple[Any, ...]:
    trials = [replace(trial, seconds=0.0) for trial in result.trials]
    return (trials, result.candidate)


def _without_validation(training_set: TrainingSet) -> TrainingSet:
    days = [
        replace(pin, part="train") if pin.part == "validation" else pin for pin in training_set.days
    ]
    return replace(training_set, days=tuple(days))
