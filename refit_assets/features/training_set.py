"""The training set of a refit: pinned content of the feature table, day by day.

Plain Python, no Spark. Belongs here: which days, which files, which digests, and refusing a window
that is not whole. Does not: the window's arithmetic (`window`), reading rows to fit on them
(`training`).
"""

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Literal, TypeAlias

from refit_assets.artefacts import ArtefactStore, day_name
from refit_assets.errors import DataError, Finding
from refit_assets.features.contract import build_contract
from refit_assets.features.pinned import read_pinned
from refit_assets.features.recipe import recipe_digest
from refit_assets.features.table import DayRecord, FeatureTable, files_by_day
from refit_assets.features.window import RefitWindow, plan_window
from refit_assets.spec import ModelSpec

Part: TypeAlias = Literal["train", "validation", "holdout"]


@dataclass(frozen=True, kw_only=True)
class DayPin:
    """One pinned day."""

    day: date
    part: Part
    digest: str
    rows: int
    labelled_rows: int
    files: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class TrainingSet:
    """What a refit fits, validates and evaluates on: content, not names of tables."""

    model: str
    refit: str
    as_of: date
    window: RefitWindow
    snapshot_id: int
    metadata_location: str
    tag: str
    contract_digest: str
    days: tuple[DayPin, ...]
    missing_days: tuple[date, ...]
    digest: str
    """Of days, digests, parts and contract: equal content, equal digest, whatever the files."""
    search: "TrainingSet | None" = None
    """What the settings are searched on; None: on this very set."""

    @property
    def searched_in(self) -> str:
        """The refit whose search chooses the settings: this one, or one before it."""
        return (self.search or self).refit

    @property
    def all_days(self) -> tuple[DayPin, ...]:
        """With those that the search reads: each day once, in order."""
        pins = (*(self.search.days if self.search else ()), *self.days)
        return tuple(sorted({pin.day: pin for pin in pins}.values(), key=lambda pin: pin.day))

    def files(self, part: Part) -> tuple[str, ...]:
        """URIs of the data files of a part, sorted."""
        return tuple(sorted(f for pin in self.days if pin.part == part for f in pin.files))

    def rows(self, part: Part) -> int:
        """Rows of a part that have a label."""
        return sum(pin.labelled_rows for pin in self.days if pin.part == part)


def pin_training_set(
    store: ArtefactStore,
    table: FeatureTable,
    spec: ModelSpec,
    refit: str,
    *,
    retain_days: int | None = None,
) -> TrainingSet:
    """Pin the window of a refit at the table's present snapshot, and tag that snapshot.

    Args:
        store: Where the days' records lie.
        table: The model's feature table.
        spec: The model.
        refit: The refit's as-of date, as its partition key spells it.
        retain_days: How long expiry keeps the tag; None: until somebody removes it.

    Raises:
        DataError: the window is not within the data; days are missing, were written but not
            recorded, or under another contract; a part has no labelled row; a key stands twice.

    """
    window = plan_window(spec, refit)
    loaded = table.load()
    snapshot = loaded.current_snapshot()
    if snapshot is None:
        message = f"the feature table of {spec.name} is empty: materialise {spec.name}/features"
        raise DataError(message)
    records = _records(store, spec, window)
    # At that very snapshot: a day committed since has a record that does not fit, and is refused.
    days = window.all_days
    present = files_by_day(loaded, days[0], days[-1], snapshot.snapshot_id)
    refuse_unrecorded(spec, records, present)
    pins = _pins(spec, window, records)
    searched = _pins(spec, window.search, records) if window.search else ()
    _refuse_keys_twice(spec, [*{pin.day: pin for pin in (*searched, *pins)}.values()])
    contract_digest = build_contract(spec).digest
    digest = _digest(pins, contract_digest)
    tag = f"refit-{refit}-{digest[:12]}"
    # After all refusals, so that no snapshot is kept for a set that is none.
    location = table.tag(tag, snapshot.snapshot_id, retain_days=retain_days, loaded=loaded)

    def pinned(key: str, of: RefitWindow, days: tuple[DayPin, ...]) -> TrainingSet:
        return TrainingSet(
            model=spec.name,
            refit=key,
            as_of=of.as_of,
            window=of,
            snapshot_id=snapshot.snapshot_id,
            metadata_location=location,
            tag=tag,
            contract_digest=contract_digest,
            days=days,
            missing_days=_missing(of, records),
            digest=_digest(days, contract_digest),
        )

    # Both at the one snapshot, which the one tag keeps.
    before = window.search
    search = pinned(before.as_of.isoformat(), before, searched) if before else None
    return replace(pinned(refit, window, pins), search=search)


def read_days(store: ArtefactStore, spec: ModelSpec, days: Sequence[date]) -> dict[date, DayRecord]:
    """Read the records of those days that have one."""
    found = ((day, day_name(spec.name, day.isoformat())) for day in days)
    records = ((day, store.read_record(DayRecord, name)) for day, name in found)
    return {day: record for day, record in records if record is not None}


def due_days(
    store: ArtefactStore, spec: ModelSpec, inputs: Mapping[date, Mapping[str, str]]
) -> tuple[date, ...]:
    """Tell which days' features are not those of the present inputs and recipe.

    Args:
        store: Where the days' records lie.
        spec: The model.
        inputs: For each day in question, name and ETag of every file that it reads.

    """
    return tuple(due_records(store, spec, inputs))


