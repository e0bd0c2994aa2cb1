"""The training set asset: pins which data a refit is made of. Plain Python, seconds of work."""

from datetime import UTC, datetime

import dagster as dg

from refit_assets.artefacts import ArtefactStore
from refit_assets.assets.columns import training_set_lineage
from refit_assets.assets.partitions import over_window, refit_partitions
from refit_assets.assets.steps import step
from refit_assets.features.leakage import judge_leakage
from refit_assets.features.training_set import TrainingSet, pin_training_set
from refit_assets.release.decisions import decide_by_hand, record_decision
from refit_assets.resources.deployment import Deployment
from refit_assets.spec import ModelSpec

REASON_TAG = "refit/reason"
"""On runs that the refit sensor asked for; a run without it was started by a person."""


def build_training_set_asset(spec: ModelSpec) -> dg.AssetsDefinition:
    """Build `<model>/training_set`, partitioned by refit."""
    key = dg.AssetKey([spec.name, "training_set"])
    leakage = dg.AssetCheckSpec(
        "leakage", asset=key, description="Time is honest, and no feature gives the answer away."
    )

    @dg.asset(
        key=key,
        description="The exact files, days and split that this refit is made of.",
        deps=[dg.AssetDep([spec.name, "features"], partition_mapping=over_window(spec))],
        partitions_def=refit_partitions(spec),
        check_specs=[leakage],
        group_name=spec.name,
        owners=[*spec.owners],
        kinds={"iceberg", "python"},
        metadata=training_set_lineage(spec),
    )
    def training_set(
        context: dg.AssetExecutionContext, deployment: dg.ResourceParam[Deployment]
    ) -> dg.MaterializeResult:
        """Pin the window's days at one snapshot of the feature table."""
        with step(context) as running:
            store = deployment.store
            _record_by_hand(context, spec, store)
            table = deployment.feature_table(spec.name)
            pinned = pin_training_set(store, table, spec, context.partition_key)
            store.write_record(
                store.refit(spec.name, pinned.refit).name("training_set.json"), pinned
            )
            found = judge_leakage(spec, pinned)
            check = dg.AssetCheckResult(
                check_name="leakage",
                passed=not found.problems,
                description="; ".join(found.problems) or "nothing gives the answer away",
                metadata={name: round(strength, 4) for name, strength in found.strengths[:10]},
            )
            return dg.MaterializeResult(
                data_version=dg.DataVersion(_data_version(pinned)),
                metadata={**_metadata(pinned), **running.figures},
                check_results=[check],
            )

    return training_set


def _record_by_hand(
    context: dg.AssetExecutionContext, spec: ModelSpec, store: ArtefactStore
) -> None:
    """The sensor has written its reasons down; a person's run is a decision as well."""
    tags = context.run.tags
    if REASON_TAG in tags:
        return
    who = tags.get("user", "a backfill" if "dagster/backfill" in tags else "a person")
    told = f"{who} (run {context.run.run_id[:8]})"
    record_decision(
        store, decide_by_hand(spec.name, context.partition_key, told, datetime.now(UTC))
    )


def _data_version(pinned: TrainingSet) -> str:
    """What follows is stale as well where only the days have changed that the search reads."""
    searched = pinned.search
    return pinned.digest if searched is None else pinned.digest[:32] + searched.digest[:32]


def _metadata(pinned: TrainingSet) -> dict[str, str | int]:
    rows = {
        f"{part}_rows": sum(day.labelled_rows for day in pinned.days if day.part == part)
        for part in ("train", "validation", "holdout")
    }
    window = pinned.window
    return {
        "digest": pinned.digest,
        "snapshot": str(pinned.snapshot_id),
        "days": len(pinned.days),
        "from": window.train_start.isoformat(),
        "holdout_from": window.holdout_start.isoformat(),
        "until": window.end.isoformat(),
        "searched_in": pinned.searched_in,
        **rows,
    }
