"""One day as monitoring sees it: drift, missing values, unseen levels and the live metric.

A day is judged together with the days before it (`monitoring.stretch_days`), since a single day
has but one weekday and one weather. Inputs are those of all days of the stretch; scores and the
live metric only those of days that the day's own version scored. Plain Python over pinned files.
Belongs here: which rows count for a day, the record of it. Does not: PSI (`drift`), the metric
(`live`), pages (`report`).
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from refit_assets.artefacts import ArtefactStore, monitored_name
from refit_assets.errors import DataError
from refit_assets.features.pinned import read_pinned
from refit_assets.features.table import DayRecord
from refit_assets.features.training_set import read_days
from refit_assets.features.window import days_between
from refit_assets.monitoring.drift import (
    Breach,
    Drift,
    NumberProfile,
    compare_category,
    compare_number,
    judge_drift,
)
from refit_assets.monitoring.live import LiveMetric, LiveVerdict, judge_live, measure_live
from refit_assets.monitoring.reference import Reference, need_reference, numbers
from refit_assets.packaging.candidate import read_packaged
from refit_assets.predictions.table import SCORE, PredictedDay, read_predicted
from refit_assets.spec import ModelSpec

Table: TypeAlias = Any  # pyarrow carries no types


@dataclass(frozen=True, kw_only=True)
class MonitoredDay:
    """What was found on the stretch of days that ends with one."""

    model: str
    day: date
    version: str
    """Of the model that scored the day."""
    first: date
    """Of the stretch."""
    scored_days: int
    """Days of the stretch that this version scored."""
    inputs: tuple[Drift, ...]
    scores: Drift | None
    """None where the day has no rows."""
    live: LiveMetric | None
    """None where the spec names no live metric."""
    live_verdict: LiveVerdict | None
    breaches: tuple[Breach, ...]
    made_of: str
    """Digest of all that went in; equal for equal days, model and limits."""

    @property
    def sentences(self) -> tuple[str, ...]:
        """What is beyond its limits, a sentence each; empty on a healthy day."""
        live = self.live_verdict
        poor = () if live is None or live.held else (live.sentence,)
        return (*(breach.sentence for breach in self.breaches), *poor)


@dataclass(frozen=True, kw_only=True)
class Stretch:
    """The recorded days that count for one."""

    day: date
    features: Mapping[date, DayRecord]
    predicted: Mapping[date, PredictedDay]
    """Only those of the day's own version."""

    @property
    def version(self) -> str:
        """Version that scored the day."""
        return self.predicted[self.day].version


def monitor_day(spec: ModelSpec, store: ArtefactStore, day: date) -> MonitoredDay:
    """Watch one day and store what was found.

    Raises:
        DataError: the day was not scored yet, or what its version was made of is gone.

    """
    stretch = find_stretch(spec, store, day)
    if stretch is None:
        message = f"{spec.name} has no predictions of {day}: materialise {spec.name}/predictions"
        raise DataError(message)
    packaged = {one.jar.version: one for one in read_packaged(store, spec.name)}
    reference = need_reference(spec, store, packaged[stretch.version])
    inputs = _inputs(spec, reference, stretch)
    live = _live(spec, stretch) if spec.monitoring.live_metric else None
    scores = _scores(reference, stretch)
    found = MonitoredDay(
        model=spec.name,
        day=day,
        version=stretch.version,
        first=min(stretch.features),
        scored_days=len(stretch.predicted),
        inputs=inputs,
        scores=scores,
        live=live,
        live_verdict=live and judge_live(spec.monitoring, live),
        breaches=judge_drift(spec.monitoring, inputs, scores),
        made_of=digest_stretch(spec, stretch),
    )
    store.write_record(monitored_name(spec.name, day.isoformat()), found)
    return found


def find_stretch(spec: ModelSpec, store: ArtefactStore, day: date) -> Stretch | None:
    """Find the recorded days that count for one; None where it was not scored."""
    days = stretch_days(spec, day)
    features, predicted = read_days(store, spec, days), read_predicted(store, spec.name, days)
    return cut_stretch(spec, day, features, predicted)


def cut_stretch(
    spec: ModelSpec,
    day: date,
    features: Mapping[date, DayRecord],
    predicted: Mapping[date, PredictedDay],
) -> Stretch | None:
    """Cut what counts for a day out of the records of many; None where it was not scored."""
    if day not in predicted:
        return None
    days, version = stretch_days(spec, day), predicted[day].version
    mine = {d: predicted[d] for d in days if d in predicted and predicted[d].version == version}
    present = {d: features[d] for d in days if d in features}
    return Stretch(day=day, features=present, predicted=mine)