def due_records(
    store: ArtefactStore, spec: ModelSpec, inputs: Mapping[date, Mapping[str, str]]
) -> dict[date, DayRecord | None]:
    """Return what is recorded of each day that `due_days` tells, in order."""
    recipe = recipe_digest(spec)
    records = read_days(store, spec, [*inputs])
    return {
        day: record
        for day, files in sorted(inputs.items())
        if (record := records.get(day)) is None
        or record.recipe != recipe
        # By content and never by time: a file that lands again unchanged makes nothing due.
        or record.inputs != dict(files)
    }


def _records(store: ArtefactStore, spec: ModelSpec, window: RefitWindow) -> dict[date, DayRecord]:
    records = read_days(store, spec, window.all_days)
    contract_digest = build_contract(spec).digest
    old = [day for day, record in records.items() if record.contract_digest != contract_digest]
    # Rows of two contracts must not meet in one frame.
    if old:
        findings = [
            _finding(spec, day, f"contract {contract_digest}", records[day].contract_digest)
            for day in old
        ]
        summary = f"{len(old)} days of {spec.name} were computed under another input contract"
        raise DataError(summary, findings, cure=_cure(spec, old))
    return records


def _pins(
    spec: ModelSpec, window: RefitWindow, records: Mapping[date, DayRecord]
) -> tuple[DayPin, ...]:
    refit = window.as_of.isoformat()
    _refuse_missing(spec, refit, _missing(window, records))
    pins = tuple(_pin(window, records[day]) for day in window.days if day in records)
    _refuse_unlabelled(spec, refit, pins)
    return pins


def _missing(window: RefitWindow, records: Mapping[date, DayRecord]) -> tuple[date, ...]:
    return tuple(day for day in window.days if day not in records)


def _refuse_missing(spec: ModelSpec, refit: str, missing: Sequence[date]) -> None:
    if len(missing) > spec.refit.missing_days:
        findings = [_finding(spec, day, "a day of features", "none") for day in missing]
        allowed = spec.refit.missing_days
        summary = (
            f"refit {refit} of {spec.name} lacks {len(missing)} days, {allowed} may be missing"
        )
        raise DataError(summary, findings, cure=_cure(spec, missing))


def refuse_unrecorded(
    spec: ModelSpec,
    records: Mapping[date, DayRecord],
    present: Mapping[date, tuple[str, ...]],
) -> None:
    """Refuse days whose record is not what the table holds.

    A run that died between the table's commit and its record leaves the two apart.

    Raises:
        DataError: names those days.

    """
    apart = [day for day, record in records.items() if present.get(day, ()) != record.files]
    if apart:
        findings = [
            _finding(
                spec,
                day,
                f"the {len(records[day].files)} files of run {records[day].run_id}",
                f"{len(present.get(day, ()))} files written but not recorded",
            )
            for day in apart
        ]
        summary = f"the feature table of {spec.name} is not what its records say"
        raise DataError(summary, findings, cure=_cure(spec, apart))


def _refuse_unlabelled(spec: ModelSpec, refit: str, pins: Sequence[DayPin]) -> None:
    labelled: Counter[Part] = Counter()
    for pin in pins:
        labelled[pin.part] += pin.labelled_rows
    parts: list[Part] = ["train", "holdout"]
    if spec.trials.validation is not None:
        parts.append("validation")
    empty = [part for part in parts if not labelled[part]]
    if empty:
        names = " and ".join(empty)
        message = (
            f"refit {refit} of {spec.name}: no row of {names} has a label ({spec.target.column}); "
            "land days whose labels are known, or refit another window"
        )
        raise DataError(message)


def _refuse_keys_twice(spec: ModelSpec, pins: Sequence[DayPin]) -> None:
    """A run checks its own days only; sorting by a key that stands twice would not reproduce."""
    import numpy as np

    keys = _read_keys(spec, pins)
    ordered = np.sort(keys)
    twice = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
    if len(twice):
        key = spec.features.key
        where = f"features of {spec.name}"
        findings = [
            Finding(where=where, column=key, expected="one row a key", found=f"key {k} again")
            for k in twice
        ]
        summary = f"{len(twice)} keys of {spec.name} stand on more than one day"
        cure = f"make {key} unique over all days in features.py, and re-run the features"
        raise DataError(summary, findings, cure=cure)


def _read_keys(spec: ModelSpec, pins: Sequence[DayPin]) -> Any:  # noqa: ANN401 - int64 of numpy
    import numpy as np

    files = [file for pin in pins for file in pin.files]
    if not files:
        return np.empty(0, dtype=np.int64)
    return read_pinned(files, [spec.features.key])[spec.features.key].to_numpy()


def _pin(window: RefitWindow, record: DayRecord) -> DayPin:
    part: Part = "train"
    if record.day >= window.holdout_start:
        part = "holdout"
    elif window.validation_start is not None and record.day >= window.validation_start:
        part = "validation"
    return DayPin(
        day=record.day,
        part=part,
        digest=record.digest,
        rows=record.rows,
        labelled_rows=record.labelled_rows,
        files=record.files,
    )


def _digest(pins: Sequence[DayPin], contract_digest: str) -> str:
    # Neither files nor snapshot: a day that was computed again to the same rows refits nothing.
    days = [(pin.day.isoformat(), pin.part, pin.digest) for pin in pins]
    content = json.dumps({"contract": contract_digest, "days": sorted(days)})
    return hashlib.sha256(content.encode()).hexdigest()


def _finding(spec: ModelSpec, day: date, expected: str, found: str) -> Finding:
    return Finding(where=f"features of {spec.name}, day {day}", expected=expected, found=found)


def _cure(spec: ModelSpec, days: Sequence[date]) -> str:
    return f"Materialise {spec.name}/features for {days[0]} to {days[-1]}, then pin again."
