"""Landed files that a run of the features refused, so that no good day waits for a bad file.

Belongs here: the record of refusals, and the days that they hold back. Does not: what is wrong
with a file (`landing`, `reading`), when such days are tried again (`release.asking`).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from refit_assets.artefacts import ArtefactStore, Storage, refused_name
from refit_assets.errors import DataError
from refit_assets.features.landing import content_etag, names_read
from refit_assets.spec import ModelSpec


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """A file as it was when it was refused."""

    etag: str
    at: datetime
    sentence: str
    """What is wrong with it: the first finding."""


@dataclass(frozen=True, kw_only=True)
class Refused:
    """The refused files of one model, by name."""

    files: dict[str, Refusal] = field(default_factory=dict)


def read_refused(store: ArtefactStore, model: str) -> Mapping[str, Refusal]:
    """Read what was refused and not computed since."""
    return (store.read_record(Refused, refused_name(model)) or Refused()).files


def record_refused(
    store: ArtefactStore,
    landing: Storage,
    spec: ModelSpec,
    days: tuple[date, date],
    error: DataError,
    *,
    began: datetime,
) -> None:
    """Record which files a run over some days named; one that changed since it began is another."""
    found: dict[str, Refusal] = {}
    for name in names_read(spec, *days):
        # On a cluster the program read a copy: the name is how its address ends.
        said = [one for one in error.findings if one.where.endswith(f"/{name}")]
        listed = landing.look_at(name) if said else None
        if listed is None or listed.modified > began.timestamp() * 1e9:
            continue
        etag = content_etag(landing, listed)
        if etag is not None:
            sentence = f"{name}{str(said[0]).removeprefix(said[0].where)}"
            found[name] = Refusal(etag=etag, at=datetime.now(UTC), sentence=sentence)
    if found:
        files = {**read_refused(store, spec.name), **found}
        store.write_record(refused_name(spec.name), Refused(files=files))


def forget_refused(store: ArtefactStore, spec: ModelSpec, days: tuple[date, date]) -> None:
    """Forget refusals of files that a run could read after all."""
    known, read = read_refused(store, spec.name), {*names_read(spec, *days)}
    if known.keys() & read:
        files = {name: one for name, one in known.items() if name not in read}
        store.write_record(refused_name(spec.name), Refused(files=files))


def held_back(
    refused: Mapping[str, Refusal], inputs: Mapping[date, Mapping[str, str]]
) -> dict[date, tuple[str, ...]]:
    """Days that read a refused file with the very same content, and what is wrong with each."""
    found = {
        day: tuple(
            refused[name].sentence
            for name in sorted(files.keys() & refused.keys())
            if refused[name].etag == files[name]
        )
        for day, files in inputs.items()
    }
    return {day: sentences for day, sentences in found.items() if sentences}


def render_held_back(held: Mapping[date, Iterable[str]]) -> tuple[str, ...]:
    """Tell each refused file once, with the days that wait for it."""
    days: dict[str, list[date]] = {}
    for day, sentences in sorted(held.items()):
        for sentence in sentences:
            days.setdefault(sentence, []).append(day)
    return tuple(f"refused: {said}; {render_days(found)}" for said, found in days.items())


def render_refused(refused: Mapping[str, Refusal]) -> str:
    """Render what was refused and is not mended, a line each; nothing where nothing was."""
    lines = [f"\n{one.at:%Y-%m-%d %H:%M}  refused  {one.sentence}" for one in refused.values()]
    return "".join(sorted(lines))


def render_days(days: Iterable[date]) -> str:
    """Name days by their ends: `3 days, 2013-01-01 to 2013-01-03`."""
    found = sorted(days)
    if len(found) == 1:
        return f"{found[0]}"
    return f"{len(found)} days, {found[0]} to {found[-1]}"
