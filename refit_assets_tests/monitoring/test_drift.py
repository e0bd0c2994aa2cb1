"""Drift on hours and carriers of real flights, and on the edges of what a day may be."""

import numpy as np
import pytest

from refit_assets.errors import DataError
from refit_assets.monitoring.drift import (
    Drift,
    add_tested,
    chance_psi,
    compare_category,
    compare_number,
    judge_drift,
    profile_category,
    profile_number,
    psi,
    summarise_drift,
    t_quantile,
    usual_psi,
)
from refit_assets.spec import Monitoring
from refit_assets_tests.evaluation.flights import flights_spec, holdout

ROWS = holdout(flights_spec()).rows
DISTANCES = ROWS["distance"].to_numpy().astype(float)
CARRIERS = ROWS["carrier"].to_pylist()
GAP = np.full(60, np.nan)


def test_the_same_rows_do_not_drift() -> None:
    number = compare_number(profile_number("distance", DISTANCES), DISTANCES)
    category = compare_category(profile_category("carrier", CARRIERS), CARRIERS)
    assert (number.psi, category.psi) == (0, 0)
    assert judge_drift(Monitoring(), [number, category], number) == ()


def test_psi_is_the_sum_over_bins() -> None:
    then, now = np.array([30.5, 70.5]) / 101, np.array([50.5, 50.5]) / 101
    assert psi([30, 70], [50, 50]) == pytest.approx(((now - then) * np.log(now / then)).sum())


def test_chance_bounds_the_psi_of_days_that_do_not_drift() -> None:
    generator = np.random.default_rng(1)
    profile = profile_number("x", generator.normal(size=5000))
    days = [compare_number(profile, generator.normal(size=200)) for _ in range(300)]
    beyond = np.mean([day.psi > day.chance for day in days])
    assert 0 < beyond < 0.03
    assert chance_psi(1, 10, 10) == 0


def test_a_shift_is_a_breach_that_names_column_and_limit() -> None:
    drift = compare_number(profile_number("distance", DISTANCES), DISTANCES * 1.5)
    (breach,) = judge_drift(Monitoring(), [drift], None)
    assert (breach.name, breach.kind, breach.limit) == ("distance", "psi", 0.25)
    assert "distance drifted" in breach.sentence
    assert judge_drift(Monitoring(), [], drift)[0].kind == "psi"
    assert judge_drift(Monitoring(input_psi=99, score_psi=99), [drift], drift) == ()
    # Each has a limit of its own.
    assert judge_drift(Monitoring(score_psi=99), [], drift) == ()
    assert judge_drift(Monitoring(input_psi=99), [], drift) != ()


def test_a_handful_of_rows_is_no_breach_although_its_psi_is_large() -> None:
    drift = compare_number(profile_number("distance", DISTANCES), DISTANCES[:5])
    assert drift.psi > Monitoring().input_psi
    assert judge_drift(Monitoring(), [drift], None) == ()


def test_missing_values_breach_beyond_what_training_had() -> None:
    half_missing = np.concatenate([DISTANCES, np.full(len(DISTANCES), np.nan)])
    profile = profile_number("distance", np.concatenate([DISTANCES, GAP]))
    assert profile.rows == len(DISTANCES) + 60
    drift = compare_number(profile, half_missing)
    kinds = [breach.kind for breach in judge_drift(Monitoring(), [drift], None)]
    assert kinds == ["psi", "missing"]
    same = compare_number(profile, np.concatenate([DISTANCES, GAP]))
    assert same.missing_share == same.training_missing_share
    assert judge_drift(Monitoring(), [same], None) == ()


def test_unseen_levels_are_named_most_frequent_first() -> None:
    strange = [*CARRIERS, "XX", "XX", "YY", "YY", "ZZ", *["XX"] * 20, None]
    drift = compare_category(profile_category("carrier", CARRIERS), strange)
    assert drift.unseen_levels == ("XX", "YY", "ZZ")
    assert drift.unseen_share == 25 / len(strange)
    (breach,) = judge_drift(Monitoring(), [drift], None)
    assert breach.kind == "unseen"
    assert "XX, YY, ZZ" in breach.sentence


def test_rare_levels_share_a_bin_and_are_not_unseen() -> None:
    levels = [f"level{at:02}" for at in range(40)] * 3
    profile = profile_category("kind", [*levels, "level39"])
    assert (len(profile.levels), profile.other, profile.levels[0]) == (30, 30, "level39")
    drift = compare_category(profile, levels)
    assert drift.unseen_levels == ()
    assert drift.psi < 0.01


def test_a_number_with_few_values_has_fewer_bins() -> None:
    profile = profile_number("flag", np.array([0.0] * 95 + [1.0] * 5))
    assert (profile.edges, profile.counts) == ((), (100,))
    half = profile_number("flag", np.array([0.0] * 50 + [1.0] * 50))
    assert (half.edges, half.counts) == ((1.0,), (50, 50))


def test_nothing_to_profile_or_to_compare_is_refused() -> None:
    with pytest.raises(DataError, match="x: no values to make a profile of"):
        profile_number("x", GAP)
    with pytest.raises(DataError, match="kind: no rows"):
        profile_category("kind", [])
    with pytest.raises(DataError, match="kind: there are no rows"):
        compare_category(profile_category("kind", ["a"]), [])


