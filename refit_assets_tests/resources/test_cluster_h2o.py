"""A fit on a cluster: how it is spread over H2O clusters, and what a lost node costs.

Over an API server in memory, whose programs answer as soon as they are submitted.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from refit_assets.artefacts import ArtefactStore, Folder, trial_name
from refit_assets.exchange import Exchange
from refit_assets.features.training_set import TrainingSet
from refit_assets.resources.cluster_h2o import ClusterH2O, Passes, plan_passes
from refit_assets.spec import ModelSpec
from refit_assets.training.candidate import CANDIDATE as CANDIDATE_FILE
from refit_assets.training.fit import FitRequest, FitResult, ShareRequest, ShareResult
from refit_assets.training.plan import PlanInputs, plan_trials
from refit_assets.training.trial import Candidate
from refit_assets.workloads.h2o_cluster import CLIENT_LABEL
from refit_assets.workloads.kube import Manifest
from refit_assets_tests.fakes.cluster import folder_programs, in_a_step
from refit_assets_tests.fakes.h2o import as_fitted
from refit_assets_tests.fakes.kubernetes_api import FakeApi
from refit_assets_tests.training.flights import PINS, build_spec, build_training_set

TREES = [{"algorithm": "gbm"}, {"algorithm": "drf"}]
LINES = [{"algorithm": "glm"}]
CANDIDATE = Candidate(
    trial_key="best",
    algorithm="gbm",
    parameters={},
    seed=1,
    nodes=None,
    h2o_version="3",
    training_set_digest="days",
    mojo_sha256="mojo",
    threshold=None,
    metrics={},
    importance=(),
    learning_curve=(),
    curve_metric=None,
    key_column="key",
    golden_rows=0,
    golden_sha256="golden",
    holdout_rows=0,
    holdout_predictions_sha256="holdout",
)

EARLIER = [replace(pin, day=pin.day - timedelta(days=1), digest=f"-{pin.digest}") for pin in PINS]
"""What the search of the refit of the day before reads."""


def spec_of(search: list[dict[str, Any]], **size: int) -> ModelSpec:
    return build_spec(
        trials={"choose_by": "log_loss", "validation": 1, "search": search},
        compute={"kubernetes": {"h2o": size}},
    )


@pytest.mark.parametrize(
    ("size", "search", "clusters", "trees_only", "last_nodes"),
    [
        ({}, TREES + LINES, 0, False, 1),
        ({"nodes": 2}, TREES, 0, False, 2),
        ({"nodes": 2}, LINES, 0, False, 2),
        ({"nodes": 2}, TREES + LINES, 1, True, 1),
        ({"nodes": 2, "clusters": 3}, TREES + LINES, 3, True, 1),
        ({"nodes": 2, "clusters": 3}, TREES, 3, False, 2),
        ({"clusters": 3}, TREES + LINES, 3, False, 1),
    ],
)
def test_trees_are_spread_and_what_depends_on_the_nodes_is_not(
    size: dict[str, int],
    search: list[dict[str, Any]],
    clusters: int,
    trees_only: bool,  # noqa: FBT001
    last_nodes: int,
) -> None:
    assert plan_passes(spec_of(search, **size)) == Passes(
        clusters=clusters,
        nodes=size.get("nodes", 1),
        trees_only=trees_only,
        last_nodes=last_nodes,
    )


@dataclass
class Served(FakeApi):
    """Nodes start once their program is there, which answers at once."""

    store: ArtefactStore = field(default_factory=lambda: ArtefactStore(storage=Folder(root=Path())))
    ends: Callable[[str, int], str] = lambda command, attempt: "Succeeded"
    """How a program ends: a pod's phase; or `lost` where a node dies meanwhile."""
    made: list[Manifest] = field(default_factory=list)

    def create(self, manifest: Manifest) -> Manifest:
        created = super().create(manifest)
        self.made.append(created)
        if manifest["kind"] == "Job":
            self._serve(manifest)
        return created

    def _serve(self, job: Manifest) -> None:
        name, labels = job["metadata"]["name"], job["metadata"]["labels"]
        command = self.command(job)
        how = self.ends(command, len([one for one in self.jobs if one["metadata"]["name"] == name]))
        self._start_nodes(labels[CLIENT_LABEL], restarts=int(how == "lost"))
        exchange = Exchange(store=self.store, workload=name)
        if how == "Succeeded":
            share = command == "fit-share"
            answer = FitResult(trials=(), candidate=CANDIDATE)
            exchange.answer(ShareResult(fitted=("one",)) if share else answer)
        phase = "Running" if how == "lost" else how
        ended = [{"state": {"terminated": {"exitCode": 3}}}] if how == "Failed" else []
        self.pod(name, phase, labels={**labels, "job-name": name}, containerStatuses=ended)

    def _start_nodes(self, cluster: str, restarts: int) -> None:
        nodes = self.objects["StatefulSet", cluster]["spec"]["replicas"]
        for index in range(nodes):
            status = [{"restartCount": restarts}]
            labels = {"refit/workload": cluster}
            self.pod(f"{cluster}-{index}", labels=labels, containerStatuses=status)

    @staticmethod
    def command(job: Manifest) -> str:
        return job["spec"]["template"]["spec"]["containers"][0]["args"][-1]

    @property
    def jobs(self) -> list[Manifest]:
        return [one for one in self.made if one["kind"] == "Job"]

    def request(self, kind: type[Any], command: str) -> Any:  # noqa: ANN401
        """What the last program of that command was asked."""
        name = next(
            one["metadata"]["name"] for one in reversed(self.jobs) if self.command(one) == command
        )
        return Exchange(store=self.store, workload=name).asked(kind)


