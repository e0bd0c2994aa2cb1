"""Windows of refits, as dates."""

from dataclasses import replace
from datetime import date

import pytest

from refit_assets.errors import DataError
from refit_assets.features.window import first_refit, plan_window, refit_keys, window_span
from refit_assets.spec import ModelSpec
from refit_assets_tests.features.conftest import build_spec

EVERY_THIRD = {
    "search": [{"algorithm": "gbm"}, {"algorithm": "glm"}],
    "choose_by": "auc",
    "validation": 1,
    "search_every": 3,
}


def spec_of(cadence: str, train: int, holdout: int, delay: int = 0, **changes: object) -> ModelSpec:
    refit = {
        "cadence": cadence,
        "train": train,
        "holdout": holdout,
        "label_delay_days": delay,
    }
    return build_spec(refit=refit, end=None, **changes)


def test_parts_follow_one_another_and_end_before_the_as_of_date() -> None:
    window = plan_window(spec_of("weekly", 12, 4), "2013-07-01")
    assert window.train_days[0] == date(2013, 3, 11)
    assert window.validation_start == date(2013, 5, 27)
    assert (window.holdout_start, window.end) == (date(2013, 6, 3), date(2013, 7, 1))
    assert (*window.train_days, *window.validation_days, *window.holdout_days) == window.days
    assert len(window.days) == 16 * 7


def test_folds_leave_no_day_to_validation() -> None:
    trials = {"search": [{"algorithm": "gbm"}], "choose_by": "auc", "folds": 3}
    window = plan_window(spec_of("weekly", 2, 1, trials=trials), "2013-07-01")
    assert window.validation_days == ()
    assert len(window.train_days) == 14


def test_a_label_delay_moves_the_whole_window_back() -> None:
    window = plan_window(spec_of("weekly", 12, 4, delay=10), "2013-07-01")
    assert (window.train_start, window.end) == (date(2013, 3, 1), date(2013, 6, 21))


def test_months_are_calendar_months_over_the_turn_of_a_year() -> None:
    window = plan_window(spec_of("monthly", 3, 2), "2014-02-01")
    assert window.train_start == date(2013, 9, 1)
    assert (window.holdout_start, window.end) == (date(2013, 12, 1), date(2014, 2, 1))


@pytest.mark.parametrize(
    ("cadence", "train", "delay", "first"),
    [
        ("daily", 4, 0, "2013-01-07"),
        ("daily", 4, 3, "2013-01-10"),
        ("weekly", 2, 0, "2013-02-04"),
        ("weekly", 2, 7, "2013-02-11"),
        ("monthly", 2, 0, "2013-05-01"),
        ("monthly", 2, 1, "2013-06-01"),
    ],
)
def test_the_first_refit_is_the_first_whose_window_the_data_reaches(
    cadence: str, train: int, delay: int, first: str
) -> None:
    spec = spec_of(cadence, train, 2, delay)
    assert first_refit(spec).isoformat() == first
    assert plan_window(spec, first).train_start >= spec.start


def test_a_refit_before_the_first_is_refused_with_the_first() -> None:
    with pytest.raises(DataError, match=r"begins on 2013-01-01: the first refit is 2013-02-04"):
        plan_window(spec_of("weekly", 2, 2), "2013-01-28")


def test_a_refit_after_the_datas_end_is_refused() -> None:
    with pytest.raises(DataError, match=r"until 2013-01-10 .* ends on 2013-01-09"):
        plan_window(build_spec(), "2013-01-10")


@pytest.mark.parametrize(
    ("cadence", "key", "said"),
    [
        ("weekly", "2013-07-02", "begin on a Monday"),
        ("monthly", "2013-07-02", "the first of a month"),
        ("weekly", "soon", "write its as-of date"),
    ],
)
def test_what_is_no_partition_is_no_refit(cadence: str, key: str, said: str) -> None:
    with pytest.raises(DataError, match=said):
        plan_window(spec_of(cadence, 2, 1), key)


def test_keys_go_from_the_first_refit_to_the_datas_end() -> None:
    assert refit_keys(build_spec(), date(2013, 3, 1)) == ("2013-01-07", "2013-01-08", "2013-01-09")
    assert refit_keys(build_spec(), date(2013, 1, 7)) == ("2013-01-07",)
    assert refit_keys(spec_of("monthly", 2, 1), date(2013, 5, 30)) == ("2013-04-01", "2013-05-01")


def test_the_span_covers_the_label_delay() -> None:
    assert window_span(spec_of("weekly", 12, 4, 8)) == 18
    assert window_span(spec_of("daily", 3, 1, 2)) == 6


@pytest.mark.parametrize(
    ("cadence", "key", "searched"),
    [
        ("daily", "2013-01-05", None),
        ("daily", "2013-01-06", "2013-01-05"),
        ("daily", "2013-01-07", "2013-01-05"),
        ("daily", "2013-01-08", None),
        ("weekly", "2013-01-28", None),
        ("weekly", "2013-02-11", "2013-01-28"),
        ("weekly", "2013-02-18", None),
        ("monthly", "2013-04-01", None),
        ("monthly", "2013-06-01", "2013-04-01"),
        ("monthly", "2014-02-01", "2014-01-01"),
    ],
)
def test_every_third_refit_searches_counted_from_the_first(
    cadence: str, key: str, searched: str | None
) -> None:
    spec, every = spec_of(cadence, 2, 1), spec_of(cadence, 2, 1, trials=EVERY_THIRD)
    if cadence == "daily":
        spec, every = spec_of(cadence, 3, 1), spec_of(cadence, 3, 1, trials=EVERY_THIRD)
    window = plan_window(every, key)
    assert window.search == (searched and plan_window(spec, searched))
    assert replace(window, search=None) == plan_window(spec, key)
    # The refit and its search, each day once; the longest reach is what Dagster is told.
    assert set(window.all_days) == {*window.days, *(window.search.days if window.search else ())}
    assert list(window.all_days) == sorted(set(window.all_days))
    assert window_span(every) == window_span(spec) + 2


@pytest.mark.parametrize(
    ("search", "searched"),
    [
        ({"algorithm": "gbm"}, None),
        ({"algorithm": "gbm", "grid": {"ntrees": [5]}}, None),
        ({"algorithm": "gbm", "random": {"models": 3, "space": {"ntrees": [5]}}}, None),
        ({"algorithm": "automl", "models": 1}, None),
        ({"algorithm": "gbm", "grid": {"ntrees": [5, 7]}}, "2013-01-28"),
        ({"algorithm": "gbm", "random": {"models": 2, "space": {"ntrees": [5, 7]}}}, "2013-01-28"),
        ({"algorithm": "automl", "models": 2}, "2013-01-28"),
    ],
)
def test_of_one_trial_every_refit_fits_its_own_and_reads_no_other_days(
    search: dict[str, object], searched: str | None
) -> None:
    every = spec_of("weekly", 2, 1, trials=EVERY_THIRD | {"search": [search]})
    window = plan_window(every, "2013-02-11")
    assert (window.search and window.search.as_of.isoformat()) == searched
