"""What has landed for a model: one listing of its sources, and what changed since it was seen.

Belongs here: which file is whose day, whether it is still being written, its digest without
reading it twice, new, changed and gone files. Does not: what is due because of it (`release.due`),
what is in a file (`landing`, `reading`).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from refit_assets.artefacts import ArtefactStore, Listed, Storage
from refit_assets.features.landing import LandedFile, content_etag
from refit_assets.spec import ModelSpec, Source

QUIET_NANOSECONDS = 10 * 10**9
"""A local file that changed more recently may still be growing; an object in S3 arrives whole."""

MOST_READ_BYTES = 4 << 30
"""So much is read at once to know its digest: a tick has a minute. The rest waits for the next."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """A file of a source, as a listing tells of it; `day` is None for a source of one file."""

    source: str
    day: date | None
    listed: Listed

    def is_growing(self, now: int) -> bool:
        """Whether it may still be written to, at an instant in nanoseconds since 1970."""
        # Both ways: a file dated by a clock ahead of ours would grow until that time has come.
        return self.listed.etag is None and abs(now - self.listed.modified) < QUIET_NANOSECONDS


@dataclass(frozen=True, kw_only=True)
class Seen:
    """Files of one source as they were last seen, so that none is read or told twice."""

    files: dict[str, tuple[int, int, str]] = field(default_factory=dict)
    """Name -> size, time of change, digest."""
    untold: tuple[str, ...] = ()
    """Those of them whose arrival is still to be told; nobody has to read them again for that."""

    def etag(self, name: str) -> str | None:
        """Digest under which a file was seen; None where it was not."""
        entry = self.files.get(name)
        return entry and entry[2]


@dataclass(frozen=True, kw_only=True)
class Changes:
    """What landing did to a source since it was last seen."""

    arrived: tuple[LandedFile, ...]
    """New, or with another content."""
    gone: tuple[str, ...]


def list_landing(storage: Storage, spec: ModelSpec) -> tuple[Found, ...]:
    """List the files of a model's sources; no folder is listed twice, and none is read."""
    folders: dict[str, tuple[Listed, ...]] = {}
    found: list[Found] = []
    for name, source in spec.sources.items():
        if not source.daily:
            one = storage.look_at(source.path)
            found += [Found(source=name, day=None, listed=one)] if one else []
            continue
        folder = source.path.partition("{day}")[0].rpartition("/")[0]
        prefix = f"{folder}/" if folder else ""
        if prefix not in folders:
            folders[prefix] = tuple(storage.listed(prefix))
        found += _of_source(name, source, folders[prefix])
    return tuple(found)


def last_landed_day(spec: ModelSpec, found: Iterable[Found]) -> date | None:
    """The last day of a model's data of which every daily source has its file."""
    days: dict[str, set[date]] = {name: set() for name, one in spec.sources.items() if one.daily}
    for one in found:
        if one.day is not None and has_data(spec, one.day):
            days[one.source].add(one.day)
    return max(set[date].intersection(*days.values()), default=None) if days else None


def has_data(spec: ModelSpec, day: date) -> bool:
    """Whether a day lies between the model's first day with data and its end."""
    return spec.start <= day and (spec.end is None or day < spec.end)


def identify(
    storage: Storage, found: Iterable[Found], seen: Mapping[str, Seen]
) -> tuple[LandedFile, ...]:
    """Give each file its digest; one whose size and time are as they were is not read again."""
    files: list[LandedFile] = []
    read = 0
    for one in found:
        listed = one.listed
        etag = listed.etag or _known(seen.get(one.source), listed)
        if etag is None:
            # Compared with what is read by now, so that a file of any size gets its turn.
            if read > MOST_READ_BYTES:
                continue
            read += listed.size
            etag = content_etag(storage, listed)
        if etag is not None:
            files.append(
                LandedFile(
                    source=one.source, day=one.day, name=listed.name, size=listed.size, etag=etag
                )
            )
    return tuple(files)


def compare_with_seen(
    found: Sequence[Found], files: Sequence[LandedFile], seen: Mapping[str, Seen]
) -> dict[str, Changes]:
    """What arrived and what is gone, by source; `found` has growing files too."""
    there = {one.listed.name for one in found}
    arrived: dict[str, list[LandedFile]] = {source: [] for source in seen}
    untold = {source: {*known.untold} for source, known in seen.items()}
    for one in files:
        if one.name in untold[one.source] or one.etag != seen[one.source].etag(one.name):
            arrived[one.source].append(one)
    return {
        source: Changes(
            arrived=tuple(arrived[source]),
            gone=tuple(sorted(name for name in known.files if name not in there)),
        )
        for source, known in seen.items()
    }


def see(
    known: Seen, found: Iterable[Found], files: Iterable[LandedFile], untold: Iterable[LandedFile]
) -> Seen:
    """What is seen once all that is gone is told, and all arrivals but those of `untold`."""
    listed = {one.listed.name: one.listed for one in found}
    # Files that were not identified this time keep what was known of them.
    kept = {name: entry for name, entry in known.files.items() if name in listed}
    now = {one.name: (one.size, listed[one.name].modified, one.etag) for one in files}
    return Seen(files={**kept, **now}, untold=tuple(one.name for one in untold))


def read_seen(store: ArtefactStore, spec: ModelSpec) -> dict[str, Seen]:
    """Read what was seen of each source of a model; sources are shared between models."""
    return {name: store.read_record(Seen, seen_name(name)) or Seen() for name in spec.sources}


def seen_name(source: str) -> str:
    """Name of the record of a source's files."""
    return f"landing/{source}.json"


def _of_source(name: str, source: Source, listed: Iterable[Listed]) -> Iterator[Found]:
    before, after = source.path.split("{day}", 1)
    for one in listed:
        if one.name.startswith(before) and one.name.endswith(after):
            day = _day(one.name[len(before) : len(one.name) - len(after)])
            if day is not None:
                yield Found(source=name, day=day, listed=one)


def _day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    # 20130107 is a day as well, but not how the path spells one.
    return day if day.isoformat() == text else None


def _known(seen: Seen | None, listed: Listed) -> str | None:
    size, modified, etag = (seen or Seen()).files.get(listed.name, (0, 0, ""))
    return etag if etag and (size, modified) == (listed.size, listed.modified) else None
