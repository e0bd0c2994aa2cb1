"""The landing sensor: every landed day is asked for once, whatever is lost on the way."""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import dagster as dg
import pytest

from refit_assets.artefacts import Storage, day_name
from refit_assets.assets.landing_sensor import (
    FEATURES_TAG,
    build_landing_sensor,
    read_cursor,
    write_cursor,
)
from refit_assets.features.contract import build_contract
from refit_assets.features.landed import identify, list_landing
from refit_assets.features.recipe import recipe_digest
from refit_assets.features.refused import read_refused
from refit_assets.features.table import DayRecord
from refit_assets.release.asking import Asked, Memory
from refit_assets.release.due import complete_inputs
from refit_assets.resources.deployment import Deployment
from refit_assets.storage_s3 import Bucket
from refit_assets_tests.assets.conftest import Workshop, begin, build_daily, day, things
from refit_assets_tests.fakes.s3_server import new_bucket

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


def told(result: dg.SensorResult) -> dict[tuple[str, str | None], str]:
    """What is told of each source and day: a data version, or that something is gone."""
    events: Any = result.asset_events
    return {
        (event.asset_key.path[-1], event.partition): (event.tags or {}).get(
            "dagster/data_version", event.description
        )
        for event in events
    }


def an_hour_ago(cursor: str | None) -> str:
    """The cursor, had its requests been made an hour earlier."""
    memory = read_cursor(cursor)
    asked = {day: replace(one, at=one.at - 3600) for day, one in memory.asked.items()}
    return write_cursor(replace(memory, asked=asked))


def test_nothing_landed_is_said(workshop: Workshop) -> None:
    assert said(look(workshop)) == "nothing has landed for late yet"


def test_days_without_gaps_are_one_run(landed: Workshop) -> None:
    result = look(landed)
    assert ranges(result) == [("01", "03")]
    (request,) = result.run_requests or ()
    assert request.asset_selection == [dg.AssetKey(["late", "features"])]
    assert request.tags[FEATURES_TAG] == "late"


def test_a_gap_makes_two_runs_and_the_day_after_it_waits(workshop: Workshop) -> None:
    workshop.land(1, 2, 4, 5, 6)
    # The fourth reads the third, which has not landed.
    assert ranges(look(workshop)) == [("01", "02"), ("05", "06")]


def test_what_was_asked_for_is_not_asked_for_again_at_the_next_tick(landed: Workshop) -> None:
    result = look(landed, look(landed).cursor)
    assert ranges(result) == []
    assert said(result).startswith(
        "3 days have landed up to 2013-01-03; "
        "3 days, 2013-01-01 to 2013-01-03: asked for once and not computed, again at "
    )


def test_what_is_computed_is_never_asked_for_again(landed: Workshop) -> None:
    cursor = look(landed).cursor
    assert landed.features(1, 3).success
    result = look(landed, an_hour_ago(cursor))
    assert said(result) == "3 days have landed up to 2013-01-03, all are computed"
    assert read_cursor(result.cursor).asked == {}


def test_what_failed_is_asked_for_again_after_a_pause_by_another_run_key(
    landed: Workshop,
) -> None:
    first = look(landed)
    second = look(landed, an_hour_ago(first.cursor))
    assert ranges(second) == ranges(first) == [("01", "03")]
    assert not set(run_keys(first)) & set(run_keys(second))
    assert read_cursor(second.cursor).asked["2013-01-01"].times == 2


def test_a_run_that_is_on_its_way_is_waited_for(landed: Workshop) -> None:
    cursor = an_hour_ago(look(landed).cursor)
    begin(landed.instance, tags={FEATURES_TAG: "late"})
    result = look(landed, cursor)
    assert ranges(result) == []
    assert said(result).endswith("3 days, 2013-01-01 to 2013-01-03: being computed")


