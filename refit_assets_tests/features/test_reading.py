"""Every way in which a landed file can be wrong, named by file, row and column, without Spark."""

import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from refit_assets.errors import DataError, Finding
from refit_assets.features.job import inspect_request
from refit_assets.features.landing import LandedFile, days_touched, inspect_landing
from refit_assets.features.reading import staged
from refit_assets.spec import ModelSpec
from refit_assets_tests.features.conftest import Home, build_spec, day


def refused(home: Home, spec: ModelSpec | None = None) -> tuple[Finding, ...]:
    """Findings of days 3 to 4."""
    with pytest.raises(DataError) as caught:
        stage(home, spec)
    assert "Nothing was replaced" in str(caught.value)
    return caught.value.findings


def stage(home: Home, spec: ModelSpec | None = None) -> dict[str, pa.Table]:
    landing = inspect_landing(home.landing, spec or build_spec(), day(3), day(4))
    with staged(landing, home.root / "staging") as files:
        return {name: pq.read_table(path) for name, path in files.items()}


def test_sound_files_are_staged_with_their_day(home: Home) -> None:
    tables = stage(home)
    flights = tables["flights"]
    assert sorted(set(flights["landed_day"].to_pylist())) == [day(1), day(2), day(3), day(4)]
    assert flights.num_rows == 96
    assert str(flights.schema.field("time_hour").type) == "timestamp[us, tz=UTC]"
    assert list((home.root / "staging").iterdir()) == []


def test_a_missing_file_is_named(home: Home) -> None:
    home.path("weather", 2).unlink()
    (finding,) = refused(home)
    assert finding.where.endswith("weather/2013-01-02.csv")
    assert finding.found == "none"


def test_days_before_the_datas_start_are_not_missed(home: Home) -> None:
    files = inspect_landing(home.landing, build_spec(), day(1), day(1)).files
    assert {file.day for file in files} == {day(1)}


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


def other_header(path: Path) -> None:
    path.write_text(path.read_text().replace("carrier", "airline", 1))


def fewer_columns(path: Path) -> None:
    path.write_text(path.read_text().replace(",time_hour", "", 1))


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda path: path.write_bytes(b""), ": expected a csv file, found 0 bytes"),
        (cut, ", row 25: expected a newline after the last line, found none: the file is cut off"),
        (
            other_header,
            ", row 1, column carrier: expected 'carrier' in the header, found 'airline'",
        ),
        (fewer_columns, ", row 1: expected 19 columns in the header, found 18"),
        (
            lambda path: path.write_bytes(path.read_bytes().replace(b"JFK", b"J\xffK", 1)),
            ", row 2: expected UTF-8, found bytes that are not",
        ),
    ],
)
def test_a_file_that_is_not_whole_is_refused(
    home: Home, spoil: Callable[[Path], object], said: str
) -> None:
    path = home.path("flights", 3)
    spoil(path)
    assert str(refused(home)[0]) == f"{path}{said}"


@pytest.mark.parametrize(
    ("source", "old", "new", "column", "expected"),
    [
        ("flights", "2013,1,3", "2013,1,third", "day", "int"),
        ("flights", "2013,1,3", "2013,1,3.0", "day", "int"),
        ("flights", "2013,1,3", "2013,1,3000000000", "day", "int"),
        ("flights", "2013,1,3", "2013,1,", "day", "int"),
        ("flights", ":00:00Z", ":61:00Z", "time_hour", "timestamp"),
        ("weather", "EWR,2013,1,3,0,", "EWR,2013,1,3,0,1", "temp", "decimal(6,2)"),
    ],
)
def test_a_value_that_does_not_parse_is_named(
    home: Home, source: str, old: str, new: str, column: str, expected: str
) -> None:
    if source == "weather":
        line = home.path("weather", 3).read_text().splitlines()[4].split(",")
        old, new = f",{line[5]},", ",12345.678,"
    home.edit(source, 3, 5, old, new)
    (finding,) = refused(home)
    assert (finding.where, finding.row) == (str(home.path(source, 3)), 5)
    assert (finding.column, finding.expected) == (column, expected)
    assert finding.found.strip("'") in home.path(source, 3).read_text()


def test_a_decimal_is_not_rounded(home: Home) -> None:
    line = home.path("weather", 3).read_text().splitlines()[4].split(",")
    home.edit("weather", 3, 5, f",{line[5]},", ",36.125,")
    (finding,) = refused(home)
    assert (finding.column, finding.found) == ("temp", "'36.125'")


