"""One queue for several clusters: every trial has one taker, and a successor is its predecessor."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from refit_assets.artefacts import ArtefactStore, Folder
from refit_assets.training.plan import PlanInputs, plan_trials
from refit_assets.training.queue import TrialQueue
from refit_assets_tests.training.flights import build_spec

SPEC = build_spec(
    trials={
        "choose_by": "log_loss",
        "validation": 1,
        "search": [{"algorithm": "gbm", "grid": {"max_depth": [2, 3, 4, 5, 6]}}],
    }
)
PLANS = plan_trials(SPEC, PlanInputs(training_set_digest="d"))


def queue(folder: Path, taker: str) -> TrialQueue:
    store = ArtefactStore(storage=Folder(root=folder, durable=False))
    return TrialQueue(store=store, folder="q/", taker=taker)


def test_each_trial_goes_to_one_of_many_that_want_it(tmp_path: Path) -> None:
    def take_all(taker: str) -> list[str]:
        return [plan.key for plan in PLANS if queue(tmp_path, taker).take(plan)]

    with ThreadPoolExecutor(max_workers=4) as pool:
        taken = [key for keys in pool.map(take_all, "abcd") for key in keys]
    assert sorted(taken) == sorted(plan.key for plan in PLANS)


def test_a_cluster_that_comes_back_under_its_name_has_what_it_had(tmp_path: Path) -> None:
    assert queue(tmp_path, "a").take(PLANS[0])
    assert queue(tmp_path, "a").take(PLANS[0])
    assert not queue(tmp_path, "b").take(PLANS[0])
