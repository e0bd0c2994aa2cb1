"""H2O on a cluster: clusters that live for one fit, each with the program that fits on it.

What `EmbeddedH2O` is on a laptop. Belongs here: how a fit is spread over clusters and nodes, and
what happens when a node is lost. Does not: the objects (`workloads.h2o_cluster`), what all
engines share (`kubernetes`).
"""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from refit_assets.artefacts import ArtefactStore
from refit_assets.errors import WorkloadFailed
from refit_assets.exchange import H2O_HOSTS, H2O_PASSWORD
from refit_assets.resources.kubernetes import (
    ROLE_LABEL,
    Asked,
    ClusterPrograms,
    Step,
    Tell,
    present_step,
)
from refit_assets.spec import ModelSpec
from refit_assets.training.fit import (
    FitRequest,
    FitResult,
    ShareRequest,
    ShareResult,
    count_to_share,
    fit_from_store,
    next_request,
)
from refit_assets.training.trial import NODE_DEPENDENT, Trial
from refit_assets.workloads.h2o_cluster import CLIENT_LABEL, Cluster, H2OClusters, node_hosts
from refit_assets.workloads.kube import MODEL_LABEL, workload_name
from refit_assets.workloads.program_pod import Program, ProgramPods, build_job
from refit_assets.workloads.wait import Patience

ResultT = TypeVar("ResultT")

_MOST_CLUSTERS = 3
"""How many H2O clusters a fit may lose nodes of before the step itself fails."""


@dataclass(frozen=True, kw_only=True)
class Passes:
    """How a fit is spread: clusters that share a queue first, then one that chooses among all."""

    clusters: int
    """Of the first pass; 0 where there is none."""
    nodes: int
    """Of each cluster of the first pass."""
    trees_only: bool
    """Whether the first pass leaves out what depends on the number of nodes."""
    last_nodes: int


def plan_passes(spec: ModelSpec, searched: Sequence[Trial] = ()) -> Passes:
    """Plan a model's passes.

    Trees are the same on any number of nodes. What is not runs on one, as on a laptop, and there
    the candidate is chosen among all.

    Args:
        spec: The model.
        searched: Trials of an earlier refit's search, the best first. That is fitted on as many
            nodes as the search fitted it on, and there is nothing to share.

    """
    size = spec.compute.kubernetes.h2o
    apart = [search.algorithm in NODE_DEPENDENT for search in spec.trials.search]
    mixed = size.nodes > 1 and any(apart) and not all(apart)
    if searched:
        last_nodes = 1 if mixed and searched[0].nodes else size.nodes
        return Passes(clusters=0, nodes=size.nodes, trees_only=False, last_nodes=last_nodes)
    return Passes(
        clusters=size.clusters if mixed or size.clusters > 1 else 0,
        nodes=size.nodes,
        trees_only=mixed,
        last_nodes=1 if mixed else size.nodes,
    )


@dataclass(frozen=True, kw_only=True)
class _Ask(Generic[ResultT]):
    """A program that fits, and the size of the cluster that it fits on."""

    name: str
    command: str
    nodes: int
    request: object
    answer: type[ResultT]
    spec: ModelSpec


