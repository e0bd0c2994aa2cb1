"""What a training set pins, and every state of the feature table that it refuses to be made of."""

import re
from typing import Any

import pytest

from refit_assets.assets.partitions import day_partitions, over_window, refit_partitions
from refit_assets.errors import DataError
from refit_assets.features.training_set import TrainingSet, pin_training_set
from refit_assets_tests.assets.conftest import (
    COMPUTED,
    FIRST_REFIT,
    Workshop,
    build_daily,
    compute_fourth,
    day,
    state,
)
from refit_assets_tests.fakes.spark import NAMESPACE, SCHEMA, open_table
from refit_assets_tests.specs import EVERY_SECOND

SECOND = "2013-01-02"
SECOND_REFIT = "2013-01-05"


four_days = state(*COMPUTED, compute_fourth)


@pytest.fixture
def searching(four_days: Workshop) -> Workshop:
    """Four days of a model whose first refit searches, and whose second fits what it chose."""
    four_days.spec = build_daily(trials=EVERY_SECOND)
    return four_days


def pin(workshop: Workshop, refit: str = FIRST_REFIT) -> TrainingSet:
    deployment = workshop.deployment
    table = deployment.feature_table(workshop.spec.name)
    return pin_training_set(deployment.store, table, workshop.spec, refit)


def put(workshop: Workshop, number: int, *rows: str) -> None:
    """Land a day of these rows."""
    content = "\n".join(["thing,size,kind,delay", *rows, ""])
    workshop.deployment.landing.write(f"things/{day(number)}.csv", content.encode())


def refused(workshop: Workshop, message: str, refit: str = FIRST_REFIT) -> DataError:
    with pytest.raises(DataError, match=re.escape(message)) as caught:
        pin(workshop, refit)
    table: Any = workshop.deployment.feature_table(workshop.spec.name).load()
    # Nothing is kept for a set that is none.
    assert not [name for name in table.metadata.refs if name.startswith("refit-")]
    return caught.value


def days_named(error: DataError) -> list[str]:
    return [finding.where.rpartition(" ")[2] for finding in error.findings]


def test_the_snapshot_of_a_training_set_is_tagged_and_its_files_are_the_days_own(
    computed: Workshop,
) -> None:
    pinned = pin(computed)
    table: Any = computed.deployment.feature_table("late").load()
    assert table.metadata.refs[pinned.tag].snapshot_id == pinned.snapshot_id
    assert pinned.metadata_location == table.metadata_location
    files = [file for part in ("train", "validation", "holdout") for file in pinned.files(part)]
    assert sorted(files) == sorted(file for one in pinned.days for file in one.files)
    # A thing of each day has no label.
    assert (pinned.rows("train"), pinned.rows("holdout")) == (11, 11)


def test_a_day_that_was_written_but_not_recorded_is_refused(computed: Workshop) -> None:
    # As a run leaves it that dies between the table's commit and its record.
    computed.land(2, delay=0)
    computed.write(2, 2)
    error = refused(computed, "the feature table of late is not what its records say")
    assert days_named(error) == [SECOND]
    (finding,) = error.findings
    assert finding.expected == "the 1 files of run computed"
    assert "Materialise late/features for 2013-01-02 to 2013-01-02, then pin again." in str(error)
    computed.compute(2, 2)
    assert pin(computed).rows("train") == 11


def test_days_of_another_contract_are_refused(computed: Workshop) -> None:
    columns = {"size": "int", "kind": {"type": "category", "nullable": False}}
    features = computed.spec.features.model_dump(mode="json") | {"columns": columns}
    computed.spec = build_daily(features=features)
    error = refused(computed, "3 days of late were computed under another input contract")
    assert days_named(error) == ["2013-01-01", SECOND, "2013-01-03"]


def test_a_day_may_be_missing_where_the_spec_allows_it_and_the_set_says_so(
    landed: Workshop,
) -> None:
    landed.spec = build_daily(
        refit={"cadence": "daily", "train": 3, "holdout": 1, "missing_days": 1}
    )
    landed.land(4)
    landed.compute(2, 4)
    short = pin(landed, SECOND_REFIT)
    assert short.missing_days == (day(1),)
    landed.compute(1, 4)
    whole = pin(landed, SECOND_REFIT)
    assert whole.missing_days == ()
    assert whole.digest != short.digest


def test_more_missing_days_than_the_spec_allows_are_all_named(landed: Workshop) -> None:
    landed.compute(3, 3)
    error = refused(landed, f"refit {FIRST_REFIT} of late lacks 2 days, 0 may be missing")
    assert days_named(error) == ["2013-01-01", SECOND]


