"""The trials asset and, from the same step, the candidate: what H2O fitted, and the best of it.

One H2O serves all trials of a refit; a trial that is in the store is not fitted again.
"""

import hashlib
from collections.abc import Generator
from typing import Any

import dagster as dg

from refit_assets.assets.columns import candidate_lineage
from refit_assets.assets.partitions import refit_partitions
from refit_assets.assets.steps import RETRY_TRANSIENT, step
from refit_assets.features.training_set import TrainingSet
from refit_assets.resources.deployment import Deployment
from refit_assets.resources.h2o import H2O
from refit_assets.spec import Metric, ModelSpec
from refit_assets.training.fit import FitRequest
from refit_assets.training.trial import Candidate, Trial


def build_trials_asset(spec: ModelSpec) -> dg.AssetsDefinition:
    """Build `<model>/trials` and `<model>/candidate`, partitioned by refit."""
    trials = dg.AssetKey([spec.name, "trials"])
    candidate = dg.AssetKey([spec.name, "candidate"])
    training_set = dg.AssetKey([spec.name, "training_set"])

    def described(key: dg.AssetKey, description: str, **metadata: object) -> dg.AssetSpec:
        return dg.AssetSpec(
            key,
            deps=[training_set],
            description=description,
            group_name=spec.name,
            owners=[*spec.owners],
            kinds={"h2o"},
            metadata=metadata,
        )

    @dg.multi_asset(
        name=f"{spec.name}__trials",
        specs=[
            described(trials, "The leaderboard of all trials."),
            described(
                candidate,
                "The best trial: canonical MOJO, golden rows, importance.",
                **candidate_lineage(spec),
            ),
        ],
        partitions_def=refit_partitions(spec),
        retry_policy=RETRY_TRANSIENT,
    )
    def fit(
        context: dg.AssetExecutionContext,
        h2o: dg.ResourceParam[H2O],
        deployment: dg.ResourceParam[Deployment],
    ) -> Generator[dg.MaterializeResult]:
        """Fit what is missing, choose the best, and write the candidate."""
        with step(context) as running:
            store = deployment.store
            pinned = store.need_record(
                TrainingSet,
                store.refit(spec.name, context.partition_key).name("training_set.json"),
                made_by=training_set.to_user_string(),
            )
            request = FitRequest(spec=spec, training_set=pinned)
            result = h2o.fit(request, store, running.tell)
            yield dg.MaterializeResult(
                asset_key=trials,
                data_version=dg.DataVersion(_digest(result.trials)),
                metadata={
                    "leaderboard": _leaderboard(result.trials),
                    "searched_in": pinned.searched_in,
                    **running.figures,
                },
            )
            yield dg.MaterializeResult(
                asset_key=candidate,
                data_version=dg.DataVersion(result.candidate.mojo_sha256),
                metadata=_candidate(result.candidate),
            )

    return fit


def _digest(trials: tuple[Trial, ...]) -> str:
    # A key stands for all that a trial is made of; its seconds would make equal trials differ.
    keys = "\n".join(sorted(trial.key for trial in trials))
    return hashlib.sha256(keys.encode()).hexdigest()[:16]


def _leaderboard(trials: tuple[Trial, ...]) -> dg.MetadataValue:
    names: set[Metric] = {name for trial in trials for name in trial.metrics}
    metrics = sorted(names)
    columns = [dg.TableColumn("trial"), dg.TableColumn("algorithm"), dg.TableColumn("parameters")]
    columns += [dg.TableColumn(name, "float") for name in [*metrics, "seconds"]]
    records = [
        dg.TableRecord(
            {
                "trial": trial.key,
                "algorithm": trial.algorithm,
                "parameters": trial.settings,
                **{name: round(trial.metrics[name], 6) for name in metrics},
                "seconds": round(trial.seconds, 1),
            }
        )
        for trial in trials
    ]
    return dg.MetadataValue.table(records, dg.TableSchema(columns))


def _candidate(candidate: Candidate) -> dict[str, Any]:
    shares = "\n".join(f"| {name} | {share:.3f} |" for name, share in candidate.importance[:20])
    return {
        "trial": candidate.trial_key,
        "algorithm": candidate.algorithm,
        "mojo_sha256": candidate.mojo_sha256,
        "golden_rows": candidate.golden_rows,
        "importance": dg.MetadataValue.md(f"| feature | share |\n|---|---|\n{shares}"),
    }
