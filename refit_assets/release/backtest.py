"""A walk-forward back-test: what each cadence of refits would have served, and what it was worth.

Every refit of a stretch of history is replayed with its gates, and each cadence decides by a
ledger of its own. The windows are the spec's, so that cadences differ in how often and in nothing
else; what they share is made once, and a trial that the live store has is not fitted again.
Belongs here: which refits, who serves when, the measure of it. Does not: running a refit
(`assets.backtest`), the live ledger, which nothing here can reach.
"""

import hashlib
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from refit_assets.artefacts import ArtefactStore, Folder, jar_name
from refit_assets.errors import DataError, SpecError
from refit_assets.features.training_set import read_days
from refit_assets.features.window import days_between, plan_window, refit_keys
from refit_assets.overlay import Overlay
from refit_assets.packaging.candidate import read_packaged
from refit_assets.packaging.package import ScoringJar
from refit_assets.release.due import fingerprint
from refit_assets.release.ledger import LedgerEvent, champion, read_events, releases
from refit_assets.release.release import ReleaseTarget, release_refit
from refit_assets.spec import Metric, ModelSpec, When
from refit_assets.training.leaderboard import read_leaderboard

Rhythm: TypeAlias = Literal["daily", "weekly", "monthly", "quarterly", "once"]
RHYTHMS: tuple[Rhythm, ...] = ("daily", "weekly", "monthly", "quarterly", "once")
_FITTING = frozenset({"trials", "candidate"})
_MOST_NAMED = 5

Replayed: TypeAlias = Callable[[str, Mapping[str, Mapping[str, float]]], None]
"""Takes a refit that was done, and of each of its steps seconds and cpu_seconds."""
Replay: TypeAlias = Callable[[Sequence[str], Replayed], None]
"""Does refits up to their evaluations, and hands each on as soon as it is done."""
ScoreIn: TypeAlias = Callable[[ArtefactStore, str, str, str], None]
"""Scores, in a store, a CSV by a runnable jar: names of jar, rows and predictions."""
Doubles: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A stretch of history, and the cadences to compare on it."""

    first: date
    last: date
    """The last day that is served."""
    rhythms: tuple[Rhythm, ...]


@dataclass(frozen=True, kw_only=True)
class Cost:
    """A refit that was replayed; the same fingerprint needs no second time."""

    refit: str
    fingerprint: str
    seconds: float
    """Wall seconds of its steps, without its trials."""
    trials: dict[str, float]
    """Key of each trial that it needed, its search's included, to the seconds of its fit."""


@dataclass(frozen=True, kw_only=True)
class Served:
    """Days that one version would have served."""

    first: date
    last: date
    version: str
    rows: int
    """Labelled ones; only those can be measured."""
    value: float | None


@dataclass(frozen=True, kw_only=True)
class Earned:
    """What one cadence would have earned."""

    rhythm: Rhythm
    refits: tuple[str, ...]
    promoted: tuple[str, ...]
    """Refits whose gates held, against the champion of this cadence."""
    compute_seconds: float
    rows: int
    value: float | None
    """The metric over all rows served."""
    served: tuple[Served, ...]


@dataclass(frozen=True, kw_only=True)
class Backtest:
    """All cadences, on the same days."""

    model: str
    metric: Metric
    first: date
    last: date
    cadences: tuple[Earned, ...]


def build_plan(first: date, last: date, rhythms: Sequence[str]) -> Plan:
    """Check what a person typed.

    Raises:
        SpecError: a cadence that there is not, or days the wrong way round.

    """
    known: list[Rhythm] = [one for one in RHYTHMS if one in {rhythm.strip() for rhythm in rhythms}]
    strange = {rhythm.strip() for rhythm in rhythms} - {*known}
    if strange:
        message = f"{min(strange)!r} is no cadence; there are: {', '.join(RHYTHMS)}"
        raise SpecError(message)
    if last < first:
        message = f"{first} to {last} is the wrong way round"
        raise SpecError(message)
    return Plan(first=first, last=last, rhythms=tuple(known))


def plan_refits(spec: ModelSpec, plan: Plan) -> dict[Rhythm, tuple[str, ...]]:
    """Choose each cadence's refits among the model's own: the first of each month, and so on.

    Raises:
        SpecError: a cadence is finer than the model's, or no refit begins in the stretch.

    """
    keys = [key for key in refit_keys(spec, plan.last) if key >= plan.first.isoformat()]
    if not keys:
        reach = next(iter(refit_keys(spec, date.max)), "none")
        message = (
            f"no refit of {spec.name} begins between {plan.first} and {plan.last}: "
            f"its refits are {spec.refit.cadence}, the first is {reach}"
        )
        raise SpecError(message)
    finer = [one for one in plan.rhythms if RHYTHMS.index(one) < RHYTHMS.index(spec.refit.cadence)]
    if finer:
        message = f"{spec.name} has {spec.refit.cadence} refits: {finer[0]} ones are not among them"
        raise SpecError(message)
    return {one: _first_of_each(keys, one) for one in plan.rhythms}


