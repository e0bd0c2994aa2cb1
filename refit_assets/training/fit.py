"""A refit's fit: what is in the store, what is still to be fitted, and the candidate made of all.

A trial whose key is in the store is not fitted again, so a killed JVM costs the trials in flight.
Belongs here: one fit, or a cluster's share of it, from request to result. Does not: one trial
(`fitting`), the H2O process (`resources.h2o`), the candidate's files (`candidate`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from refit_assets.artefacts import ArtefactStore, trial_name
from refit_assets.errors import DataError
from refit_assets.training.algorithms import build_estimator
from refit_assets.training.candidate import CANDIDATE, CandidateSources, write_candidate
from refit_assets.training.fitting import (
    FitRequest,
    Tell,
    Work,
    fit_missing,
    get_model,
    read_frames,
)
from refit_assets.training.plan import PlanInputs, choose, plan_trials
from refit_assets.training.queue import TrialQueue
from refit_assets.training.session import H2OConnection, H2OSession, connected
from refit_assets.training.trial import (
    LEADERBOARD,
    Candidate,
    Leaderboard,
    Trial,
    TrialPlan,
    rank_trials,
)


@dataclass(frozen=True, kw_only=True)
class ShareRequest:
    """Fit what this cluster gets from the queue; another pass makes the candidate."""

    fit: FitRequest
    queue: str
    """Where the queue lies in the store."""
    taker: str
    """This cluster's name in the queue."""
    trees_only: bool = False
    """Leave out what depends on the number of nodes."""


@dataclass(frozen=True, kw_only=True)
class ShareResult:
    """Keys of the trials that one cluster fitted."""

    fitted: tuple[str, ...]


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


def fit_from_store(
    request: FitRequest, store: ArtefactStore, tell: Tell, *, nodes: int = 1
) -> FitResult | None:
    """Return the result of a refit that is fitted already; None if anything is missing.

    Needs no H2O: a refit with nothing new never starts one. Its leaderboard is written again, since
    a spec may have come to ask for fewer trials.
    """
    refit, request = request.training_set.refit, next_request(request, store, nodes=nodes)
    # Another run may store the search's last trial at this moment: that is not yet this refit.
    if request.training_set.refit != refit:
        return None
    ranked = _read_ranked(request, store, nodes)
    if ranked is None:
        return None
    files = store.refit(request.spec.name, request.training_set.refit)
    candidate = store.read_record(Candidate, files.name(CANDIDATE))
    # A candidate of an older plan, or of other days, does not count.
    expected = (ranked[0].key, request.training_set.digest, request.spec.features.key)
    if candidate is None or candidate.identity != expected:
        return None
    _write_leaderboard(request, store, ranked)
    tell(f"all {len(ranked)} trials and the candidate are stored already")
    return FitResult(trials=ranked, candidate=candidate)


def fit(
    connection: H2OConnection, request: FitRequest, store: ArtefactStore, tell: Tell
) -> FitResult:
    """Fit what is missing, choose the best, write leaderboard and candidate.

    Of a refit that does not search by itself the search comes first, on the days that it reads.

    Raises:
        SpecError: H2O refuses the parameters of a trial.
        DataError: the frames are not what the training set pins, or can't be measured on.
        WorkloadFailed: the cluster was lost; the trials that were done are stored.
        WorkloadTimeout: `trials.max_seconds` have passed.

    """
    with connected(connection, request.spec.trials.max_seconds) as session:
        request = _searched(session, request, store, tell)
        spec, training_set = request.spec, request.training_set
        plans = _plans(request, connection.nodes)
        done, loaded = _done(session, request, store, tell, plans)
        ranked = _ranked(request, plans, done)
        _write_leaderboard(request, store, ranked)
        tell(f"{ranked[0].title} is the candidate; predicting golden rows and holdout")
        model = get_model(session, store, spec.name, ranked[0], loaded)
        sources = CandidateSources(
            session=session,
            spec=spec,
            training_set=training_set,
            store=store,
            trial=ranked[0],
            model=model,
        )
        return FitResult(trials=ranked, candidate=write_candidate(sources))


def fit_share(
    connection: H2OConnection, request: ShareRequest, store: ArtefactStore, tell: Tell
) -> ShareResult:
    """Fit trials of a queue until it is empty; several clusters share one.

    Raises as `fit` does.
    """
    plans = _plans_to_share(request, connection.nodes)
    before = set(_stored(request.fit, store, plans))
    queue = TrialQueue(store=store, folder=request.queue, taker=request.taker)
    with connected(connection, request.fit.spec.trials.max_seconds) as session:
        done, _ = _done(session, request.fit, store, tell, plans, take=queue.take)
        return ShareResult(fitted=tuple(sorted(set(done) - before)))


def fit_trial(
    connection: H2OConnection, request: FitRequest, key: str, store: ArtefactStore, tell: Tell
) -> Trial:
    """Fit one trial of a refit and store it, unless it is stored; for trials in pods of their own.

    Raises:
        DataError: no trial of the request has that key.
        Everything that `fit` raises.

    """
    plans = _plans(request, connection.nodes)
    mine = [plan for plan in plans if plan.key == key]
    if not mine:
        message = (
            f"{request.spec.name} has no trial {key}; it has {', '.join(p.key for p in plans)}"
        )
        raise DataError(message)
    with connected(connection, request.spec.trials.max_seconds) as session:
        done, _ = _done(session, request, store, tell, mine)
        return done[key]


