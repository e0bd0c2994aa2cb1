"""Maven and Java on a cluster: a pod of the maven image for each jar, and each scoring.

What `EmbeddedMaven` is on a laptop. Belongs here: which program with which size. Does not: pods
and their states (`workloads.program_pod`), what a program does (`programs`).
"""

from dataclasses import dataclass
from typing import TypeVar

from refit_assets.artefacts import ArtefactStore
from refit_assets.exchange import PackageRequest, Scored, ScoreRequest
from refit_assets.packaging.candidate import PackagedJar
from refit_assets.resources.kubernetes import (
    ROLE_LABEL,
    ClusterPrograms,
    Step,
    Tell,
    present_step,
)
from refit_assets.spec import ModelSpec
from refit_assets.workloads.kube import workload_name
from refit_assets.workloads.program_pod import Program, ProgramPods, build_job

ResultT = TypeVar("ResultT")


@dataclass(frozen=True, kw_only=True)
class _Call:
    name: str
    command: str
    memory_mib: int


@dataclass(frozen=True, kw_only=True)
class ClusterMaven:
    """Maven and Java in pods of their own."""

    programs: ClusterPrograms

    def package(self, spec: ModelSpec, refit: str, store: ArtefactStore, tell: Tell) -> PackagedJar:
        """Package a refit's candidate, store the jar, return its record."""
        # The pod opens the same store, by its address.
        del store
        step = present_step()
        name = workload_name(spec.name, "package", step.root_run_id, step.key, refit)
        request = PackageRequest(spec=spec, refit=refit)
        memory = spec.compute.kubernetes.maven_memory_mib
        call = _Call(name=name, command="package", memory_mib=memory)
        return self._run(step, call, request, PackagedJar, tell)

    def score(self, store: ArtefactStore, jar: str, rows: str, predictions: str) -> None:
        """Score a CSV of rows by a runnable jar; all three are names in the store."""
        del store
        step = present_step()
        request = ScoreRequest(jar=jar, rows=rows, predictions=predictions)
        model = step.key.partition("__")[0]
        # With jar and rows: a release over several weeks scores more than once in one step.
        name = workload_name(model, "score", step.root_run_id, step.key, jar, rows)
        call = _Call(name=name, command="score", memory_mib=1024)
        self._run(step, call, request, Scored, step.context.log.info)

    def _run(
        self, step: Step, call: "_Call", request: object, kind: type[ResultT], tell: Tell
    ) -> ResultT:
        name = call.name
        programs = self.programs
        with programs.asked(step, name, request, [step.root_run_id, name]) as asked:
            program = Program(
                name=name,
                image=programs.deployment.image("maven"),
                command=["python", "-m", "refit_assets.programs", call.command],
                memory_mib=call.memory_mib,
                environment=asked.environment,
                secrets=programs.deployment.s3_secrets,
                labels={**asked.labels, ROLE_LABEL: "program"},
                owners=asked.owners,
            )
            pods = ProgramPods(api=programs.api, patience=programs.patience)
            tell(f"program {name} in a pod of its own")
            with (
                asked.own_errors(),
                pods.submitted(build_job(program, programs.api.namespace), asked.prepare),
            ):
                pods.wait(name, step.context.log.debug)
            return asked.result(kind, name)