@pytest.mark.parametrize(
    ("unlabelled", "parts"), [((3,), "holdout"), ((2, 3), "holdout and validation")]
)
def test_a_part_without_any_label_is_refused(
    computed: Workshop, unlabelled: tuple[int, ...], parts: str
) -> None:
    for number in unlabelled:
        put(computed, number, f"{number},1,a,", f"{number + 90},2,b,")
    computed.compute(1, 3)
    refused(computed, f"no row of {parts} has a label (arrival)")


def test_a_key_of_two_days_is_named(computed: Workshop) -> None:
    put(computed, 2, "101,1,a,30", "299,2,b,0")
    computed.compute(2, 2)
    error = refused(computed, "1 keys of late stand on more than one day")
    (finding,) = error.findings
    assert (finding.column, finding.found) == ("thing", "key 101 again")
    assert "make thing unique over all days" in str(error)


def test_a_table_that_nobody_wrote_to_yet_is_refused(landed: Workshop) -> None:
    open_table(landed.ask(1, 3), NAMESPACE, SCHEMA)
    refused(landed, "the feature table of late is empty: materialise late/features")


def test_a_window_before_the_first_day_is_refused(computed: Workshop) -> None:
    with pytest.raises(DataError, match="2013-01-03"):
        pin(computed, "2013-01-03")


def test_a_refit_pins_what_its_settings_are_searched_on_as_that_refit_would(
    searching: Workshop,
) -> None:
    first, second = pin(searching), pin(searching, SECOND_REFIT)
    assert first.search is None
    assert second.search is not None
    assert (second.search.refit, second.search.digest) == (FIRST_REFIT, first.digest)
    assert (second.search.days, second.search.window) == (first.days, first.window)
    # One tag keeps the one snapshot that both are read at.
    assert (second.search.snapshot_id, second.search.tag) == (second.snapshot_id, second.tag)
    assert [one.day for one in second.all_days] == [day(n) for n in (1, 2, 3, 4)]
    # Its own digest says nothing of the search: with the same settings it is the same model.
    searching.spec = build_daily()
    assert pin(searching, SECOND_REFIT).digest == second.digest


def test_what_follows_is_stale_where_only_days_changed_that_the_search_reads(
    searching: Workshop,
) -> None:
    versions: list[str | None] = []
    for delay in (30, 30, 0):
        searching.land(1, delay=delay)
        searching.compute(1, 4)
        assert searching.refit(SECOND_REFIT, ["training_set"]).success
        versions.append(searching.data_version("training_set", SECOND_REFIT))
    assert versions[0] == versions[1] != versions[2]


def test_training_set_and_trials_name_the_refit_that_searched(searching: Workshop) -> None:
    for refit in (FIRST_REFIT, SECOND_REFIT):
        made = searching.refit(refit, ["training_set", "trials", "candidate"])
        events = made.get_asset_materialization_events()
        told = {one.asset_key.path[-1]: one.materialization.metadata for one in events}
        for name in ("training_set", "trials"):
            assert told[name]["searched_in"].value == FIRST_REFIT


def test_days_that_the_search_lacks_are_refused_by_the_name_of_its_refit(
    landed: Workshop,
) -> None:
    landed.spec = build_daily(trials=EVERY_SECOND)
    landed.land(4)
    landed.compute(2, 4)
    said = f"refit {FIRST_REFIT} of late lacks 1 days"
    assert days_named(refused(landed, said, SECOND_REFIT)) == ["2013-01-01"]


def test_a_key_of_the_refit_and_of_its_search_is_named(searching: Workshop) -> None:
    put(searching, 1, "401,1,a,30", "199,2,b,0")
    searching.compute(1, 1)
    refused(searching, "1 keys of late stand on more than one day", SECOND_REFIT)


def test_the_first_refit_reads_no_days_before_the_first_whatever_others_reach_back_to(
    computed: Workshop,
) -> None:
    computed.spec = build_daily(trials=EVERY_SECOND)
    assert computed.refit(names=["training_set"]).success
    days, refits = day_partitions(computed.spec), refit_partitions(computed.spec)
    for refit, reached in ((FIRST_REFIT, 3), ("2013-01-06", 4)):
        found = over_window(computed.spec).get_upstream_mapped_partitions_result_for_partitions(
            refits.empty_subset().with_partition_keys([refit]), refits, days
        )
        assert len([*found.partitions_subset.get_partition_keys()]) == reached
        assert found.required_but_nonexistent_subset.is_empty