def stretch_days(spec: ModelSpec, day: date) -> tuple[date, ...]:
    """Days that count for one, itself the last."""
    first = day - timedelta(days=spec.monitoring.stretch_days - 1)
    return days_between(first, day + timedelta(days=1))


def digest_stretch(spec: ModelSpec, stretch: Stretch) -> str:
    """Digest everything that a day's monitoring is made of."""
    content = {
        "version": stretch.version,
        "features": sorted((str(day), one.digest) for day, one in stretch.features.items()),
        "predicted": sorted((str(day), one.digest) for day, one in stretch.predicted.items()),
        "limits": spec.monitoring.model_dump(mode="json"),
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def days_to_monitor(
    store: ArtefactStore, spec: ModelSpec, scored: Sequence[date]
) -> tuple[date, ...]:
    """Tell which scored days were not watched yet, or were watched when they were others."""
    # Each record once: stretches overlap, and a store may be far away.
    days = sorted({near for day in scored for near in stretch_days(spec, day)})
    features, predicted = read_days(store, spec, days), read_predicted(store, spec.name, days)
    due: list[date] = []
    for day in scored:
        stretch = cut_stretch(spec, day, features, predicted)
        known = read_monitored(store, spec.name, day)
        if stretch and (known is None or known.made_of != digest_stretch(spec, stretch)):
            due.append(day)
    return tuple(due)


def read_monitored(store: ArtefactStore, model: str, day: date) -> MonitoredDay | None:
    """Read what was found on a day; None where it was not watched."""
    return store.read_record(MonitoredDay, monitored_name(model, day.isoformat()))


def present_breaches(store: ArtefactStore, model: str, version: str) -> tuple[str, ...]:
    """What is beyond its limits on the latest day that was watched, if that version scored it."""
    prefix = f"models/{model}/monitoring/"
    days = [name for name in store.storage.names(prefix) if name.endswith("/monitored.json")]
    latest = store.read_record(MonitoredDay, max(days)) if days else None
    return latest.sentences if latest is not None and latest.version == version else ()


def _inputs(spec: ModelSpec, reference: Reference, stretch: Stretch) -> tuple[Drift, ...]:
    files = [file for one in stretch.features.values() for file in one.files]
    # A feature that came with a later contract is none of this version's inputs.
    known = [one for one in reference.inputs if one.name in spec.features.columns]
    if not files:
        return ()
    rows = read_pinned(files, [profile.name for profile in known])
    days, among = len(stretch.features), len(known)
    return tuple(
        compare_number(profile, numbers(rows[profile.name]), days, among)
        if isinstance(profile, NumberProfile)
        else compare_category(profile, rows[profile.name].to_pylist(), days, among)
        for profile in known
    )


def _scores(reference: Reference, stretch: Stretch) -> Drift | None:
    files = [file for one in stretch.predicted.values() for file in one.files]
    if not files:
        return None
    scores = read_pinned(files, [SCORE])[SCORE].to_numpy()
    return compare_number(reference.scores, scores, len(stretch.predicted))


def _live(spec: ModelSpec, stretch: Stretch) -> LiveMetric | None:
    metric = spec.monitoring.live_metric
    rows = _scored_rows(spec, stretch)
    if metric is None or rows is None:
        return None
    return measure_live(
        _labels(spec, rows[spec.target.column]),
        rows[SCORE].to_numpy(),
        model=spec.name,
        version=stretch.version,
        metric=metric,
        first=min(stretch.predicted),
        last=stretch.day,
        classification=spec.classification,
    )


def _scored_rows(spec: ModelSpec, stretch: Stretch) -> Table | None:
    """Scores beside the labels that the feature table has by now, by key."""
    key, days = spec.features.key, stretch.predicted
    scored = [file for one in days.values() for file in one.files]
    known = [
        file for day in days if day in stretch.features for file in stretch.features[day].files
    ]
    if not scored or not known:
        return None
    labels = read_pinned(known, [key, spec.target.column])
    # Left outer: a scored row whose label is not there yet counts as one without.
    # In the order of the key, so that the same days give the same interval.
    return read_pinned(scored, [key, SCORE]).join(labels, key, join_type="left outer").sort_by(key)


def _labels(spec: ModelSpec, column: Table) -> NDArray[np.float64]:
    """1.0 for the positive label, 0.0 for the other, or the number itself; NaN where none yet."""
    import pyarrow as pa

    if not spec.classification:
        return numbers(column)
    positive = spec.target.positive
    flags = [None if label is None else float(label == positive) for label in column.to_pylist()]
    return pa.array(flags, pa.float64()).to_numpy(zero_copy_only=False)
