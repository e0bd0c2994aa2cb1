"""The trials of one H2O under way: start, measure, set the threshold, store, one after another.

Belongs here: what happens to a trial from its start to its record in the store. Does not: which
trials there are (`plan`), what is made of them all (`fit`).
"""

import itertools
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from refit_assets.artefacts import ArtefactStore, trial_name
from refit_assets.errors import DataError, SpecError
from refit_assets.features.training_set import TrainingSet
from refit_assets.spec import ModelSpec
from refit_assets.training.algorithms import (
    Estimator,
    build_estimator,
    deciding_models,
    read_curve,
    read_importance,
    start_fit,
)
from refit_assets.training.frames import PartFrame, read_part, read_ranges
from refit_assets.training.metrics import choose_threshold, measure
from refit_assets.training.mojo import canonical_mojo, mojo_digest
from refit_assets.training.predictions import (
    ClusterPredictions,
    positive_scores,
    read_predictions,
)
from refit_assets.training.session import Frame, H2OSession
from refit_assets.training.threshold import threshold_of_h2o
from refit_assets.training.trial import H2O_VERSION, Trial, TrialPlan, rank_trials

Tell = Callable[[str], None]

_LOOKS_BETWEEN = 20
"""A store is asked for other clusters' trials at every so manieth look at the own ones."""


@dataclass(frozen=True, kw_only=True)
class FitRequest:
    """Fit this model on that training set."""

    spec: ModelSpec
    training_set: TrainingSet
    searched: tuple[Trial, ...] = ()
    """Trials of an earlier refit's search, the best first, once they are known: it is fitted."""
    max_parallel: int | None = None
    """How many trials at once; None: as the spec says."""
    trees_elsewhere: bool = False
    """Clusters beside this one fit the trees: they are waited for, in the store."""


@dataclass(frozen=True, kw_only=True)
class Frames:
    """What trials are fitted and measured on."""

    train: PartFrame
    validation: PartFrame | None
    """None where folds of the training rows validate."""
    ranges: dict[str, tuple[float, float]]

    @property
    def measured(self) -> PartFrame:
        """The rows that trials are chosen by."""
        return self.train if self.validation is None else self.validation


@dataclass(kw_only=True)
class Work:
    """One refit's fitting, while it is under way."""

    session: H2OSession
    request: FitRequest
    store: ArtefactStore
    tell: Tell
    plans: Sequence[TrialPlan]
    frames: Frames
    done: dict[str, Trial]
    take: Callable[[TrialPlan], bool] = lambda plan: True  # noqa: ARG005
    """Whether a trial is this cluster's to fit."""
    elsewhere: frozenset[str] = frozenset()
    """Keys of trials that other clusters store."""
    running: dict[str, tuple[TrialPlan, Estimator, str]] = field(
        default_factory=dict[str, tuple[TrialPlan, Estimator, str]]
    )
    loaded: set[str] = field(default_factory=set[str])
    """Keys of trials whose models are in H2O's memory."""


def read_frames(session: H2OSession, request: FitRequest) -> Frames:
    """Read what the training set pins; DataError where it can't be measured on."""
    spec, training_set = request.spec, request.training_set
    train = read_part(session, spec, training_set, "train")
    validation = None
    if spec.trials.folds is None:
        validation = read_part(session, spec, training_set, "validation")
    frames = Frames(train=train, validation=validation, ranges=read_ranges(session, spec, train))
    if spec.classification and len(np.unique(frames.measured.labels)) < len(spec.target.classes):
        message = f"{spec.name} {training_set.refit}: rows to choose by have one label only"
        raise DataError(message)
    return frames


def fit_missing(work: Work) -> None:
    """Keep up to `max_parallel` fits running until every plan is done, or taken by others."""
    most = work.request.max_parallel or work.request.spec.trials.max_parallel
    waiting = [plan for plan in work.plans if plan.key not in work.done]
    for look in itertools.count():
        if not waiting and not work.running:
            return
        if look % _LOOKS_BETWEEN == 0:
            _take_in(work, waiting)
        mine = [plan for plan in waiting if plan.key not in work.elsewhere]
        ready = [plan for plan in mine if all(key in work.done for key in plan.base)]
        # Taken no sooner than there is room: what waits, another cluster may still take.
        for plan in ready[: most - len(work.running)]:
            waiting.remove(plan)
            if work.take(plan):
                _start(work, plan)
        work.session.pause(f"trials of {work.request.spec.name}")
        for key, (plan, estimator, job) in list(work.running.items()):
            if work.session.job_done(job, f"trial {plan.title}"):
                del work.running[key]
                work.done[key] = _finish(work, plan, estimator, job)
                work.loaded.add(key)
                _tell_progress(work, key)


def _take_in(work: Work, waiting: list[TrialPlan]) -> None:
    """Take over what other clusters have stored meanwhile: a record is there when all of it is."""
    name = work.request.spec.name
    for plan in [plan for plan in waiting if plan.key in work.elsewhere]:
        trial = work.store.read_record(Trial, trial_name(name, plan.key, "trial.json"))
        if trial is not None:
            waiting.remove(plan)
            work.done[plan.key] = trial
            _tell_progress(work, plan.key)


def _start(work: Work, plan: TrialPlan) -> None:
    from h2o.exceptions import H2OResponseError

    spec = work.request.spec
    estimator = build_estimator(plan, classification=spec.classification)
    frames: dict[str, Any] = {"training_frame": work.frames.train.frame}
    if plan.algorithm == "stacked_ensemble":
        estimator.base_models = [_base_model(work, key) for key in plan.base]
        if work.frames.validation is not None:
            frames["blending_frame"] = work.frames.validation.frame
    elif work.frames.validation is not None:
        frames["validation_frame"] = work.frames.validation.frame
    try:
        job = start_fit(estimator, x=list(spec.features.columns), y=spec.target.column, **frames)
    except (H2OResponseError, ValueError, TypeError) as error:
        message = f"trials.search, {plan.algorithm}: H2O refuses the trial: {error}"
        raise SpecError(message) from error
    work.running[plan.key] = (plan, estimator, job)