@dataclass
class World:
    """A step that fits on a cluster."""

    folder: Path

    def __post_init__(self) -> None:
        self.api = Served()
        self.programs = folder_programs(self.folder / "home", self.api)
        self.api.store = self.programs.deployment.store
        self.said: list[str] = []

    def fit(self, spec: ModelSpec, search: TrainingSet | None = None) -> FitResult:
        pinned = replace(build_training_set(spec, PINS), search=search)
        request = FitRequest(spec=spec, training_set=pinned)
        h2o = ClusterH2O(programs=self.programs)
        return in_a_step(lambda: h2o.fit(request, self.api.store, self.said.append))


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_trees_and_lines_are_fitted_side_by_side_each_by_a_program_beside_its_nodes(
    world: World,
) -> None:
    assert world.fit(spec_of(TREES + LINES, nodes=2)).candidate == CANDIDATE
    sizes = {
        one["metadata"]["name"]: one["spec"]["replicas"]
        for one in world.api.made
        if one["kind"] == "StatefulSet"
    }
    assert sorted(sizes.values()) == [1, 2]
    assert {job["metadata"]["labels"][CLIENT_LABEL] for job in world.api.jobs} == sizes.keys()
    assert world.api.request(ShareRequest, "fit-share").trees_only
    assert world.api.request(FitRequest, "fit").trees_elsewhere
    assert world.api.names == []


def test_clusters_that_share_a_queue_end_before_one_chooses_among_all(world: World) -> None:
    world.fit(spec_of(TREES + LINES, clusters=2))
    commands = [world.api.command(job) for job in world.api.jobs]
    assert commands == ["fit-share", "fit-share", "fit"]
    share = world.api.request(ShareRequest, "fit-share")
    assert share.queue.startswith("programs/flights-queue-")
    assert not world.api.request(FitRequest, "fit").trees_elsewhere


def test_no_more_clusters_come_up_than_there_are_trials(world: World) -> None:
    world.fit(spec_of(TREES, clusters=5))
    assert [world.api.command(job) for job in world.api.jobs].count("fit-share") == 2


def test_a_cluster_that_lost_a_node_is_replaced(world: World) -> None:
    world.api.ends = lambda _, attempt: "lost" if attempt == 1 else "Succeeded"
    assert world.fit(spec_of(TREES, nodes=2)).candidate == CANDIDATE
    assert len(world.api.jobs) == 2
    assert any("a new cluster goes on with what is not done" in line for line in world.said)


