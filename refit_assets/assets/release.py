"""The release asset: the only one that changes what is served.

`release[W]` depends on `release[W-1]`, so that a backfill of past refits replays history in order.
"""

from collections.abc import Generator
from typing import Any

import dagster as dg

from refit_assets.artefacts import place_of
from refit_assets.assets.evaluation import check_gate
from refit_assets.assets.partitions import refit_before, refit_partitions
from refit_assets.assets.steps import RETRY_TRANSIENT, Step, step
from refit_assets.evaluation.verdict import plan_gates
from refit_assets.features.window import plan_window
from refit_assets.release.due import fingerprint
from refit_assets.release.release import Release, release_refit
from refit_assets.release.release_report import write_release_report
from refit_assets.resources.deployment import Deployment
from refit_assets.resources.maven import Maven
from refit_assets.spec import ModelSpec

VARYING_POLICIES = "Asset job .* materializes assets with varying BackfillPolicies"
"""Dagster's warning about a job of a whole refit: it says nothing about a run of one partition."""


def build_release_asset(spec: ModelSpec) -> dg.AssetsDefinition:
    """Build `<model>/release`, partitioned by refit."""
    key = dg.AssetKey([spec.name, "release"])
    gates = {gate.name: gate for gate in plan_gates(spec.gates) if gate.needs != "evaluation"}

    @dg.asset(
        key=key,
        description="Challenger against champion, the verdict, and the published jar.",
        deps=[
            dg.AssetDep([spec.name, "evaluation"]),
            # On itself: Dagster refuses a cycle through two assets, even one shifted in time.
            # So the comparison with the champion is part of this asset and not of one before it.
            dg.AssetDep(key, partition_mapping=refit_before()),
        ],
        partitions_def=refit_partitions(spec),
        # One run walks all weeks of a backfill in order; a run a week would wait for the daemon.
        backfill_policy=dg.BackfillPolicy.single_run(),
        check_specs=[
            dg.AssetCheckSpec(gate.name, asset=key, description=gate.description)
            for gate in gates.values()
        ],
        retry_policy=RETRY_TRANSIENT,
        group_name=spec.name,
        owners=[*spec.owners],
        kinds={"java", "maven"},
    )
    def release(
        context: dg.AssetExecutionContext,
        maven: dg.ResourceParam[Maven],
        deployment: dg.ResourceParam[Deployment],
    ) -> Generator[dg.MaterializeResult]:
        """Decide about each refit, in order."""
        made: list[Release] = []
        with step(context) as running:
            for refit in sorted(context.partition_keys):
                made.append(decide_refit(spec, refit, deployment, maven, context.run.run_id))
                running.tell(f"{refit}: {_decision(made[-1])}")
            last = made[-1]
            judged = {gate.name: gate for gate in last.verdict.gates}
            yield dg.MaterializeResult(
                metadata=_metadata(deployment, last, running),
                check_results=[check_gate(judged[name]) for name in gates],
            )
        # After the result, which gives all refits of the run one data version: the later counts.
        for one in made:
            context.log_event(
                dg.AssetMaterialization(
                    key,
                    partition=one.refit,
                    metadata=_metadata(deployment, one, running),
                    tags={"dagster/data_version": one.fingerprint},
                )
            )

    return release


def decide_refit(
    spec: ModelSpec, refit: str, deployment: Deployment, maven: Maven, run_id: str
) -> Release:
    """Decide about a refit that was evaluated, and store the decision's report."""
    store = deployment.store
    made = release_refit(
        spec,
        refit,
        deployment.release_target,
        lambda jar, rows, predictions: maven.score(store, jar, rows, predictions),
        fingerprint=fingerprint(store, spec, plan_window(spec, refit)),
        by=f"run {run_id}",
    )
    write_release_report(spec, made, store)
    return made


def _decision(made: Release) -> str:
    return f"{made.version} {'promoted' if made.promoted else 'held'}: {made.verdict.reasons[0]}"


def _metadata(deployment: Deployment, made: Release, running: Step) -> dict[str, Any]:
    files = deployment.store.refit(made.model, made.refit)
    return {
        "verdict": "promoted" if made.promoted else "held",
        "why": dg.MetadataValue.md("\n".join(f"- {reason}" for reason in made.verdict.reasons)),
        "coordinates": made.coordinates,
        "champion_before": made.champion or "none",
        # A path to copy: no browser opens a file: address from a page.
        "report": dg.MetadataValue.path(
            place_of(deployment.store.storage, files.name("release/report.html"))
        ),
        **running.figures,
    }