@pytest.mark.parametrize("text", ["inf", "NaN"])
def test_infinity_is_no_number(home: Home, text: str) -> None:
    line = home.path("weather", 3).read_text().splitlines()[4].split(",")
    home.edit("weather", 3, 5, f",{line[9]},", f",{text},")
    (finding,) = refused(home)
    assert (finding.expected, finding.found) == ("double", repr(text))


def test_a_row_of_another_length_is_named(home: Home) -> None:
    home.edit("flights", 4, 3, "2013,", "2013,2013,")
    (finding,) = refused(home)
    assert (finding.row, finding.expected, finding.found) == (3, "19 columns", "20")


def test_a_missing_value_is_refused_where_it_is_required(home: Home) -> None:
    line = home.path("flights", 4).read_text().splitlines()[6].split(",")
    home.edit("flights", 4, 7, f",{line[9]},", ",NA,")
    (finding,) = refused(home)
    assert str(finding).endswith("row 7, column carrier: expected a value, found nothing")


def test_a_row_that_stands_twice_is_named_with_the_first(home: Home) -> None:
    path = home.path("flights", 4)
    path.write_text(path.read_text() + path.read_text().splitlines()[3] + "\n")
    (finding,) = refused(home)
    assert finding.row == 26
    assert finding.found.endswith("again, first in row 4")


def test_findings_of_all_files_come_at_once_and_twenty_are_shown(home: Home) -> None:
    for number in (2, 3, 4):
        path = home.path("flights", number)
        path.write_text(path.read_text().replace("2013,1,", "x,1,"))
    home.edit("weather", 4, 2, "EWR,2013,", "EWR,y,")
    findings = refused(home)
    assert len(findings) == 20
    assert [finding.row for finding in findings[:3]] == [2, 3, 4]


def test_a_quoted_comma_and_a_doubled_quote_are_read(home: Home) -> None:
    line = home.path("flights", 4).read_text().splitlines()[1].split(",")
    home.edit("flights", 4, 2, f",{line[11]},", ',"N,""1""",')
    assert 'N,"1"' in stage(home)["flights"]["tailnum"].to_pylist()


def test_instants_with_and_without_a_zone_are_in_utc(home: Home) -> None:
    before = stage(home)["flights"]["time_hour"].to_pylist()
    home.edit("flights", 4, 2, "Z\n", "\n")
    assert stage(home)["flights"]["time_hour"].to_pylist() == before


def as_json_lines(home: Home, edit: Callable[[dict[str, object]], object]) -> ModelSpec:
    """Land the weather as JSON lines instead, the second row of day 3 changed."""
    for number in range(1, 9):
        names, *rows = (
            line.split(",") for line in home.path("weather", number).read_text().split()
        )
        objects = [
            {n: None if t == "NA" else t for n, t in zip(names, row, strict=True)} for row in rows
        ]
        if number == 3:
            edit(objects[1])
        text = "".join(json.dumps(one) + "\n" for one in objects)
        home.path("weather", number).with_suffix(".json").write_text(text)
    return weather_as(home, "json", "json_lines")


def weather_as(home: Home, suffix: str, kind: str) -> ModelSpec:
    weather = build_spec().sources["weather"].model_dump()
    weather |= {
        "path": f"weather/{{day}}.{suffix}",
        "format": kind,
        "required": ["temp"],
        "unique": ["origin", "time_hour"],
    }
    sources = {"flights": build_spec().sources["flights"].model_dump(), "weather": weather}
    return build_spec(sources=sources)


def test_json_lines_give_what_csv_gives(home: Home) -> None:
    spec = as_json_lines(home, lambda _: None)
    assert stage(home, spec)["weather"].equals(stage(home)["weather"])


@pytest.mark.parametrize(
    ("edit", "column", "found"),
    [
        (lambda row: row.update(hour="noon"), "hour", "'noon'"),
        (lambda row: row.update(temp=1.234), "temp", "'1.234'"),
        (lambda row: row.pop("temp"), "temp", "nothing"),
    ],
)
def test_bad_json_values_are_named(
    home: Home, edit: Callable[[dict[str, object]], object], column: str, found: str
) -> None:
    (finding,) = refused(home, as_json_lines(home, edit))
    assert (finding.row, finding.column, finding.found) == (2, column, found)