@dataclass(frozen=True, kw_only=True)
class _Bench:
    """One model over a scratch store."""

    spec: ModelSpec
    store: ArtefactStore
    score: ScoreIn


def run_backtest(
    spec: ModelSpec,
    plan: Plan,
    live: ArtefactStore,
    scratch: Path,
    *,
    replay: Replay,
    score: ScoreIn,
) -> Backtest:
    """Replay, decide and measure; where it was interrupted, the same call goes on.

    Args:
        spec: The model; its refits are approved by their gates alone.
        plan: From when to when, and which cadences.
        live: Days and trials are read there, and nothing else; nothing is written.
        scratch: A folder for all that is made.
        replay: Does refits over `scratch_store(live, scratch, spec.name)`.
        score: Scores a stored CSV by a stored jar.

    Raises:
        DataError: days of the stretch have no features.

    """
    # Nobody is there to approve a replay.
    spec = spec.model_copy(update={"when": When(approval="automatic")})
    chosen = plan_refits(spec, plan)
    store = scratch_store(live, scratch, spec.name)
    bench = _Bench(spec=spec, store=store, score=score)
    every = sorted({key for keys in chosen.values() for key in keys})
    _need_days(spec, store, plan_window(spec, every[0]).all_days[0], plan.last)
    costs = _replay_due(spec, store, every, replay)
    cadences: list[Earned] = []
    for rhythm, keys in chosen.items():
        events = _decide(bench, scratch / rhythm, keys)
        served, rows, value = _measure(bench, events, [*map(date.fromisoformat, every)], plan.last)
        cadences.append(
            Earned(
                rhythm=rhythm,
                refits=keys,
                promoted=tuple(event.refit for event in releases(events)),
                compute_seconds=_compute_seconds([costs[key] for key in keys]),
                rows=rows,
                value=value,
                served=served,
            )
        )
    return Backtest(
        model=spec.name,
        metric=spec.trials.choose_by,
        first=plan.first,
        last=plan.last,
        cadences=tuple(cadences),
    )


def scratch_store(live: ArtefactStore, scratch: Path, model: str) -> ArtefactStore:
    """The store of the replays: the live days and trials below, everything else its own."""
    seen = tuple(f"models/{model}/{part}/" for part in ("days", "trials"))
    # Not synced to the disk: a replay can be made again.
    above = Folder(root=scratch / "artefacts", durable=False)
    return ArtefactStore(storage=Overlay(above=above, below=live.storage, seen=seen))


