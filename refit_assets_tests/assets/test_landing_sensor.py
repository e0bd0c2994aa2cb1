"""The landing sensor: every landed day is asked for once, whatever is lost on the way."""

from typing import Any

import dagster as dg

from refit_assets.assets.landing_sensor import build_landing_sensor, read_cursor, write_cursor
from refit_assets_tests.assets.conftest import Workshop

FIRST, LAST = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"


def look(workshop: Workshop, cursor: str | None = None) -> dg.SensorResult:
    context = dg.build_sensor_context(
        instance=workshop.instance,
        cursor=cursor,
        resources={"deployment": workshop.deployment},
    )
    found: Any = build_landing_sensor(workshop.spec)(context)
    return found


def ranges(result: dg.SensorResult) -> list[tuple[str, str]]:
    """First and last day that each run is asked for, without the month."""
    return [
        (request.tags[FIRST][-2:], request.tags[LAST][-2:]) for request in result.run_requests or ()
    ]


def run_keys(result: dg.SensorResult) -> list[str | None]:
    return [request.run_key for request in result.run_requests or ()]


def said(result: dg.SensorResult) -> str:
    assert result.skip_reason is not None
    return str(result.skip_reason.skip_message)


def test_nothing_landed_is_said(workshop: Workshop) -> None:
    assert said(look(workshop)) == "nothing has landed for late yet"


def test_days_without_gaps_are_one_run(landed: Workshop) -> None:
    result = look(landed)
    assert ranges(result) == [("01", "03")]
    (request,) = result.run_requests or ()
    assert request.asset_selection == [dg.AssetKey(["late", "features"])]


def test_a_gap_makes_two_runs_and_the_day_after_it_waits(workshop: Workshop) -> None:
    workshop.land(1, 2, 4, 5, 6)
    # The fourth reads the third, which has not landed.
    assert ranges(look(workshop)) == [("01", "02"), ("05", "06")]


def test_what_was_asked_for_is_not_asked_for_again(landed: Workshop) -> None:
    result = look(landed, look(landed).cursor)
    assert ranges(result) == []
    assert said(result) == "3 days have landed up to 2013-01-03, all are computed or asked for"


def test_a_new_day_is_asked_for_alone(landed: Workshop) -> None:
    cursor = look(landed).cursor
    landed.land(4)
    assert ranges(look(landed, cursor)) == [("04", "04")]


def test_a_changed_file_asks_for_its_day_and_the_one_that_looks_back_at_it(
    landed: Workshop,
) -> None:
    landed.land(4, 5)
    cursor = look(landed).cursor
    landed.land(2, delay=0)
    assert ranges(look(landed, cursor)) == [("02", "03")]


def test_a_file_that_comes_back_as_it_was_is_computed_already(computed: Workshop) -> None:
    cursor = look(computed).cursor
    computed.land(1, 2, 3)
    assert ranges(look(computed, cursor)) == []


def test_a_lost_cursor_asks_by_the_same_run_keys_which_dagster_knows(landed: Workshop) -> None:
    assert run_keys(look(landed)) == run_keys(look(landed))
    assert run_keys(look(landed, "no cursor of ours")) == run_keys(look(landed))


def test_a_lost_cursor_asks_for_no_day_that_is_computed(computed: Workshop) -> None:
    computed.land(4)
    assert ranges(look(computed)) == [("04", "04")]


def test_other_content_has_another_run_key(landed: Workshop) -> None:
    before = run_keys(look(landed))
    landed.land(2, delay=0)
    assert not set(before) & set(run_keys(look(landed)))


def test_a_cursor_of_ten_years_stays_small() -> None:
    asked = {f"day {n}": f"{n * 7919:012x}" for n in range(3650)}
    assert read_cursor(write_cursor(asked)) == asked
    assert len(write_cursor(asked)) < 64 * 1024
