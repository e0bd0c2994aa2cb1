"""Which due days to ask for now: each once, and again after growing pauses while it stays due.

A day stays due when its run failed, was lost, or never began. Asking at every tick would fill the
queue with the same failure; never asking again would leave a day behind after a full disk.
Days that read a refused file are asked for apart from the others, which so need not wait for it.
Belongs here: what was asked for and when, and the next request. Does not: which days are due
(`features.training_set`), what was refused (`features.refused`), runs (`assets.landing_sensor`).
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from refit_assets.artefacts import ArtefactStore, day_name
from refit_assets.features.recipe import recipe_digest
from refit_assets.features.refused import Refusal, held_back, render_days, render_held_back
from refit_assets.features.training_set import due_records
from refit_assets.features.window import contiguous_apart
from refit_assets.spec import ModelSpec

FIRST_PAUSE = timedelta(minutes=5)
LONGEST_PAUSE = timedelta(hours=6)


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A request for one day."""

    inputs: str
    """Digest of what the day was to be computed from."""
    times: int
    at: int
    """The last time, in seconds since 1970."""

    @property
    def again_at(self) -> datetime:
        """From when on it may be asked for again."""
        return datetime.fromtimestamp(self.at, UTC) + pause_after(self.times)


@dataclass(frozen=True, kw_only=True)
class Memory:
    """What a sensor keeps from tick to tick; without it, it asks again, which costs little."""

    computed: dict[str, str] = field(default_factory=dict)
    """Day -> digest of its inputs and of the record that says that they are computed."""
    asked: dict[str, Asked] = field(default_factory=dict)
    """Days that were asked for and are due still."""


@dataclass(frozen=True, kw_only=True)
class Asking:
    """The days to ask for now, and what to remember."""

    days: dict[date, str]
    """Day -> what makes this request another one than those before it."""
    held_back: dict[date, tuple[str, ...]]
    """Days that read a refused file, and what is wrong with it."""
    waiting: dict[date, Asked]
    """Days that were asked for and are not there yet."""
    busy: bool
    """Whether a run computes features of this model; known where any day waits."""
    memory: Memory

    @property
    def ranges(self) -> tuple[tuple[date, date], ...]:
        """The days to ask for as ranges; those that are held back in ranges of their own."""
        apart = self.held_back.keys()
        return contiguous_apart(self.days, apart)


def pause_after(times: int) -> timedelta:
    """How long to wait after so many requests: 5 minutes, then twice as long each, 6 hours at most.

    The exponent is bounded, too: a fault that lasts for a month must not overflow.
    """
    return min(FIRST_PAUSE * 2 ** min(times - 1, 10), LONGEST_PAUSE)


def plan_asking(
    spec: ModelSpec,
    store: ArtefactStore,
    inputs: Mapping[date, Mapping[str, str]],
    memory: Memory,
    now: datetime,
    *,
    refused: Mapping[str, Refusal],
    busy: Callable[[], bool],
) -> Asking:
    """Plan which days to ask for.

    Args:
        spec: The model.
        store: Where the days' records lie; only those of days that changed are read.
        inputs: Name and ETag of what each landed day reads.
        memory: Of the tick before.
        now: An instant, UTC.
        refused: Files that were refused, by name.
        busy: Whether features of this model are being computed; asked only where it matters.

    """
    digests = _digest_inputs(spec, inputs)
    stamps = _record_stamps(spec, store)
    marks = {day: _short(digests[day], stamps.get(day)) for day in inputs}
    changed = {d: files for d, files in inputs.items() if memory.computed.get(f"{d}") != marks[d]}
    due = due_records(store, spec, changed)
    before = {day: asked for day in due if (asked := memory.asked.get(f"{day}")) is not None}
    before = {day: asked for day, asked in before.items() if asked.inputs == digests[day]}
    apart = held_back(refused, {day: inputs[day] for day in due})
    told = max((one.at.timestamp() for one in refused.values()), default=0)
    resting = {
        day
        for day, asked in before.items()
        # A good day that failed beside a bad one does not wait until that one is tried again.
        if now < asked.again_at and (day in apart or not asked.at <= told)
    }
    is_busy = bool(before) and busy()
    # A run that is at work may compute them all yet (decision 0021).
    if is_busy:
        resting = {*before}
    times = {d: before[d].times + 1 if d in before else 1 for d in due if d not in resting}
    at = int(now.timestamp())
    asked = {d: Asked(inputs=digests[d], times=n, at=at) for d, n in times.items()}
    return Asking(
        # Of the day as it is recorded as well: content that comes back is asked for again.
        days={d: _short(digests[d], n, (r := due[d]) and r.run_id) for d, n in times.items()},
        held_back=apart,
        waiting={day: before[day] for day in sorted(resting)},
        busy=is_busy,
        memory=Memory(
            computed={f"{day}": mark for day, mark in marks.items() if day not in due},
            asked={f"{day}": one for day, one in sorted({**before, **asked}.items())},
        ),
    )


def render_waiting(asking: Asking) -> tuple[str, ...]:
    """Tell which days are not there yet, why, and when they are asked for again."""
    if not asking.waiting:
        return ()
    if asking.busy:
        return (f"{render_days(asking.waiting)}: being computed",)
    again = min(asked.again_at for asked in asking.waiting.values())
    times = max(asked.times for asked in asking.waiting.values())
    often = "once" if times == 1 else f"{times} times"
    said = f"asked for {often} and not computed, again at {again:%Y-%m-%d %H:%M}Z"
    why = render_held_back({day: asking.held_back.get(day, ()) for day in asking.waiting})
    return (f"{render_days(asking.waiting)}: {said}", *why)


def _digest_inputs(spec: ModelSpec, inputs: Mapping[date, Mapping[str, str]]) -> dict[date, str]:
    # Another features.py is new content, which waits for no pause of the old.
    recipe = recipe_digest(spec)
    return {day: _short(recipe, json.dumps(sorted(files.items()))) for day, files in inputs.items()}


def _record_stamps(spec: ModelSpec, store: ArtefactStore) -> dict[date, int]:
    """When each day was recorded: a store restored from a backup has other times, or no record."""
    folder = day_name(spec.name, "").removesuffix(".json")
    listed = store.storage.listed(folder)
    return {
        date.fromisoformat(one.name.removeprefix(folder).removesuffix(".json")): one.modified
        for one in listed
    }


def _short(*parts: object) -> str:
    return hashlib.sha256("\n".join(map(str, parts)).encode()).hexdigest()[:12]