def test_a_fit_that_loses_one_cluster_after_the_other_is_given_up(world: World) -> None:
    world.api.ends = lambda *_: "lost"
    with pytest.raises(Exception, match="lost a node"):
        world.fit(spec_of(TREES))
    assert len(world.api.jobs) == 3
    assert world.api.names == []


def test_the_failure_of_one_cluster_ends_the_others(world: World) -> None:
    world.api.ends = lambda command, _: "Failed" if command == "fit-share" else "Running"
    with pytest.raises(Exception, match="exit code 3"):
        world.fit(spec_of(TREES + LINES, nodes=2))
    assert world.api.names == []


@pytest.mark.parametrize("nodes", [1, 2])
def test_no_cluster_comes_up_for_what_is_stored_as_it_was_fitted_on_so_many_nodes(
    world: World, nodes: int
) -> None:
    spec, store = spec_of(LINES, nodes=nodes), world.api.store
    pinned = build_training_set(spec, PINS)
    inputs = PlanInputs(training_set_digest=pinned.digest, nodes=nodes)
    (plan,) = plan_trials(spec, inputs)
    trial = as_fitted(plan, pinned.digest)
    candidate = replace(
        CANDIDATE,
        trial_key=plan.key,
        training_set_digest=pinned.digest,
        key_column=spec.features.key,
    )
    store.write_record(trial_name(spec.name, plan.key, "trial.json"), trial)
    store.write_record(store.refit(spec.name, pinned.refit).name(CANDIDATE_FILE), candidate)
    assert world.fit(spec) == FitResult(trials=(trial,), candidate=candidate)
    assert world.api.made == []


def test_clusters_share_the_search_of_an_earlier_refit_and_the_last_goes_on_to_the_refit(
    world: World,
) -> None:
    spec = spec_of(TREES + LINES, nodes=2)
    earlier = build_training_set(spec, EARLIER)
    world.fit(spec, earlier)
    share, last = world.api.request(ShareRequest, "fit-share"), world.api.request(FitRequest, "fit")
    assert share.fit.training_set == earlier
    assert last.training_set.search == earlier
    assert last.trees_elsewhere


@pytest.mark.parametrize(("best", "nodes"), [("gbm", 2), ("glm", 1)])
def test_what_a_search_chose_is_fitted_on_as_many_nodes_as_that_search_used(
    world: World, best: str, nodes: int
) -> None:
    spec = spec_of(TREES + LINES, nodes=2, clusters=2)
    earlier = build_training_set(spec, EARLIER)
    for plan in plan_trials(spec, PlanInputs(training_set_digest=earlier.digest)):
        loss = 0.1 if plan.algorithm == best else 0.2
        name = trial_name("flights", plan.key, "trial.json")
        trial = as_fitted(plan, earlier.digest, metrics={"log_loss": loss})
        world.api.store.write_record(name, trial)
    world.fit(spec, earlier)
    (job,) = world.api.jobs
    assert world.api.command(job) == "fit"
    (size,) = [m["spec"]["replicas"] for m in world.api.made if m["kind"] == "StatefulSet"]
    assert size == nodes
    # On other nodes the search's trials would have other keys: it is told what they are.
    assert world.api.request(FitRequest, "fit").searched[0].algorithm == best
    assert not world.api.request(FitRequest, "fit").trees_elsewhere


def test_trees_that_stop_early_are_not_for_clusters_of_several_nodes_beside_one_of_one(
    world: World,
) -> None:
    early = {"stopping_rounds": 2, "stopping_metric": "logloss", "score_tree_interval": 5}
    stopping = [{"algorithm": "gbm", "parameters": early}]
    # Where they stop hangs on the nodes: the last cluster would wait for them without end.
    world.fit(spec_of(stopping + LINES, nodes=2))
    assert [world.api.command(job) for job in world.api.jobs] == ["fit"]
    assert not world.api.request(FitRequest, "fit").trees_elsewhere