def test_data_that_was_mended_is_asked_for_at_once(landed: Workshop) -> None:
    landed.deployment.landing.write("things/2013-01-02.csv", b"cut o")
    landed.settle("things/2013-01-02.csv")
    cursor = look(landed).cursor
    assert not landed.features(1, 3).success
    landed.land(2)
    # The first day was good, and does not wait for its pause either.
    assert ranges(look(landed, cursor)) == [("01", "03")]


@pytest.fixture
def spoiled(workshop: Workshop) -> Workshop:
    """Seven days landed, of which the fifth is cut off; the sixth reads it, too."""
    workshop.land(1, 2, 3, 4, 5, 6, 7)
    workshop.deployment.landing.write("things/2013-01-05.csv", b"thing,size,kind,delay\n1,2")
    workshop.settle("things/2013-01-05.csv")
    return workshop


CUT_OFF = (
    "things/2013-01-05.csv, row 2: expected a newline after the last line, "
    "found none: the file is cut off"
)


def test_no_good_day_waits_until_a_bad_file_is_mended(spoiled: Workshop) -> None:
    first = look(spoiled)
    assert ranges(first) == [("01", "07")]
    assert not spoiled.features(1, 7).success
    second = look(spoiled, first.cursor)
    assert ranges(second) == [("01", "04"), ("07", "07")]
    assert not set(run_keys(first)) & set(run_keys(second))
    spoiled.compute(1, 4)
    spoiled.compute(7, 7)
    third = look(spoiled, second.cursor)
    assert ranges(third) == []
    assert "2 days, 2013-01-05 to 2013-01-06: asked for once and not computed" in said(third)
    assert said(third).endswith(f"refused: {CUT_OFF}; 2 days, 2013-01-05 to 2013-01-06")
    # The bad file is tried again after its pause, apart from days that have arrived since.
    spoiled.land(8)
    assert ranges(look(spoiled, an_hour_ago(third.cursor))) == [("05", "06"), ("08", "08")]


def test_a_mended_file_frees_its_days_at_once_and_its_refusal_is_forgotten(
    spoiled: Workshop,
) -> None:
    cursor = look(spoiled).cursor
    assert not spoiled.features(1, 7).success
    spoiled.land(5)
    assert ranges(look(spoiled, cursor)) == [("01", "07")]
    refused = read_refused(spoiled.deployment.store, "late")
    assert [one.sentence for one in refused.values()] == [CUT_OFF]
    assert spoiled.features(1, 7).success
    assert read_refused(spoiled.deployment.store, "late") == {}


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


def test_a_file_that_was_touched_only_is_computed_already(computed: Workshop) -> None:
    cursor = look(computed).cursor
    computed.land(1, 2, 3)
    assert ranges(look(computed, cursor)) == []


def test_content_that_comes_back_is_computed_again_each_time(computed: Workshop) -> None:
    keys: list[str | None] = []
    cursor = look(computed).cursor
    for delay in (0, 30, 0, 30):
        computed.land(2, delay=delay)
        result = look(computed, cursor)
        assert ranges(result) == [("02", "03")]
        assert computed.features(2, 3).success  # by a run of its own, of which the key is made
        keys += run_keys(result)
        cursor = look(computed, result.cursor).cursor
    assert len(set(keys)) == 4


def test_a_lost_cursor_asks_by_the_same_run_keys_which_dagster_knows(landed: Workshop) -> None:
    assert run_keys(look(landed)) == run_keys(look(landed))
    assert run_keys(look(landed, "no cursor of ours")) == run_keys(look(landed))


def test_a_lost_cursor_asks_for_no_day_that_is_computed(computed: Workshop) -> None:
    computed.land(4)
    assert ranges(look(computed)) == [("04", "04")]


def test_a_store_from_a_backup_is_filled_up_again(computed: Workshop) -> None:
    cursor = look(computed).cursor
    (computed.deployment.home / "artefacts" / day_name("late", "2013-01-02")).unlink()
    assert ranges(look(computed, cursor)) == [("02", "02")]