def test_the_summary_begins_with_what_drifted_most() -> None:
    profile = profile_number("distance", DISTANCES)
    drifts = [compare_number(profile, DISTANCES * factor) for factor in (1.0, 2.0)]
    named = [drifts[0], compare_category(profile_category("carrier", CARRIERS), CARRIERS[:50])]
    assert list(summarise_drift([drifts[1], named[1]])) == ["distance", "carrier"]


def test_what_the_windows_own_weeks_reach_is_ordinary() -> None:
    # Rows of one day are alike, as weather is: no day looks like the whole window.
    warmth = np.repeat(np.tile([3.0, 9.0, 15.0, 21.0], 7), 100)
    days = np.repeat(np.arange(28), 100)
    profile = profile_number("temp", warmth, days)
    ordinary = compare_number(profile, np.full(100, 9.0), 1)
    assert ordinary.psi > Monitoring().input_psi
    assert judge_drift(Monitoring(), [ordinary], None) == ()
    # A day's like is ordinary for a day, and not for four days in a row.
    (breach,) = judge_drift(Monitoring(), [compare_number(profile, np.full(400, 9.0), 4)], None)
    assert breach.name == "temp"


def test_a_category_has_its_ordinary_days_too() -> None:
    levels = [level for day in range(14) for level in ["ab"[day % 2]] * 50]
    profile = profile_category("kind", levels, np.repeat(np.arange(14), 50))
    assert judge_drift(Monitoring(), [compare_category(profile, ["a"] * 50, 1)], None) == ()
    assert judge_drift(Monitoring(), [compare_category(profile, ["a"] * 100, 2)], None) != ()


def test_what_the_model_was_tested_on_is_ordinary_as_well() -> None:
    # Summer to learn from, and the first cold weeks to be tested on.
    days = np.repeat(np.arange(8), 100)
    numbers = np.random.default_rng(1)
    summer, autumn = numbers.normal(20, 3, 800), numbers.normal(16, 3, 800)
    profile = profile_number("temp", summer, days)
    november = numbers.normal(15, 3, 100)
    assert judge_drift(Monitoring(), [compare_number(profile, november)], None) != ()
    tested = add_tested(profile, autumn, days)
    assert judge_drift(Monitoring(), [compare_number(tested, november)], None) == ()


def test_one_stretch_in_twenty_alarms_although_nothing_drifts() -> None:
    numbers = np.random.default_rng(7)
    weeks, tries = 12, 400

    def drift() -> Drift:
        # All rows of a week share its weather, far more than chance allows rows to be alike.
        rows = numbers.normal(0, 1, (weeks + 1, 1)) + numbers.normal(0, 1, (weeks + 1, 70))
        days = np.repeat(np.arange(7 * weeks), 10)
        return compare_number(profile_number("x", rows[:-1].ravel(), days), rows[-1], 7)

    share = sum(one.psi > one.chance for one in (drift() for _ in range(tries))) / tries
    assert 0.02 <= share <= 0.08


def test_the_more_inputs_are_watched_the_farther_one_may_go() -> None:
    profile = profile_number("x", np.arange(56.0) % 11, np.repeat(np.arange(28), 2))
    assert usual_psi(profile, 7, 24) > usual_psi(profile, 7, 1)


def test_a_quantile_of_students_t_is_that_of_the_tables() -> None:
    known = {(0.95, 2): 2.920, (0.975, 10): 2.228, (0.999, 15): 3.733, (0.9995, 3): 12.924}
    for (share, free), expected in known.items():
        assert t_quantile(share, free) == pytest.approx(expected, abs=5e-4)


def test_fewer_than_three_stretches_say_nothing_of_what_is_ordinary() -> None:
    values, days = np.arange(14.0), np.arange(14)
    profile = profile_number("x", values, days)
    assert usual_psi(profile, 7) == 0
    assert usual_psi(profile_number("x", values), 1) == 0
    assert usual_psi(add_tested(profile, values[:7], days[:7]), 7) > 0


def test_what_is_ordinary_is_the_upper_prediction_limit_for_one_more_stretch() -> None:
    days = np.repeat(np.arange(4), 5)
    profile = profile_number("x", np.arange(20.0) % 7, days)
    whole = np.sum(profile.days, axis=0)
    logs = np.log([psi(*_without_empty(whole - now, now)) for now in map(np.array, profile.days)])
    expected = logs.mean() + t_quantile(0.95, 3) * np.sqrt(1 + 1 / 4) * logs.std(ddof=1)
    assert usual_psi(profile, 1) == pytest.approx(np.exp(expected))


def _without_empty(then: np.ndarray, now: np.ndarray) -> tuple[list[int], list[int]]:
    kept = then + now > 0
    return then[kept].tolist(), now[kept].tolist()


def test_an_input_whose_limit_no_rows_could_pass_is_said_to_be_unjudged() -> None:
    # A window from winter to summer: no week of it is like the others.
    days = np.repeat(np.arange(28), 100)
    season = profile_number("temp", days + np.tile(np.arange(100.0) / 50, 28), days)
    celsius = compare_number(season, np.full(700, -5.0), 7, 24)
    assert celsius.blind
    assert judge_drift(Monitoring(), [celsius], None) == ()
    steady = profile_number("x", np.tile(np.arange(100.0), 28), days)
    assert not compare_number(steady, np.full(700, -5.0), 7, 24).blind
