"""The predictions asset: each day's rows, scored in Spark by the jar that serves.

Choosing days and versions is `release.predicting`, scoring `predictions.job`.
"""

from collections.abc import Generator

import dagster as dg
from pydantic import Field

from refit_assets.assets.events import log_each
from refit_assets.assets.partitions import day_partitions, partition_days, refit_of_day
from refit_assets.assets.steps import RETRY_TRANSIENT, step
from refit_assets.predictions.table import PredictedDay, prediction_types
from refit_assets.release.predicting import plan_predictions, record_predicted
from refit_assets.release.serving import CHAMPION
from refit_assets.resources.deployment import Deployment
from refit_assets.resources.spark import Spark
from refit_assets.spec import ModelSpec

MEANINGS = {
    "day": "The day of the table's partition, as in the features.",
    "label": "The class that the model's own threshold chose.",
    "score": "Probability of the positive label, or the predicted number; a double of the jar's.",
    "model_version": "The scoring jar that made the score; one a day.",
}


class PredictionsConfig(dg.Config):
    """What a person may choose for a run."""

    serving: str = Field(
        default=CHAMPION,
        description="`champion`: the version that serves now. `then`: for each day the version "
        "whose place in history it is. Or a published version, such as 1.0.20131216.",
    )


def build_predictions_asset(spec: ModelSpec) -> dg.AssetsDefinition:
    """Build `<model>/predictions`, partitioned by day."""
    key = dg.AssetKey([spec.name, "predictions"])

    @dg.asset(
        key=key,
        description="Scores of each day's rows, made by the jar that serves.",
        deps=[
            dg.AssetDep([spec.name, "features"]),
            dg.AssetDep([spec.name, "release"], partition_mapping=refit_of_day()),
        ],
        partitions_def=day_partitions(spec),
        # One Spark for all days that a version scores; the next version starts it anew
        # (decision 0012).
        backfill_policy=dg.BackfillPolicy.single_run(),
        retry_policy=RETRY_TRANSIENT,
        group_name=spec.name,
        owners=[*spec.owners],
        kinds={"spark", "java"},
        metadata={"dagster/column_schema": table_schema(spec)},
    )
    def predictions(
        context: dg.AssetExecutionContext,
        config: PredictionsConfig,
        spark: dg.ResourceParam[Spark],
        deployment: dg.ResourceParam[Deployment],
    ) -> Generator[dg.MaterializeResult]:
        """Score the asked days by one version or several, and record each day."""
        made: list[PredictedDay] = []
        with step(context) as running:
            requests = plan_predictions(
                spec,
                deployment.store,
                deployment.feature_table(spec.name),
                partition_days(context),
                serving=config.serving,
                run_id=context.run.run_id,
            )
            for request in requests:
                result = spark.predictions(request, deployment.store, running.tell)
                # Version by version: what one has scored stays where the next one's jar fails.
                record_predicted(deployment.store, spec.name, result.days)
                made += result.days
            yield dg.MaterializeResult(
                metadata={
                    "dagster/row_count": sum(day.rows for day in made),
                    "versions": sorted({day.version for day in made}),
                    "days": len(made),
                    **running.figures,
                }
            )
        log_each(context, (_materialised(key, day) for day in made))

    return predictions


def table_schema(spec: ModelSpec) -> dg.TableSchema:
    """Columns of the table of predictions, as the UI shows them."""
    return dg.TableSchema(
        columns=[
            dg.TableColumn(name, kind, MEANINGS.get(name, "The key, as in the features."))
            for name, kind in prediction_types(spec).items()
        ]
    )


def _materialised(key: dg.AssetKey, day: PredictedDay) -> dg.AssetMaterialization:
    return dg.AssetMaterialization(
        key,
        partition=day.day.isoformat(),
        metadata={"dagster/row_count": day.rows, "version": day.version, "digest": day.digest},
        tags={"dagster/data_version": day.digest},
    )