def test_a_line_that_is_no_object_is_named(home: Home) -> None:
    spec = as_json_lines(home, lambda _: None)
    path = home.path("weather", 3).with_suffix(".json")
    path.write_text(path.read_text() + "[]\n")
    (finding,) = refused(home, spec)
    assert (finding.row, finding.expected) == (7, "a JSON object")


def test_an_undeclared_json_key_is_refused(home: Home) -> None:
    spec = as_json_lines(home, lambda _: None)
    path = home.path("weather", 3).with_suffix(".json")
    path.write_text(path.read_text().replace("{", '{"wind": 1, ', 1))
    (finding,) = refused(home, spec)
    assert finding.found == "'wind'"


def as_parquet(home: Home) -> ModelSpec:
    spec = build_spec()
    tables = stage(home, spec)["weather"].drop_columns(["landed_day"])
    for number in range(1, 9):
        pq.write_table(tables.slice(0, 6), home.path("weather", number).with_suffix(".parquet"))
    return weather_as(home, "parquet", "parquet")


def test_parquet_is_read_by_its_own_types(home: Home) -> None:
    assert stage(home, as_parquet(home))["weather"].num_rows == 18


def test_a_parquet_column_of_another_type_is_refused(home: Home) -> None:
    spec = as_parquet(home)
    path = home.path("weather", 3).with_suffix(".parquet")
    rows = pq.read_table(path)
    pq.write_table(rows.set_column(1, "year", rows["year"].cast("int64")), path)
    (finding,) = refused(home, spec)
    assert (finding.column, finding.expected, finding.found) == ("year", "int", "int64")


def test_a_cut_off_parquet_file_is_refused(home: Home) -> None:
    spec = as_parquet(home)
    cut(home.path("weather", 3).with_suffix(".parquet"))
    (finding,) = refused(home, spec)
    assert finding.expected == "a whole Parquet file"


def test_parquet_rows_twice_or_without_a_required_value_are_refused(home: Home) -> None:
    spec = as_parquet(home)
    path = home.path("weather", 3).with_suffix(".parquet")
    rows = pq.read_table(path)
    pq.write_table(pa.concat_tables([rows, rows.slice(1, 1)]), path)
    (finding,) = refused(home, spec)
    assert (finding.row, finding.found.rsplit(" again")[-1]) == (7, ", first in row 2")
    empty = pa.array([None] * 6, rows.schema.field("temp").type)
    pq.write_table(rows.set_column(5, "temp", empty), path)
    assert refused(home, spec)[0].column == "temp"


def test_inputs_of_a_day_are_the_files_that_it_looks_back_to(home: Home) -> None:
    inputs = inspect_landing(home.landing, build_spec(), day(3), day(5)).inputs(day(4))
    assert sorted(inputs) == [
        "flights/2013-01-02.csv",
        "flights/2013-01-03.csv",
        "flights/2013-01-04.csv",
        "weather/2013-01-03.csv",
        "weather/2013-01-04.csv",
    ]


def test_an_etag_changes_with_the_content_alone(home: Home) -> None:
    def seen() -> tuple[LandedFile, ...]:
        return inspect_landing(home.landing, build_spec(), day(4), day(4)).files

    before = seen()
    home.path("weather", 4).touch()
    assert seen() == before
    home.edit("weather", 4, 2, "EWR", "JFK")
    assert [file.name for file in seen() if file not in before] == ["weather/2013-01-04.csv"]


def test_files_that_were_fetched_keep_the_names_that_the_bucket_knows_them_by(home: Home) -> None:
    landing = inspect_landing(home.landing, build_spec(), day(4), day(4))
    assert landing.known_as({}) == landing
    known = landing.known_as({"weather/2013-01-04.csv": "parts-2"}).inputs(day(4))
    assert known["weather/2013-01-04.csv"] == "parts-2"
    assert known["flights/2013-01-04.csv"] == landing.inputs(day(4))["flights/2013-01-04.csv"]


def test_a_changed_file_touches_the_days_after_it() -> None:
    assert days_touched(build_spec(), "flights", day(4)) == (day(4), day(6))
    assert days_touched(build_spec(), "flights", None) == (day(1), None)


def test_days_outside_the_data_are_refused(home: Home) -> None:
    with pytest.raises(DataError, match=r"no days 2013-01-08 to 2013-01-09 of late"):
        inspect_request(home.request(day(8), day(9)))