def _base_model(work: Work, key: str) -> str:
    trial = work.done[key]
    base = get_model(work.session, work.store, work.request.spec.name, trial, work.loaded)
    work.loaded.add(key)
    return str(base.model_id)


def get_model(
    session: H2OSession, store: ArtefactStore, model: str, trial: Trial, loaded: set[str]
) -> Estimator:
    """Get a trial's model inside H2O: it is there, or comes from the store."""
    name = f"{trial.algorithm}_{trial.key}"
    if trial.key in loaded:
        return session.h2o.get_model(name)
    with tempfile.TemporaryDirectory(prefix="refit-model-") as folder:
        path = Path(folder) / name
        store.storage.download(trial_name(model, trial.key, "model.bin"), path)
        return session.load_model(path)


def _finish(work: Work, plan: TrialPlan, estimator: Estimator, job: str) -> Trial:
    """Measure a fitted model, set its threshold, store it; its record comes last."""
    spec, session = work.request.spec, work.session
    seconds = session.job_seconds(job)
    # The job is done; this makes h2o's client fetch the model.
    estimator.join()
    predicted, labels = _measured(work, plan, estimator)
    scores = positive_scores(spec, predicted)
    threshold: float | None = None
    if spec.classification:
        threshold = choose_threshold(labels, scores, spec.trials.threshold)
        # Before the export, since the MOJO holds it.
        _set_threshold(work, estimator, predicted, threshold)
    digest = _store_model(work, plan, estimator)
    curve_metric, curve = read_curve(estimator)
    trial = Trial(
        key=plan.key,
        algorithm=plan.algorithm,
        parameters=plan.parameters,
        seed=plan.seed,
        nodes=plan.nodes,
        base=plan.base,
        h2o_version=H2O_VERSION,
        training_set_digest=work.request.training_set.digest,
        metrics=measure(labels, scores, classification=spec.classification),
        measured_rows=len(labels),
        threshold=threshold,
        seconds=seconds,
        mojo_sha256=digest,
        importance=read_importance(estimator),
        learning_curve=curve,
        curve_metric=curve_metric,
        ranges=work.frames.ranges,
    )
    work.store.write_record(trial_name(spec.name, plan.key, "trial.json"), trial)
    return trial


def _set_threshold(
    work: Work, estimator: Estimator, predicted: ClusterPredictions, threshold: float
) -> None:
    """Make cluster and MOJO answer the positive label from the threshold on."""
    spec = work.request.spec
    first, second = spec.target.classes
    positive = positive_scores(spec, predicted) >= threshold
    cut = threshold_of_h2o(
        threshold,
        positive_first=first == spec.target.positive,
        largest_second=float(predicted.columns[f"p:{second}"][positive].max(initial=-1.0)),
    )
    for model_id in deciding_models(estimator):
        # h2o's client has no method for it. H2O's own comes from a histogram whose bins depend on
        # the nodes, and would make other bytes of the same trees.
        work.session.h2o.rapids(f"(model.reset.threshold {model_id} {cut!r})")


def _measured(
    work: Work, plan: TrialPlan, estimator: Estimator
) -> tuple[ClusterPredictions, NDArray[np.float64]]:
    """Predictions and labels of rows that the trial was not fitted on, row by row."""
    part = work.frames.measured
    if plan.algorithm == "stacked_ensemble":
        # Its weights were fitted to these very rows: only out of fold is the measure honest.
        metalearner = estimator.metalearner()
        frame: Frame = metalearner.cross_validation_holdout_predictions()
    elif work.frames.validation is None:
        frame = estimator.cross_validation_holdout_predictions()
    else:
        frame = work.session.predict(plan.model_id, part.name, f"validated_{plan.key}")
    predicted = read_predictions(work.session, work.request.spec, frame)
    if work.frames.validation is not None:
        # Out-of-fold predictions stay: ensembles are fitted on them.
        work.session.remove(str(frame.frame_id))
    return predicted, part.labels


def _store_model(work: Work, plan: TrialPlan, estimator: Estimator) -> str:
    store, name = work.store.storage, work.request.spec.name
    with tempfile.TemporaryDirectory(prefix="refit-trial-") as folder:
        exported = estimator.download_mojo(path=str(Path(folder) / "exported.zip"))
        mojo = canonical_mojo(Path(exported).read_bytes())
        # With the out-of-fold predictions: an ensemble that is fitted in another JVM needs them.
        binary = work.session.h2o.download_model(
            estimator,
            path=folder,
            export_cross_validation_predictions=work.frames.validation is None,
        )
        store.write(trial_name(name, plan.key, "model.zip"), mojo)
        store.upload(Path(binary), trial_name(name, plan.key, "model.bin"))
    return mojo_digest(mojo)


def _tell_progress(work: Work, key: str) -> None:
    metric = work.request.spec.trials.choose_by
    finished = work.done[key]
    best = rank_trials(list(work.done.values()), metric)[0]
    work.tell(
        f"trial {len(work.done)} of {len(work.plans)} done: {finished.title} "
        f"{metric} {finished.metrics[metric]:.5f} in {finished.seconds:.1f} s; "
        f"best {best.metrics[metric]:.5f} ({best.title})"
    )