def test_a_growing_file_is_left_for_the_next_tick(landed: Workshop) -> None:
    landed.land(4, settled=False)
    result = look(landed)
    assert ranges(result) == [("01", "03")]
    begun = look(landed, result.cursor)
    assert "things/2013-01-04.csv: still growing, left for the next tick" in said(begun)
    landed.settle("things/2013-01-04.csv")
    assert ranges(look(landed, begun.cursor)) == [("04", "04")]


def test_a_file_that_grows_again_keeps_its_days_out_until_it_is_whole(computed: Workshop) -> None:
    cursor = look(computed).cursor
    computed.land(2, delay=0, settled=False)
    result = look(computed, cursor)
    assert ranges(result) == []
    computed.settle("things/2013-01-02.csv")
    assert ranges(look(computed, result.cursor)) == [("02", "03")]


def test_what_landed_is_told_once_with_its_digest_as_data_version(landed: Workshop) -> None:
    first = look(landed)
    versions = told(first)
    assert set(versions) == {("kinds", None), *(("things", f"2013-01-0{n}") for n in (1, 2, 3))}
    assert len(set(versions.values())) == 4
    assert told(look(landed, first.cursor)) == {}
    landed.land(2, delay=0)
    (again,) = told(look(landed, first.cursor)).items()
    assert again[0] == ("things", "2013-01-02")
    assert again[1] != versions["things", "2013-01-02"]


