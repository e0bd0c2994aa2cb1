"""The scoring jar asset: the candidate's MOJO becomes a typed, parity-tested Java library."""

import dagster as dg

from refit_assets.assets.columns import scoring_jar_lineage
from refit_assets.assets.partitions import refit_partitions
from refit_assets.assets.steps import RETRY_TRANSIENT, step
from refit_assets.resources.deployment import Deployment
from refit_assets.resources.maven import Maven
from refit_assets.spec import ModelSpec


def build_scoring_jar_asset(spec: ModelSpec) -> dg.AssetsDefinition:
    """Build `<model>/scoring_jar`, partitioned by refit."""
    key = dg.AssetKey([spec.name, "scoring_jar"])
    parity = dg.AssetCheckSpec(
        "parity", asset=key, description="The jar predicts what the cluster predicted, bit for bit."
    )

    @dg.asset(
        key=key,
        description="The candidate as a Java library, tested against its golden rows.",
        deps=[[spec.name, "candidate"]],
        partitions_def=refit_partitions(spec),
        check_specs=[parity],
        retry_policy=RETRY_TRANSIENT,
        group_name=spec.name,
        owners=[*spec.owners],
        kinds={"java", "maven"},
        metadata=scoring_jar_lineage(spec),
    )
    def scoring_jar(
        context: dg.AssetExecutionContext,
        maven: dg.ResourceParam[Maven],
        deployment: dg.ResourceParam[Deployment],
    ) -> dg.MaterializeResult:
        """Build, test and store the jar; a failed parity test leaves none."""
        with step(context) as running:
            packaged = maven.package(spec, context.partition_key, deployment.store, running.tell)
            jar = packaged.jar
            check = dg.AssetCheckResult(
                check_name="parity",
                passed=jar.parity.proven and not jar.parity.differing,
                metadata={
                    "golden_rows": jar.parity.golden_rows,
                    "adversarial_rows": jar.parity.adversarial_rows,
                },
            )
            sizes = {file.name: file.bytes for file in jar.files}
            return dg.MaterializeResult(
                # Of what went in: a jar that is not built again leaves the evaluation fresh.
                data_version=dg.DataVersion(packaged.inputs),
                metadata={
                    "coordinates": jar.coordinates,
                    "scoring_path": jar.scoring_path,
                    "files": sizes,
                    **running.figures,
                },
                check_results=[check],
            )

    return scoring_jar