@dataclass(frozen=True, kw_only=True)
class ClusterH2O:
    """H2O clusters that live for one fit, each with the program that fits on it."""

    programs: ClusterPrograms

    def start(self, spec: ModelSpec) -> None:
        """Nothing can start early: a cluster belongs to the fit that asks for it."""

    def fit(self, request: FitRequest, store: ArtefactStore, tell: Tell) -> FitResult:
        """Fit what is missing, store it, return leaderboard and candidate."""
        passes = plan_passes(request.spec)
        following = next_request(request, store, nodes=passes.last_nodes)
        if following.searched:
            request, passes = following, plan_passes(request.spec, following.searched)
        fitted = fit_from_store(request, store, tell, nodes=passes.last_nodes)
        if fitted is not None:
            return fitted
        step = present_step()
        shares = self._shares(following, step, passes) if passes.clusters else []
        beside = passes.trees_only and bool(shares)
        last = self._last(replace(request, trees_elsewhere=beside), step, passes)
        if beside:
            made = self._side_by_side([*shares, last], step, tell)[-1]
        else:
            # What is left are ensembles and the choice, which need all of the others.
            self._side_by_side(shares, step, tell)
            made = self._run(last, step, tell, lambda: None)
        self.programs.bucket.delete(_queue(request, step))
        return made

    def _last(self, request: FitRequest, step: Step, passes: Passes) -> "_Ask[FitResult]":
        """Ask for what is left, and the candidate."""
        spec, nodes = request.spec, passes.last_nodes
        name = workload_name(spec.name, f"fit{nodes}", step.root_run_id, step.key)
        return _Ask(
            name=name, command="fit", nodes=nodes, request=request, answer=FitResult, spec=spec
        )

    def _shares(
        self, request: FitRequest, step: Step, passes: Passes
    ) -> "Sequence[_Ask[ShareResult]]":
        """Ask clusters to take trials from one queue until it is empty; none where none is left."""
        spec = request.spec
        folder = _queue(request, step)
        share = ShareRequest(fit=request, queue=folder, taker="", trees_only=passes.trees_only)
        missing = count_to_share(share, self.programs.deployment.store, nodes=passes.nodes)
        # A step that is tried again gives out all that is not stored, perhaps to fewer clusters.
        self.programs.bucket.delete(folder)
        names = [
            workload_name(spec.name, f"share{number}", step.root_run_id, step.key)
            for number in range(1, min(passes.clusters, missing) + 1)
        ]
        return [
            _Ask(
                name=name,
                command="fit-share",
                nodes=passes.nodes,
                request=replace(share, taker=name),
                answer=ShareResult,
                spec=spec,
            )
            for name in names
        ]

    def _side_by_side(self, asks: "Sequence[_Ask[Any]]", step: Step, tell: Tell) -> Sequence[Any]:
        """Run programs at once, each on a cluster of its own; the first failure ends them all."""
        stop = threading.Event()

        def refuse_stopped() -> None:
            if stop.is_set():
                message = "another cluster of this fit failed"
                raise WorkloadFailed(message)

        with ThreadPoolExecutor(max_workers=len(asks) or 1) as pool:
            running = [pool.submit(self._run, ask, step, tell, refuse_stopped) for ask in asks]
            try:
                for one in as_completed(running):
                    one.result()
            finally:
                # A failure, or the run's end from outside: all of them remove what they started.
                stop.set()
        return [one.result() for one in running]

    def _run(
        self, ask: "_Ask[ResultT]", step: Step, tell: Tell, watch: Callable[[], None]
    ) -> ResultT:
        for attempt in range(_MOST_CLUSTERS):
            try:
                return self._run_once(ask, step, tell, watch)
            except WorkloadFailed as error:
                if not error.transient or attempt + 1 == _MOST_CLUSTERS:
                    raise
                tell(f"{str(error).splitlines()[0]}; a new cluster goes on with what is not done")
        raise AssertionError  # pragma: no cover - the loop returns or raises

    def _run_once(
        self, ask: "_Ask[ResultT]", step: Step, tell: Tell, watch: Callable[[], None]
    ) -> ResultT:
        programs, spec, name = self.programs, ask.spec, ask.name
        with programs.asked(step, name, ask.request, [step.root_run_id, name]) as asked:
            cluster = self._cluster(spec, f"{name}-h2o", ask.nodes, asked)
            clusters = H2OClusters(api=programs.api, patience=Patience(timeout_seconds=300))
            tell(f"H2O cluster {cluster.name} of {ask.nodes} nodes")

            def look() -> None:
                watch()
                clusters.refuse_broken(cluster)

            job = build_job(self._program(ask, cluster, asked), programs.api.namespace)
            pods = ProgramPods(api=programs.api, patience=programs.patience)
            # Beside its nodes, for which it waits: both take seconds to start. Never adopted: a
            # predecessor's program has lost its cluster just now.
            with (
                clusters.submitted(cluster),
                asked.own_errors(),
                pods.submitted(job, asked.prepare, adopt=False),
            ):
                clusters.wait(cluster)
                pods.wait(name, step.context.log.debug, look)
            return asked.result(ask.answer, name)

    def _cluster(self, spec: ModelSpec, name: str, nodes: int, asked: Asked) -> Cluster:
        size, deployment = spec.compute.kubernetes.h2o, self.programs.deployment
        return Cluster(
            name=name,
            image=deployment.image("h2o"),
            nodes=nodes,
            memory_mib=size.memory_mib,
            threads=size.threads,
            s3_endpoint=deployment.s3_endpoint,
            s3_region=deployment.s3_region,
            secrets=deployment.s3_secrets,
            labels={**asked.labels, ROLE_LABEL: "h2o", MODEL_LABEL: spec.name},
            owners=asked.owners,
        )

    def _program(self, ask: "_Ask[Any]", cluster: Cluster, asked: Asked) -> Program:
        hosts = node_hosts(cluster.name, self.programs.api.namespace, cluster.nodes)
        return Program(
            name=ask.name,
            image=self.programs.deployment.image("h2o"),
            command=["python", "-m", "refit_assets.programs", ask.command],
            memory_mib=1024,
            environment={**asked.environment, H2O_HOSTS: ",".join(hosts)},
            secrets=self.programs.deployment.s3_secrets,
            secret_values={H2O_PASSWORD: (cluster.name, "password")},
            labels={
                **asked.labels,
                ROLE_LABEL: "program",
                MODEL_LABEL: ask.spec.name,
                CLIENT_LABEL: cluster.name,
            },
            owners=asked.owners,
            # The trials' own deadline strikes first, and can say what was under way.
            deadline_seconds=ask.spec.trials.max_seconds + 900,
        )


def _queue(request: FitRequest, step: Step) -> str:
    """Name the folder of a fit's queue: this run's alone, for a killed one's clusters may live."""
    name = workload_name(request.spec.name, "queue", step.run_id, step.key)
    return f"programs/{name}/taken/"
