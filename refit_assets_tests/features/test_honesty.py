"""A features.py that looks into the future is caught, however it looks; an honest one is not."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from refit_assets.errors import DataError
from refit_assets.features.honesty import Honesty, check_honesty, mutate, sample_days
from refit_assets.spec import ModelSpec, Source
from refit_assets_tests.features.conftest import FLIGHTS, WEATHER, Home, build_spec, day

pytestmark = [pytest.mark.spark, pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")]

ARRIVED = "timestampadd(MINUTE, minute + dep_delay + air_time + 240, time_hour)"
KNOWN = [
    {
        "columns": ["dep_time", "dep_delay"],
        "at": "timestampadd(MINUTE, minute + dep_delay, time_hour)",
    },
    {"columns": ["arr_time", "arr_delay", "air_time"], "at": ARRIVED},
]
HONEST = f"""
def features(landed):
    flights = landed["flights"]
    past = flights.selectExpr("carrier", "arr_delay as past", "{ARRIVED} as arrived")
    rows = flights.join(past, "carrier", "left").where("arrived is null or arrived <= time_hour")
    worst = rows.groupBy("carrier", "flight", "time_hour").agg({{"past": "max"}})
    weather = landed["weather"].selectExpr(
        "origin", "temp", "timestampadd(HOUR, 1, time_hour) as time_hour"
    )
    rows = flights.join(worst, ["carrier", "flight", "time_hour"], "left")
    return rows.join(weather, ["origin", "time_hour"], "left").selectExpr(
        "landed_day as day",
        "unix_seconds(time_hour) * 100000 + ascii(carrier) * 1000 + flight % 1000 as flight_key",
        "time_hour as knowledge_time",
        "distance",
        "`max(past)` as worst",
        "temp",
        "case when arr_delay > 15 then 'late' when arr_delay <= 15 then 'on_time' end as arrival",
    )
"""
LEAKS = {
    "its own delay": (
        '"distance",',
        '"distance + coalesce(arr_delay, 0) as distance",',
        "distance",
    ),
    "whether it ever arrived": (
        '"distance",',
        '"if(arr_delay is null, 0, distance) as distance",',
        "distance",
    ),
    "arrivals of the next hours": (
        "arrived <= time_hour",
        "arrived <= timestampadd(HOUR, 24, time_hour)",
        "worst",
    ),
    "the weather of its own hour": ("timestampadd(HOUR, 1, time_hour) as", "time_hour as", "temp"),
    "rows of those that left": (
        'rows.join(weather, ["origin", "time_hour"], "left")',
        'rows.where("dep_delay < 60").join(weather, ["origin", "time_hour"], "left")',
        "flight_key",
    ),
}

Check = Callable[[str], Honesty]


def spec_of(module: str, *, known: bool = True) -> ModelSpec:
    told: dict[str, Any] = {"known": KNOWN} if known else {}
    hourly = {"row_known": "timestampadd(HOUR, 1, time_hour)"} if known else {}
    shared = {"nulls": ["NA"], "look_back_days": 1}
    return build_spec(
        sources={
            "flights": {"path": "flights/{day}.csv", "columns": FLIGHTS, **shared, **told},
            "weather": {"path": "weather/{day}.csv", "columns": WEATHER, **shared, **hourly},
        },
        features={
            "module": module,
            "key": "flight_key",
            "knowledge_time": "knowledge_time",
            "columns": {
                "distance": "int",
                "worst": {"type": "int", "nullable": True},
                "temp": {"type": "decimal(6,2)", "nullable": True},
            },
        },
    )


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
    """Make a module of a features.py; returns its name."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def write(text: str) -> str:
        name = f"features_of_{tmp_path.name}"
        (tmp_path / f"{name}.py").write_text(text)
        sys.modules.pop(name, None)
        return name

    return write


def check(lake: Home, spec: ModelSpec) -> Honesty:
    assert lake.spark is not None
    return check_honesty(
        lake.spark, spec, lake.landing, [day(4)], staging=lake.root / "staging", instants=2
    )


def test_honest_features_pass_and_it_is_told_what_that_rests_on(
    lake: Home, write: Callable[[str], str]
) -> None:
    honesty = check(lake, spec_of(write(HONEST)))
    assert honesty.days == (day(4),)
    assert len(honesty.instants) == 2
    assert honesty.rows > 10
    assert honesty.touched > 10
    assert list((lake.root / "staging").iterdir()) == []


@pytest.mark.parametrize("leak", LEAKS)
def test_a_look_into_the_future_is_caught_and_named(
    lake: Home, write: Callable[[str], str], leak: str
) -> None:
    old, new, column = LEAKS[leak]
    assert old in HONEST
    with pytest.raises(DataError, match="features of late use what was not known yet") as caught:
        check(lake, spec_of(write(HONEST.replace(old, new))))
    assert {finding.column for finding in caught.value.findings} == {column}
    assert "as of " in caught.value.findings[0].where


def test_without_an_instant_at_which_anything_becomes_known_nothing_is_proven(
    lake: Home, write: Callable[[str], str]
) -> None:
    with pytest.raises(DataError, match="nothing was put to the test"):
        check(lake, spec_of(write(HONEST), known=False))


def test_what_never_becomes_known_is_altered_or_forgotten_too(spark: Any) -> None:  # noqa: ANN401
    columns = {"thing": "bigint", "size": "int", "told": "timestamp"}
    known = [{"columns": ["size"], "at": "told"}]
    source = Source.model_validate({"path": "{day}.csv", "columns": columns, "known": known})
    rows = [(number, 5, None) for number in range(20)]
    frame = spark.createDataFrame(rows, "thing bigint, size int, told timestamp")
    sizes = [row["size"] for row in mutate(source, frame, 0).collect()]
    assert 5 not in sizes
    assert 0 < sizes.count(None) < 20


def test_sampled_days_are_spread_evenly_and_end_with_the_last() -> None:
    days = [day(n) for n in range(1, 9)]
    assert sample_days(days, 3) == (day(3), day(6), day(8))
    assert sample_days(days, 1) == (day(8),)
    assert sample_days(days[:2], 3) == (day(1), day(2))
