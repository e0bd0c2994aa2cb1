"""Which days and whose findings count; and how what was found is shown as checks."""

from datetime import date
from pathlib import Path

import dagster as dg

from refit_assets.artefacts import ArtefactStore, Folder, monitored_name
from refit_assets.assets.monitoring import check_day
from refit_assets.monitoring.watch import cut_stretch, present_breaches
from refit_assets.predictions.table import PredictedDay
from refit_assets_tests.monitoring.test_report import SPEC, drift, watched


def predicted(number: int, version: str) -> PredictedDay:
    return PredictedDay(
        day=date(2013, 1, number),
        version=version,
        rows=10,
        digest="d",
        features_digest="f",
        files=(),
        snapshot_id=1,
        run_id="r",
    )


def test_only_days_that_the_same_version_scored_count_for_its_scores() -> None:
    days = {one.day: one for one in (predicted(4, "old"), predicted(5, "new"), predicted(6, "new"))}
    stretch = cut_stretch(SPEC, date(2013, 1, 6), {}, days)
    assert stretch is not None
    assert [day.day for day in stretch.predicted] == [5, 6]


def test_only_what_was_found_of_the_version_that_serves_is_present(tmp_path: Path) -> None:
    store, day = ArtefactStore(storage=Folder(root=tmp_path)), watched(drift("size", 3, 0.1))
    store.write_record(monitored_name(day.model, day.day.isoformat()), day)
    assert present_breaches(store, day.model, day.version) == day.sentences
    assert present_breaches(store, day.model, "1.0.20130115") == ()


def test_drift_is_a_warning_that_names_what_it_cannot_judge() -> None:
    found = {one.check_name: one for one in check_day(SPEC, watched(drift("size", 3, 0.1)))}
    assert not found["input_drift"].passed
    assert found["input_drift"].severity == dg.AssetCheckSeverity.WARN
    blind = watched(drift("temp", 8, 50, blind=True))
    found = {one.check_name: one for one in check_day(SPEC, blind)}
    assert found["input_drift"].passed
    assert str(found["input_drift"].description).endswith(
        "no rows could be beyond the limit of temp"
    )
    assert found["score_drift"].description == "2013-01-08: as in training"