def test_what_one_tick_cannot_tell_the_next_ones_do(
    landed: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("refit_assets.assets.landing_sensor.MOST_TOLD", 2)
    told_of = [sorted(told(look(landed))) for _ in range(3)]
    assert [len(one) for one in told_of] == [2, 2, 0]
    days = [("things", str(day(number))) for number in (1, 2, 3)]
    assert sorted([*told_of[0], *told_of[1]], key=str) == [("kinds", None), *days]


def test_two_models_tell_of_a_shared_source_once(landed: Workshop) -> None:
    assert len(told(look(landed))) == 4
    landed.spec = build_daily(name="later", start="2013-01-02")
    assert told(look(landed)) == {}


def test_a_file_that_is_gone_is_told_and_its_days_keep_their_features(computed: Workshop) -> None:
    cursor = look(computed).cursor
    (computed.deployment.home / "landing/things/2013-01-02.csv").unlink()
    result = look(computed, cursor)
    assert ranges(result) == []
    assert "things/2013-01-02.csv: gone; their days keep the features" in said(result)
    assert told(result) == {("things", None): "1 files are gone"}
    assert told(look(computed, result.cursor)) == {}


def test_a_day_that_has_no_partition_yet_waits(workshop: Workshop) -> None:
    workshop.spec = build_daily(end=None)
    workshop.deployment.landing.write("things/2999-01-01.csv", b"")
    workshop.settle("things/2999-01-01.csv")
    workshop.land(1)
    assert ranges(look(workshop)) == [("01", "01")]


def test_a_cursor_of_ten_years_stays_small() -> None:
    computed = {f"day {n}": f"{n * 7919:012x}" for n in range(3650)}
    memory = Memory(computed=computed, asked={"day": Asked(inputs="a", times=2, at=3)})
    assert read_cursor(write_cursor(memory)) == memory
    assert len(write_cursor(memory)) < 64 * 1024


@dataclass(frozen=True, kw_only=True)
class LakeDeployment(Deployment):
    """A deployment whose data lands in S3."""

    lake: Bucket

    @property
    def landing(self) -> Storage:
        return self.lake


@pytest.fixture
def lake(workshop: Workshop, s3_address: str, monkeypatch: pytest.MonkeyPatch) -> Workshop:
    bucket = new_bucket(s3_address, monkeypatch, "raw/")
    bucket.write("kinds.csv", b"kind,weight\n")
    workshop.deployment = LakeDeployment(home=workshop.deployment.home, lake=bucket)
    return workshop


def land_in_lake(lake: Workshop, *numbers: int, delay: int = 30) -> None:
    for number in numbers:
        lake.deployment.landing.write(f"things/{day(number)}.csv", things(number, delay).encode())


def record_all(lake: Workshop) -> None:
    """Record every landed day as computed from what the bucket holds."""
    spec, landing = lake.spec, lake.deployment.landing
    files = identify(landing, list_landing(landing, spec), {})
    for one, inputs in complete_inputs(spec, files, day(9)).items():
        record = DayRecord(
            day=one,
            rows=1,
            labelled_rows=1,
            digest="d",
            contract_digest=build_contract(spec).digest,
            recipe=recipe_digest(spec),
            nulls={},
            inputs=inputs,
            files=(),
            snapshot_id=1,
            run_id="run",
        )
        lake.deployment.store.write_record(day_name(spec.name, one.isoformat()), record)


def test_objects_in_s3_are_whole_when_they_appear(lake: Workshop) -> None:
    land_in_lake(lake, 1, 2)
    assert ranges(look(lake)) == [("01", "02")]


def test_same_second_arrivals_in_s3_are_all_asked_for_and_once(lake: Workshop) -> None:
    land_in_lake(lake, 1, 2)
    first = look(lake)
    # Within the same second: S3 tells whole seconds, its ETags tell the content.
    land_in_lake(lake, 3)
    land_in_lake(lake, 2, delay=0)
    second = look(lake, first.cursor)
    assert ranges(second) == [("02", "03")]
    record_all(lake)
    assert ranges(look(lake, second.cursor)) == []


def test_an_object_uploaded_in_parts_is_known_by_the_etag_of_its_listing(lake: Workshop) -> None:
    bucket: Any = lake.deployment.landing
    key = {"Bucket": bucket.bucket, "Key": f"raw/things/{day(1)}.csv"}
    upload = {**key, "UploadId": bucket.client.create_multipart_upload(**key)["UploadId"]}
    part = bucket.client.upload_part(PartNumber=1, Body=things(1).encode(), **upload)
    parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    bucket.client.complete_multipart_upload(MultipartUpload=parts, **upload)
    result = look(lake)
    assert ranges(result) == [("01", "01")]
    assert told(result)["things", "2013-01-01"].endswith("-1")
    record_all(lake)
    assert ranges(look(lake, result.cursor)) == []


def test_an_object_that_is_gone_from_s3_is_told(lake: Workshop) -> None:
    land_in_lake(lake, 1, 2)
    record_all(lake)
    cursor = look(lake).cursor
    bucket: Any = lake.deployment.landing
    bucket.client.delete_object(Bucket=bucket.bucket, Key=f"raw/things/{day(2)}.csv")
    result = look(lake, cursor)
    assert ranges(result) == []
    assert "things/2013-01-02.csv: gone" in said(result)


@dataclass
class Counting:
    """A storage that counts what is asked of it."""

    storage: Storage
    calls: list[tuple[str, str]]

    def __getattr__(self, name: str) -> Callable[[str], object]:
        def call(where: str) -> object:
            self.calls.append((name, where))
            return getattr(self.storage, name)(where)

        return call


def test_sources_in_one_folder_are_listed_once(landed: Workshop) -> None:
    things_source = landed.spec.sources["things"]
    other = things_source.model_copy(update={"path": "things/{day}.json"})
    sources = {**landed.spec.sources, "others": other}
    counting: Any = Counting(landed.deployment.landing, [])
    found = list_landing(counting, landed.spec.model_copy(update={"sources": sources}))
    assert counting.calls == [("listed", "things/"), ("look_at", "kinds.csv")]
    assert len({one.listed.name for one in found}) == len(found) == 4


def test_a_file_whose_size_and_time_are_known_is_not_read_again(landed: Workshop) -> None:
    cursor = look(landed).cursor
    path = landed.deployment.home / "landing/things/2013-01-02.csv"
    status = path.stat()
    # Another content under the same size and time: only reading it would tell.
    path.write_bytes(path.read_bytes().replace(b"b", b"a"))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert told(look(landed, cursor)) == {}
