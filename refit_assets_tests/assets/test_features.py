"""The features asset: one run for any range, and each day its own materialisation."""

from refit_assets.artefacts import day_name
from refit_assets.features.table import DayRecord
from refit_assets_tests.assets.conftest import Workshop, checks, day, failure


def days_of(workshop: Workshop) -> dict[str, str | None]:
    names = [day(number).isoformat() for number in (1, 2, 3)]
    return {name: workshop.data_version("features", name) for name in names}


def test_a_range_of_days_is_one_run_and_each_day_has_a_data_version_of_its_own(
    landed: Workshop,
) -> None:
    result = landed.features(1, 3)
    assert result.success
    assert all(check.passed for check in checks(result).values())
    assert landed.spark.asked == [(day(1), day(3))]
    versions = days_of(landed)
    assert versions == {name: recorded(landed, name).digest for name in versions}
    assert len(set(versions.values())) == 3


def recorded(workshop: Workshop, name: str) -> DayRecord:
    store = workshop.deployment.store
    return store.need_record(DayRecord, day_name("late", name), made_by="late/features")


def test_every_materialised_day_tells_its_rows(landed: Workshop) -> None:
    result = landed.features(1, 3)
    made = {
        event.partition: event.materialization.metadata
        for event in result.get_asset_materialization_events()
        if "digest" in event.materialization.metadata
    }
    assert sorted(made) == ["2013-01-01", "2013-01-02", "2013-01-03"]
    assert {one["dagster/row_count"].value for one in made.values()} == {12}
    assert {one["labelled_rows"].value for one in made.values()} == {11}


def test_a_day_whose_rows_did_not_change_keeps_its_data_version(landed: Workshop) -> None:
    assert landed.features(1, 3).success
    before = days_of(landed)
    landed.land(2, delay=0)
    assert landed.features(1, 3).success
    after = days_of(landed)
    assert [name for name in before if before[name] != after[name]] == ["2013-01-02"]


def test_refused_days_fail_the_contract_check_with_findings_and_are_not_tried_again(
    landed: Workshop,
) -> None:
    path = landed.deployment.home.joinpath("landing/things/2013-01-02.csv")
    path.write_bytes(path.read_bytes()[:-1])
    result = landed.features(1, 3)
    assert not result.success
    check = checks(result)["contract"]
    assert not check.passed
    assert check.metadata["found"].value == 1
    said = str(check.metadata["findings"].value)
    assert "2013-01-02.csv, row 13: expected a newline after the last line" in said
    assert "not sound" in failure(result)
    assert days_of(landed) == dict.fromkeys(days_of(landed))


def test_a_day_that_lost_its_rows_is_a_warning_and_no_failure(workshop: Workshop) -> None:
    workshop.land(1, 2, 3, 4, 5, 6, 7, 8)
    workshop.compute(1, 7)
    short = workshop.deployment.home.joinpath("landing/things/2013-01-08.csv")
    short.write_text("\n".join([*short.read_text().splitlines()[:3], ""]))
    result = workshop.features(8, 8)
    assert result.success
    found = checks(result)
    assert (found["row_count"].passed, found["null_share"].passed) == (False, True)
    assert found["row_count"].severity.value == "WARN"
    assert "2013-01-08 has 2 rows" in str(found["row_count"].description)
