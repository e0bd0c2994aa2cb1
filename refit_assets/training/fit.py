"""Fitting: a refit's trials side by side in one H2O, each stored as soon as it is done.

A trial whose key is in the store is not fitted again, so a killed JVM costs the trials in flight.
Belongs here: the order of fits, one trial from start to store. Does not: the H2O process itself
(`resources.h2o`), the candidate's files (`candidate`).
"""

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
from refit_assets.training.candidate import CANDIDATE, CandidateSources, write_candidate
from refit_assets.training.frames import PartFrame, read_part, read_ranges
from refit_assets.training.metrics import choose_threshold, measure
from refit_assets.training.mojo import canonical_mojo, mojo_digest
from refit_assets.training.plan import PlanInputs, plan_trials
from refit_assets.training.predictions import (
    ClusterPredictions,
    positive_scores,
    read_predictions,
)
from refit_assets.training.session import Frame, H2OConnection, H2OSession, connected
from refit_assets.training.threshold import threshold_of_h2o
from refit_assets.training.trial import (
    H2O_VERSION,
    Candidate,
    Trial,
    TrialPlan,
    rank_trials,
)

Tell = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class FitRequest:
    """Fit this model on that training set."""

    spec: ModelSpec
    training_set: TrainingSet
    max_parallel: int | None = None
    """How many trials at once; None: as the spec says."""


@dataclass(frozen=True, kw_only=True)
class TrialRequest:
    """Fit one trial of a refit, beside others elsewhere."""

    fit: FitRequest
    key: str


@dataclass(frozen=True, kw_only=True)
class FitResult:
    """The leaderboard, best first, and the candidate made of its head."""

    trials: tuple[Trial, ...]
    candidate: Candidate


@dataclass(frozen=True, kw_only=True)
class Leaderboard:
    """What `trials.json` of a refit holds."""

    training_set_digest: str
    choose_by: str
    trials: tuple[Trial, ...]


@dataclass(frozen=True, kw_only=True)
class _Frames:
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
class _Work:
    """One refit's fitting, while it is under way."""

    session: H2OSession
    request: FitRequest
    store: ArtefactStore
    tell: Tell
    plans: Sequence[TrialPlan]
    frames: _Frames
    done: dict[str, Trial]
    running: dict[str, tuple[TrialPlan, Estimator, str]] = field(
        default_factory=dict[str, tuple[TrialPlan, Estimator, str]]
    )
    loaded: set[str] = field(default_factory=set[str])
    """Keys of trials whose models are in H2O's memory."""


def read_fitted(request: FitRequest, store: ArtefactStore, *, nodes: int = 1) -> FitResult | None:
    """Return the result of a refit that is fitted already; None if anything is missing.

    Needs no H2O: a refit with nothing new never starts one.
    """
    plans = plan_trials(request.spec, _inputs(request, nodes))
    stored = _stored(request, store, plans)
    if len(stored) < len(plans):
        return None
    ranked = _ranked(request, plans, stored)
    files = store.refit(request.spec.name, request.training_set.refit)
    candidate = store.read_record(Candidate, files.name(CANDIDATE))
    expected = (ranked[0].key, request.training_set.digest, request.spec.features.key)
    if candidate is None or candidate.identity != expected:
        return None
    return FitResult(trials=ranked, candidate=candidate)


def fit(
    connection: H2OConnection, request: FitRequest, store: ArtefactStore, tell: Tell
) -> FitResult:
    """Fit what is missing, choose the best, write leaderboard and candidate.

    Raises:
        SpecError: H2O refuses the parameters of a trial.
        DataError: the frames are not what the training set pins, or can't be measured on.
        WorkloadFailed: the cluster was lost; the trials that were done are stored.
        WorkloadTimeout: `trials.max_seconds` have passed.

    """
    spec, training_set = request.spec, request.training_set
    plans = plan_trials(spec, _inputs(request, connection.nodes))
    with connected(connection, spec.trials.max_seconds) as session:
        done, loaded = _done(session, request, store, tell, plans)
        ranked = _ranked(request, plans, done)
        files = store.refit(spec.name, training_set.refit)
        board = Leaderboard(
            training_set_digest=training_set.digest, choose_by=spec.trials.choose_by, trials=ranked
        )
        store.write_record(files.name("trials.json"), board)
        tell(f"{_title(ranked[0])} is the candidate; predicting golden rows and holdout")
        model = _model(session, store, spec.name, ranked[0], loaded)
        sources = CandidateSources(
            session=session,
            spec=spec,
            training_set=training_set,
            store=store,
            trial=ranked[0],
            model=model,
        )
        return FitResult(trials=ranked, candidate=write_candidate(sources))


def fit_trial(
    connection: H2OConnection, request: FitRequest, key: str, store: ArtefactStore, tell: Tell
) -> Trial:
    """Fit one trial of a refit and store it, unless it is stored; for trials in pods of their own.

    Raises:
        DataError: no trial of the request has that key.
        Everything that `fit` raises.

    """
    plans = plan_trials(request.spec, _inputs(request, connection.nodes))
    mine = [plan for plan in plans if plan.key == key]
    if not mine:
        message = (
            f"{request.spec.name} has no trial {key}; it has {', '.join(p.key for p in plans)}"
        )
        raise DataError(message)
    with connected(connection, request.spec.trials.max_seconds) as session:
        done, _ = _done(session, request, store, tell, mine)
        return done[key]


def missing_trials(request: FitRequest, store: ArtefactStore) -> tuple[TrialPlan, ...]:
    """Plans that are not fitted yet and need no other trial, for one node."""
    plans = plan_trials(request.spec, _inputs(request, 1))
    stored = _stored(request, store, plans)
    return tuple(plan for plan in plans if plan.key not in stored and not plan.base)


