"""A refit on the cluster, asked for as the UI asks, and its digests."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from refit_assets.artefacts import ArtefactStore, day_name, predicted_name
from refit_assets.evaluation.records import Evaluation
from refit_assets.features.table import DayRecord
from refit_assets.features.training_set import TrainingSet
from refit_assets.features.window import days_between
from refit_assets.packaging.candidate import PackagedJar
from refit_assets.predictions.table import PredictedDay
from refit_assets.release.release import RECORD, Release
from refit_assets.training.trial import Candidate
from refit_assets_tests.integration.e2e.installation import Installation
from refit_assets_tests.integration.e2e.kubectl import objects
from refit_assets_tests.integration.e2e.overlay import change_model
from refit_assets_tests.integration.e2e.small_model import FIRST, LAST, MODEL, REFIT

FEATURES = {f"{MODEL}/features": (FIRST.isoformat(), LAST.isoformat())}
TRIALS = f"models/{MODEL}/trials/"
ASSETS = ("training_set", "trials", "candidate", "scoring_jar", "evaluation", "release")


@dataclass(frozen=True, kw_only=True)
class Refitted:
    """What was seen while it was made."""

    features_runs: Sequence[str]
    refit_runs: Sequence[str]
    applications: frozenset[str]
    executors: frozenset[str]
    h2o_nodes: frozenset[str]
    h2o_at_once: int
    """The most H2O clusters at one look."""
    run_limits: frozenset[str]
    """Memory that the runs' own pods may take."""


def refit_as_the_ui_would(installation: Installation) -> Refitted:
    """Backfill the features; then all assets of one refit in a run."""
    seen: dict[str, set[str]] = {"driver": set(), "executor": set(), "h2o": set()}
    at_once: list[int] = [0]
    limits: dict[str, str] = {}

    def look() -> None:
        clusters: set[str] = set()
        for pod in objects("pods", "refit/role"):
            labels = pod["metadata"]["labels"]
            kind = labels.get("spark-role") or labels["refit/role"]
            seen.setdefault(kind, set()).add(pod["metadata"]["name"])
            clusters |= {labels["refit/workload"]} if kind == "h2o" else set()
            limits.update({labels["job-name"]: _memory_limit(pod)} if kind == "run" else {})
        at_once.append(len(clusters))

    change_model(executors=2)
    features = installation.backfilled(FEATURES, look)
    change_model()
    refit = installation.run(of_refit(*ASSETS), look)
    return Refitted(
        features_runs=features,
        refit_runs=refit,
        applications=frozenset(seen["driver"]),
        executors=frozenset(seen["executor"]),
        h2o_nodes=frozenset(seen["h2o"]),
        h2o_at_once=max(at_once),
        # Pods of other tests' runs may still be there.
        run_limits=frozenset(limits[f"dagster-run-{run}"] for run in (*features, *refit)),
    )


def _memory_limit(pod: Mapping[str, Any]) -> str:
    return pod["spec"]["containers"][0]["resources"]["limits"]["memory"]


def of_refit(*names: str) -> Mapping[str, tuple[str, str]]:
    """Select assets of the refit."""
    return {f"{MODEL}/{name}": (REFIT, REFIT) for name in names}


def day_digests(store: ArtefactStore) -> Mapping[str, str]:
    """Digest of each day of the feature table."""
    days = [day.isoformat() for day in days_between(FIRST, LAST + timedelta(days=1))]
    records = {day: store.read_record(DayRecord, day_name(MODEL, day)) for day in days}
    return {day: record.digest for day, record in records.items() if record}


def refit_digests(store: ArtefactStore) -> Mapping[str, str]:
    """Digests of everything that one refit made, file by file of the jar."""
    files = store.refit(MODEL, REFIT)
    training = store.need_record(TrainingSet, files.name("training_set.json"), made_by="test")
    candidate = store.need_record(Candidate, files.name("candidate/candidate.json"), made_by="test")
    jar = store.need_record(PackagedJar, files.name("scoring_jar.json"), made_by="test")
    evaluation = store.need_record(
        Evaluation, files.name("evaluation/evaluation.json"), made_by="test"
    )
    release = store.need_record(Release, files.name(RECORD), made_by="test")
    return {
        "training set": training.digest,
        "trial": candidate.trial_key,
        "mojo": candidate.mojo_sha256,
        "golden rows": candidate.golden_sha256,
        # The javadoc tool puts scripts of its own JDK's patch level beside its pages.
        **{f.name: f.sha256 for f in jar.jar.files if not f.name.endswith("-javadoc.jar")},
        # Twelve digits: the last bits of a logarithm are the processor's.
        **{one.metric: f"{one.value:.12g}" for one in evaluation.metrics},
        "parity": repr(evaluation.parity),
        "promoted": repr(release.promoted),
        "released jar": release.jar_sha256,
    }


def predicted_digest(store: ArtefactStore) -> str:
    """Digest of the scores of the last day."""
    name = predicted_name(MODEL, LAST.isoformat())
    return store.need_record(PredictedDay, name, made_by="test").digest


def is_released(store: ArtefactStore) -> bool:
    """Whether the refit is done."""
    return store.storage.read(store.refit(MODEL, REFIT).name(RECORD)) is not None


def stored_trials(store: ArtefactStore) -> Mapping[str, bytes | None]:
    """Records of all trials, by name; each says how long its fit took."""
    names = [name for name in store.storage.names(TRIALS) if name.endswith("trial.json")]
    return {name: store.storage.read(name) for name in names}


def forget_trials(store: ArtefactStore) -> None:
    """Delete what H2O made, so that it must be made again."""
    store.storage.delete(TRIALS)
    store.storage.delete(f"{store.refit(MODEL, REFIT).folder}/candidate/")