def next_request(request: FitRequest, store: ArtefactStore, *, nodes: int) -> FitRequest:
    """Return what is to be fitted now; needs no H2O.

    The search where it reads an earlier refit's days and trials of it are missing, else the refit
    itself, with what that search chose. Only `fit` takes a request to its candidate.
    """
    search = request.training_set.search
    if search is None or request.searched:
        return request
    asked = replace(request, training_set=search)
    ranked = _read_ranked(asked, store, nodes)
    # Other clusters fit the search's trees, and not what it chose.
    return replace(request, searched=ranked, trees_elsewhere=False) if ranked else asked


def missing_trials(request: FitRequest, store: ArtefactStore) -> tuple[TrialPlan, ...]:
    """Plans that are not fitted yet and need no other trial, for one node."""
    # For Argo's pods, each of which has an H2O of one node inside.
    plans = _plans(request, 1)
    stored = _stored(request, store, plans)
    return tuple(plan for plan in plans if plan.key not in stored and not plan.base)


def _searched(
    session: H2OSession, request: FitRequest, store: ArtefactStore, tell: Tell
) -> FitRequest:
    """Fit what the search of an earlier refit lacks; the request with what it chose."""
    nodes = session.connection.nodes
    following = next_request(request, store, nodes=nodes)
    if following.training_set.refit != request.training_set.refit:
        _done(session, following, store, tell, _plans(following, nodes))
        # Else its rows and models would need memory beside the refit's own.
        session.h2o.remove_all()
        following = next_request(request, store, nodes=nodes)
    if following.searched:
        best, made = following.searched[0], following.training_set.searched_in
        tell(f"the search of {made} chose {best.algorithm}: {best.settings}")
    return following


def _done(
    session: H2OSession,
    request: FitRequest,
    store: ArtefactStore,
    tell: Tell,
    plans: Sequence[TrialPlan],
    *,
    take: Callable[[TrialPlan], bool] = lambda plan: True,  # noqa: ARG005
) -> tuple[dict[str, Trial], set[str]]:
    """Fit what is not stored; all trials by key, and which of their models H2O still holds."""
    done = _stored(request, store, plans)
    if len(done) == len(plans):
        return done, set()
    # Unknown parameters are refused before anything is read or fitted.
    for plan in plans:
        build_estimator(plan, classification=request.spec.classification)
    stored, refit = f"{len(done)} of {len(plans)} trials", request.training_set.refit
    tell(f"{stored} are stored; reading the training window of {refit}")
    work = Work(
        session=session,
        request=request,
        store=store,
        tell=tell,
        plans=plans,
        frames=read_frames(session, request),
        done=done,
        take=take,
        elsewhere=frozenset(plan.key for plan in plans if _is_elsewhere(plan, request)),
    )
    fit_missing(work)
    return work.done, work.loaded


def _is_elsewhere(plan: TrialPlan, request: FitRequest) -> bool:
    return request.trees_elsewhere and not plan.base and plan.nodes is None


def count_to_share(request: ShareRequest, store: ArtefactStore, *, nodes: int) -> int:
    """How many trials are left that clusters can share; needs no H2O."""
    plans = _plans_to_share(request, nodes)
    return len(plans) - len(_stored(request.fit, store, plans))


def _plans_to_share(request: ShareRequest, nodes: int) -> Sequence[TrialPlan]:
    """Trials that need no other trial's model, which lies in the memory of one cluster."""
    plans = _plans(request.fit, nodes)
    return [plan for plan in plans if not plan.base and not (request.trees_only and plan.nodes)]


def _plans(request: FitRequest, nodes: int) -> tuple[TrialPlan, ...]:
    spec = choose(request.spec, request.searched) if request.searched else request.spec
    inputs = PlanInputs(training_set_digest=request.training_set.digest, nodes=nodes)
    return plan_trials(spec, inputs)


def _stored(
    request: FitRequest, store: ArtefactStore, plans: Sequence[TrialPlan]
) -> dict[str, Trial]:
    found: dict[str, Trial] = {}
    for plan in plans:
        trial = store.read_record(Trial, trial_name(request.spec.name, plan.key, "trial.json"))
        if trial is not None:
            found[plan.key] = trial
    return found


def _read_ranked(request: FitRequest, store: ArtefactStore, nodes: int) -> tuple[Trial, ...] | None:
    plans = _plans(request, nodes)
    stored = _stored(request, store, plans)
    return _ranked(request, plans, stored) if len(stored) == len(plans) else None


def _ranked(
    request: FitRequest, plans: Sequence[TrialPlan], done: dict[str, Trial]
) -> tuple[Trial, ...]:
    return rank_trials([done[plan.key] for plan in plans], request.spec.trials.choose_by)


def _write_leaderboard(
    request: FitRequest, store: ArtefactStore, ranked: tuple[Trial, ...]
) -> None:
    spec, training_set = request.spec, request.training_set
    board = Leaderboard(
        training_set_digest=training_set.digest,
        choose_by=spec.trials.choose_by,
        trials=ranked,
        searched_in=training_set.searched_in,
        search=request.searched,
    )
    store.write_record(store.refit(spec.name, training_set.refit).name(LEADERBOARD), board)