def _done(
    session: H2OSession,
    request: FitRequest,
    store: ArtefactStore,
    tell: Tell,
    plans: Sequence[TrialPlan],
) -> tuple[dict[str, Trial], set[str]]:
    """Fit what is not stored; all trials by key, and which of their models H2O still holds."""
    done = _stored(request, store, plans)
    if len(done) == len(plans):
        return done, set()
    # Unknown parameters are refused before anything is read or fitted.
    for plan in plans:
        build_estimator(plan, classification=request.spec.classification)
    tell(f"{len(done)} of {len(plans)} trials are stored; reading the training window")
    work = _Work(
        session=session,
        request=request,
        store=store,
        tell=tell,
        plans=plans,
        frames=_read_frames(session, request),
        done=done,
    )
    _fit_missing(work)
    return work.done, work.loaded


def _inputs(request: FitRequest, nodes: int) -> PlanInputs:
    return PlanInputs(training_set_digest=request.training_set.digest, nodes=nodes)


def _stored(
    request: FitRequest, store: ArtefactStore, plans: Sequence[TrialPlan]
) -> dict[str, Trial]:
    found: dict[str, Trial] = {}
    for plan in plans:
        trial = store.read_record(Trial, trial_name(request.spec.name, plan.key, "trial.json"))
        if trial is not None:
            found[plan.key] = trial
    return found


def _ranked(
    request: FitRequest, plans: Sequence[TrialPlan], done: dict[str, Trial]
) -> tuple[Trial, ...]:
    return rank_trials([done[plan.key] for plan in plans], request.spec.trials.choose_by)


def _read_frames(session: H2OSession, request: FitRequest) -> _Frames:
    spec, training_set = request.spec, request.training_set
    train = read_part(session, spec, training_set, "train")
    validation = None
    if spec.trials.folds is None:
        validation = read_part(session, spec, training_set, "validation")
    frames = _Frames(train=train, validation=validation, ranges=read_ranges(spec, train))
    if spec.classification and len(np.unique(frames.measured.labels)) < len(spec.target.classes):
        message = f"{spec.name} {training_set.refit}: rows to choose by have one label only"
        raise DataError(message)
    return frames


def _fit_missing(work: _Work) -> None:
    """Keep up to `max_parallel` fits running until every plan is done."""
    most = work.request.max_parallel or work.request.spec.trials.max_parallel
    waiting = [plan for plan in work.plans if plan.key not in work.done]
    while waiting or work.running:
        ready = [plan for plan in waiting if all(key in work.done for key in plan.base)]
        for plan in ready[: most - len(work.running)]:
            waiting.remove(plan)
            _start(work, plan)
        work.session.pause(f"trials of {work.request.spec.name}")
        for key, (plan, estimator, job) in list(work.running.items()):
            if work.session.job_done(job, f"trial {plan.title}"):
                del work.running[key]
                work.done[key] = _finish(work, plan, estimator, job)
                work.loaded.add(key)
                _tell_progress(work, key)


def _start(work: _Work, plan: TrialPlan) -> None:
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


def _base_model(work: _Work, key: str) -> str:
    trial = work.done[key]
    model = _model(work.session, work.store, work.request.spec.name, trial, work.loaded)
    work.loaded.add(key)
    return str(model.model_id)


def _model(
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


def _finish(work: _Work, plan: TrialPlan, estimator: Estimator, job: str) -> Trial:
    """Measure a fitted model, set its threshold, store it; its record comes last."""
    spec, session = work.request.spec, work.session
    seconds = session.job_seconds(job)
    estimator.join()
    predicted, labels = _measured(work, plan, estimator)
    scores = positive_scores(spec, predicted)
    threshold: float | None = None
    if spec.classification:
        threshold = choose_threshold(labels, scores, spec.trials.threshold)
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
    work: _Work, estimator: Estimator, predicted: ClusterPredictions, threshold: float
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
        work.session.h2o.rapids(f"(model.reset.threshold {model_id} {cut!r})")


def _measured(
    work: _Work, plan: TrialPlan, estimator: Estimator
) -> tuple[ClusterPredictions, NDArray[np.float64]]:
    """Predictions and labels of rows that the trial was not fitted on, row by row."""
    part = work.frames.measured
    if plan.algorithm == "stacked_ensemble":
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


def _store_model(work: _Work, plan: TrialPlan, estimator: Estimator) -> str:
    store, name = work.store.storage, work.request.spec.name
    with tempfile.TemporaryDirectory(prefix="refit-trial-") as folder:
        exported = estimator.download_mojo(path=str(Path(folder) / "exported.zip"))
        mojo = canonical_mojo(Path(exported).read_bytes())
        binary = work.session.h2o.download_model(
            estimator,
            path=folder,
            export_cross_validation_predictions=work.frames.validation is None,
        )
        store.write(trial_name(name, plan.key, "model.zip"), mojo)
        store.upload(Path(binary), trial_name(name, plan.key, "model.bin"))
    return mojo_digest(mojo)


def _tell_progress(work: _Work, key: str) -> None:
    metric = work.request.spec.trials.choose_by
    finished = work.done[key]
    best = rank_trials(list(work.done.values()), metric)[0]
    work.tell(
        f"trial {len(work.done)} of {len(work.plans)} done: {_title(finished)} "
        f"{metric} {finished.metrics[metric]:.5f} in {finished.seconds:.1f} s; "
        f"best {best.metrics[metric]:.5f} ({_title(best)})"
    )


def _title(trial: Trial) -> str:
    return f"{trial.algorithm}-{trial.key[:6]}"
