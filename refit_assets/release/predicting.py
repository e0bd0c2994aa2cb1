"""What is to be scored: requests for asked days, and the days that ask for it by themselves.

A comparison of records, and so free of memory: after a crash or a lost tick it says what is still
to do. Belongs here: pinning days and jars for the Spark program. Does not: the choice of versions
(`serving`), scoring (`predictions`).
"""

from collections.abc import Mapping, Sequence
from datetime import date

from refit_assets.artefacts import ArtefactStore, jar_name, predicted_name
from refit_assets.errors import DataError, Finding
from refit_assets.features.table import DayRecord, FeatureTable, files_by_day
from refit_assets.features.training_set import read_days, refuse_unrecorded
from refit_assets.packaging.candidate import PackagedJar, read_packaged
from refit_assets.predictions.job import PredictionsRequest
from refit_assets.predictions.table import PredictedDay, read_predicted
from refit_assets.release.ledger import LedgerEvent, champion, read_events
from refit_assets.release.serving import Turn, plan_turns
from refit_assets.spec import ModelSpec


def plan_predictions(
    spec: ModelSpec,
    store: ArtefactStore,
    features: FeatureTable,
    days: Sequence[date],
    *,
    serving: str,
    run_id: str,
) -> tuple[PredictionsRequest, ...]:
    """Plan a request for each stretch of days that one version scores, in order.

    Raises:
        DataError: see `serving.plan_turns`; or a day has no features, or its features are not
            what is recorded of them; or the jar of a version is not in the store.

    """
    turns = plan_turns(spec.name, read_events(store.storage, spec.name), days, serving)
    records = _read_features(spec, store, days)
    table = features.load()
    # One snapshot for all versions: a day that is replaced meanwhile is the next run's.
    snapshot = table.current_snapshot()
    if snapshot is None:
        message = f"the feature table of {spec.name} is empty: materialise {spec.name}/features"
        raise DataError(message)
    present = files_by_day(table, days[0], days[-1], snapshot.snapshot_id)
    refuse_unrecorded(spec, records, present)
    jars = {packaged.jar.version: packaged for packaged in read_packaged(store, spec.name)}
    return tuple(
        PredictionsRequest(
            spec=spec,
            days=tuple(records[day] for day in turn.days),
            snapshot_id=snapshot.snapshot_id,
            version=turn.version,
            mojo_sha256=turn.event.mojo_sha256,
            jar=_jar(spec, turn, jars),
            catalogue_uri=features.catalogue_uri,
            warehouse_uri=features.warehouse_uri,
            run_id=run_id,
        )
        for turn in turns
    )


def days_to_predict(
    store: ArtefactStore, spec: ModelSpec, events: Sequence[LedgerEvent]
) -> tuple[date, ...]:
    """Tell which days should be scored, in order.

    Days from the champion's as-of date on that have features and no scores, and scored days of
    any time whose features have changed since. A new champion scores no day a second time.
    """
    serving = champion(events)
    if serving is None:
        return ()
    days = recorded_days(store, f"models/{spec.name}/days/")
    scored = {*recorded_days(store, f"models/{spec.name}/predictions/")}
    asked = [day for day in days if day >= serving.as_of or day in scored]
    features, predicted = read_days(store, spec, asked), read_predicted(store, spec.name, asked)
    return tuple(day for day in asked if _is_due(features.get(day), predicted.get(day)))


def recorded_days(store: ArtefactStore, prefix: str) -> tuple[date, ...]:
    """Days of which there is a record or a folder of records below a prefix, in order."""
    # By names alone: a listing is few requests, the records would be one each.
    names = {name[len(prefix) :][: len("2013-01-01")] for name in store.storage.names(prefix)}
    return tuple(sorted(date.fromisoformat(name) for name in names))


def record_predicted(store: ArtefactStore, model: str, days: Sequence[PredictedDay]) -> None:
    """Store what the table of predictions now holds of each day."""
    for day in days:
        store.write_record(predicted_name(model, day.day.isoformat()), day)


def _is_due(features: DayRecord | None, predicted: PredictedDay | None) -> bool:
    if features is None:
        return False
    return predicted is None or predicted.features_digest != features.digest


def _read_features(
    spec: ModelSpec, store: ArtefactStore, days: Sequence[date]
) -> dict[date, DayRecord]:
    records = read_days(store, spec, days)
    missing = [day for day in days if day not in records]
    if missing:
        findings = [
            Finding(where=f"features of {spec.name}, day {day}", expected="a day", found="none")
            for day in missing
        ]
        summary = f"{len(missing)} days of {spec.name} have no features to score"
        cure = f"Materialise {spec.name}/features for {missing[0]} to {missing[-1]}."
        raise DataError(summary, findings, cure=cure)
    return records


def _jar(spec: ModelSpec, turn: Turn, jars: Mapping[str, PackagedJar]) -> str:
    packaged = jars.get(turn.version)
    if packaged is None:
        message = (
            f"the jar of {spec.name} {turn.version} is not in the store: restore "
            f"models/{spec.name}/jars/{turn.version}/ from a backup"
        )
        raise DataError(message)
    return jar_name(spec.name, turn.version, packaged.jar.file("all").name)