def _first_of_each(keys: Sequence[str], rhythm: Rhythm) -> tuple[str, ...]:
    parts: dict[Rhythm, Callable[[date], object]] = {
        "daily": lambda day: day,
        "weekly": lambda day: day.isocalendar()[:2],
        "monthly": lambda day: (day.year, day.month),
        "quarterly": lambda day: (day.year, (day.month - 1) // 3),
        "once": lambda _: None,
    }
    firsts: dict[object, str] = {}
    for key in keys:
        firsts.setdefault(parts[rhythm](date.fromisoformat(key)), key)
    return tuple(firsts.values())


def _need_days(spec: ModelSpec, store: ArtefactStore, first: date, last: date) -> None:
    days = days_between(first, last + timedelta(days=1))
    there = read_days(store, spec, days)
    missing = [day for day in days if day not in there]
    if len(missing) > spec.refit.missing_days:
        named = ", ".join(map(str, missing[:_MOST_NAMED]))
        message = (
            f"{len(missing)} days of {spec.name} between {first} and {last} have no features "
            f"({named} …): materialise {spec.name}/features for them, or choose another stretch"
        )
        raise DataError(message)


def _replay_due(
    spec: ModelSpec, store: ArtefactStore, keys: Sequence[str], replay: Replay
) -> dict[str, Cost]:
    """Replay what was not, or of other content, and keep what each cost."""
    prints = {key: fingerprint(store, spec, plan_window(spec, key)) for key in keys}
    costs: dict[str, Cost] = {}
    for key in keys:
        known = store.read_record(Cost, _cost_name(key))
        if known is not None and known.fingerprint == prints[key]:
            costs[key] = known

    def done(key: str, steps: Mapping[str, Mapping[str, float]]) -> None:
        _, fitted = read_leaderboard(store, spec.name, key)
        seconds = sum(figures["seconds"] for step, figures in steps.items() if step not in _FITTING)
        costs[key] = Cost(
            refit=key,
            fingerprint=prints[key],
            seconds=round(seconds, 2),
            # A trial from the store cost its seconds as well, when it was fitted.
            trials={trial.key: trial.seconds for trial in (*fitted.search, *fitted.trials)},
        )
        store.write_record(_cost_name(key), costs[key])

    due = [key for key in keys if key not in costs]
    if due:
        replay(due, done)
    return costs


def _compute_seconds(costs: Sequence[Cost]) -> float:
    # A search serves several refits and was made once.
    trials = {key: seconds for cost in costs for key, seconds in cost.trials.items()}
    return round(sum(cost.seconds for cost in costs) + sum(trials.values()), 1)


def _cost_name(key: str) -> str:
    return f"replayed/{key}.json"


def _decide(bench: _Bench, folder: Path, keys: Sequence[str]) -> tuple[LedgerEvent, ...]:
    """Release a cadence's refits in order, each against that cadence's champion of then."""
    spec, store = bench.spec, bench.store
    days = [plan_window(spec, key) for key in keys]
    prints = {key: fingerprint(store, spec, window) for key, window in zip(keys, days, strict=True)}
    # Another stretch, spec or content is another history: its ledger begins anew.
    content = hashlib.sha256("".join([*keys, *prints.values()]).encode()).hexdigest()[:12]
    above = Folder(root=folder / content / "artefacts", durable=False)
    own = Overlay(above=above, below=store.storage, seen=(f"models/{spec.name}/",))
    target = ReleaseTarget(
        store=ArtefactStore(storage=own), repository_url=(folder / content / "repository").as_uri()
    )

    def scored(jar: str, rows: str, predictions: str) -> None:
        bench.score(target.store, jar, rows, predictions)

    decided = {event.refit for event in read_events(own, spec.name)}
    for key in keys:
        if key not in decided:
            release_refit(spec, key, target, scored, fingerprint=prints[key], by="backtest")
    return read_events(own, spec.name)


def _measure(
    bench: _Bench, events: Sequence[LedgerEvent], starts: Sequence[date], last: date
) -> tuple[tuple[Served, ...], int, float | None]:
    """Score the days from refit to refit by whoever would have served them."""
    from refit_assets.evaluation.metrics import measure_exactly

    spec = bench.spec
    jars = {one.jar.version: one.jar for one in read_packaged(bench.store, spec.name)}
    served: list[Served] = []
    labels: list[Doubles] = []
    scores: list[Doubles] = []

    def measured(came: Doubles, said: Doubles) -> float | None:
        metric = spec.trials.choose_by
        if not len(came):
            return None
        found = measure_exactly(came, said, [metric], classification=spec.classification)
        return found[metric]

    # Cut at the refits of all cadences: each is measured over the same stretches.
    for first, end in pairwise([*starts, last + timedelta(days=1)]):
        serving = champion(events, as_of=first)
        if serving is None or serving.version is None or first >= end:
            continue
        came, said = _score_days(bench, jars[serving.version], days_between(first, end))
        served.append(
            Served(
                first=first,
                last=end - timedelta(days=1),
                version=serving.version,
                rows=len(came),
                value=measured(came, said),
            )
        )
        labels.append(came)
        scores.append(said)
    if not served:
        return (), 0, None
    came, said = np.concatenate(labels), np.concatenate(scores)
    return tuple(served), len(came), measured(came, said)


def _score_days(bench: _Bench, jar: ScoringJar, days: Sequence[date]) -> tuple[Doubles, Doubles]:
    """Labels and scores of days through a jar; the same days and jar are scored once."""
    from refit_assets.evaluation.holdout import read_holdout, write_inputs_csv
    from refit_assets.evaluation.predictions import positive_name, read_jar_predictions

    spec, store = bench.spec, bench.store
    records = read_days(store, spec, days)
    labelled = {day: record for day, record in records.items() if record.labelled_rows}
    if not labelled:
        return np.empty(0), np.empty(0)
    holdout = read_holdout(spec, sorted(f for one in labelled.values() for f in one.files))
    content = "".join(f"{day}{one.digest}" for day, one in sorted(labelled.items()))
    digest = hashlib.sha256(content.encode()).hexdigest()[:12]
    rows, scores = f"served/{digest}.csv", f"served/{jar.version}-{digest}.csv"
    with tempfile.TemporaryDirectory(prefix="refit-backtest-") as name:
        local = Path(name) / "cells.csv"
        if store.storage.look_at(scores) is None:
            write_inputs_csv(spec, holdout, local)
            store.storage.upload(local, rows)
            runnable = jar_name(spec.name, jar.version, jar.file("all").name)
            bench.score(store, runnable, rows, scores)
        store.storage.download(scores, local)
        said = read_jar_predictions(spec, local, rows=len(holdout))
    return holdout.labels, said.columns[positive_name(spec)]
