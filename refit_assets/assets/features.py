"""The features asset: Spark turns landed days into days of the feature table.

One run for any range of days; each day gets its own materialisation with its own data version, so
that days whose rows did not change leave everything downstream fresh.
"""

from collections.abc import Generator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import dagster as dg

from refit_assets.artefacts import ArtefactStore, day_name
from refit_assets.assets.columns import SCHEMA, features_columns, features_lineage
from refit_assets.assets.events import log_each
from refit_assets.assets.partitions import day_partitions, looking_back
from refit_assets.assets.steps import RETRY_TRANSIENT, step
from refit_assets.errors import DataError
from refit_assets.features.job import FeaturesRequest, FeaturesResult
from refit_assets.features.plausible import COMPARED_DAYS, find_oddities
from refit_assets.features.refused import forget_refused, record_refused
from refit_assets.features.table import DayRecord
from refit_assets.features.training_set import read_days
from refit_assets.features.window import days_between
from refit_assets.resources.deployment import Deployment
from refit_assets.resources.spark import Spark
from refit_assets.spec import ModelSpec, Source

MOST_NAMED = 10

CHECKS = {
    "contract": "Every value has its declared type, range and level, and what must be there is.",
    "unique_keys": "No key stands twice.",
    "row_count": "No day has a third or three times the rows of the days before it.",
    "null_share": "No feature is missing much more often than in the days before.",
}


def build_features_asset(spec: ModelSpec) -> dg.AssetsDefinition:
    """Build `<model>/features`, partitioned by day."""
    key = dg.AssetKey([spec.name, "features"])

    @dg.asset(
        key=key,
        description=f"One row a thing to score, by day. {spec.description}".strip(),
        deps=[_landing(name, source) for name, source in spec.sources.items()],
        partitions_def=day_partitions(spec),
        # One job for any range: a process a day took about 170 times the CPU (365 days of flights,
        # two shared cores).
        backfill_policy=dg.BackfillPolicy.single_run(),
        check_specs=[
            dg.AssetCheckSpec(name, asset=key, description=text) for name, text in CHECKS.items()
        ],
        retry_policy=RETRY_TRANSIENT,
        group_name=spec.name,
        owners=[*spec.owners],
        kinds={"spark", "iceberg"},
        metadata={SCHEMA: dg.TableSchema(features_columns(spec))},
    )
    def features(
        context: dg.AssetExecutionContext,
        spark: dg.ResourceParam[Spark],
        deployment: dg.ResourceParam[Deployment],
    ) -> Generator[dg.MaterializeResult | dg.AssetCheckResult]:
        """Compute the asked days, replace them whole, and record each."""
        # In a run of several days `partition_key` raises.
        days = context.partition_keys
        request = FeaturesRequest(
            spec=spec,
            first=date.fromisoformat(days[0]),
            last=date.fromisoformat(days[-1]),
            landing_uri=deployment.landing.uri,
            catalogue_uri=deployment.catalogue_uri,
            warehouse_uri=deployment.warehouse_uri,
            run_id=context.run.run_id,
        )
        with step(context) as running:
            # A file that changes from here on is not the one that is refused.
            began, ends = datetime.now(UTC), (request.first, request.last)
            try:
                result = spark.features(request, running.tell)
            except DataError as error:
                store, landing = deployment.store, deployment.landing
                record_refused(store, landing, spec, ends, error, began=began)
                # Before the error ends the step: so the findings stand on the asset's check, too.
                yield _refused(error)
                raise
            forget_refused(deployment.store, spec, ends)
            record_days(deployment.store, spec, result)
            rows = sum(day.rows for day in result.days)
            yield dg.MaterializeResult(
                metadata={"dagster/row_count": rows, "days": len(days), **running.figures},
                check_results=_checked(deployment.store, spec, result),
            )
        # The latest event of an asset is what the UI shows of its columns; one is enough for that.
        of_all = {**features_lineage(spec, result.lineage), **running.figures}
        told = {result.days[-1].day: of_all}
        log_each(context, (_materialised(key, d, told.get(d.day, {})) for d in result.days))

    return features


def record_days(store: ArtefactStore, spec: ModelSpec, result: FeaturesResult) -> None:
    """Store what the table now holds of each day."""
    for day in result.days:
        store.write_record(day_name(spec.name, day.day.isoformat()), day)


def _landing(name: str, source: Source) -> dg.AssetDep:
    mapping = looking_back(source.look_back_days) if source.daily else None
    return dg.AssetDep(dg.AssetKey(["landing", name]), partition_mapping=mapping)


def _checked(
    store: ArtefactStore, spec: ModelSpec, result: FeaturesResult
) -> list[dg.AssetCheckResult]:
    """What was refused never gets here: contract and keys hold. The rest is compared."""
    first = result.days[0].day - timedelta(days=COMPARED_DAYS)
    known = read_days(store, spec, days_between(first, result.days[0].day))
    odd = find_oddities(result.days, known | {day.day: day for day in result.days})
    held = [
        dg.AssetCheckResult(check_name=name, passed=True) for name in ("contract", "unique_keys")
    ]
    compared = {"row_count": odd.row_count, "null_share": odd.null_share}
    return held + [
        dg.AssetCheckResult(
            check_name=name,
            passed=not found,
            # An odd day may be true. Only a person can tell, so nothing stops here.
            severity=dg.AssetCheckSeverity.WARN,
            description="; ".join(found[:MOST_NAMED]) or "as in the days before",
        )
        for name, found in compared.items()
    ]


def _refused(error: DataError) -> dg.AssetCheckResult:
    shown = "\n".join(f"- {finding}" for finding in error.findings[: error.most_shown])
    return dg.AssetCheckResult(
        check_name="contract",
        passed=False,
        description=str(error).splitlines()[0],
        metadata={"findings": dg.MetadataValue.md(shown), "found": len(error.findings)},
    )


def _materialised(
    key: dg.AssetKey, day: DayRecord, columns: Mapping[str, Any]
) -> dg.AssetMaterialization:
    return dg.AssetMaterialization(
        key,
        partition=day.day.isoformat(),
        metadata={
            "dagster/row_count": day.rows,
            "labelled_rows": day.labelled_rows,
            "digest": day.digest,
            "contract": day.contract_digest,
            **columns,
        },
        tags={"dagster/data_version": day.digest},
    )
