"""A Spark job: a script as an asset, with the partitions and the schedule that its YAML asks for.

Keys, partitions and metadata only; running a script is `resources.scripts`.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import dagster as dg

from refit_assets.assets.steps import RETRY_TRANSIENT, step
from refit_assets.job_spec import JobPartitions, SparkJobSpec
from refit_assets.resources.scripts import ScriptCall, Scripts


def build_spark_job_defs(spec: SparkJobSpec, script: Path) -> dg.Definitions:
    """Build the asset of a script, and its schedule where it has one."""
    asset = build_spark_job_asset(spec, script)
    if spec.schedule is None:
        return dg.Definitions(assets=[asset])
    return dg.Definitions(assets=[asset], schedules=[_schedule(spec, spec.schedule, asset)])


def build_spark_job_asset(spec: SparkJobSpec, script: Path) -> dg.AssetsDefinition:
    """Build the asset of a script."""

    @dg.asset(
        key=dg.AssetKey(spec.key.split("/")),
        description=spec.description or f"Made by {spec.script}.",
        deps=[dg.AssetKey(key.split("/")) for key in spec.deps],
        partitions_def=spec.partitions and job_partitions(spec.partitions),
        retry_policy=RETRY_TRANSIENT,
        group_name=spec.group,
        owners=[*spec.owners],
        kinds={"spark", "python"},
        # By it the UI marks what an older script made.
        code_version=hashlib.sha256(script.read_bytes()).hexdigest()[:12],
    )
    def spark_job(
        context: dg.AssetExecutionContext, scripts: dg.ResourceParam[Scripts]
    ) -> dg.MaterializeResult:
        """Run the script to its end; what it prints is the run's log."""
        partition = context.partition_key if context.has_partition_key else None
        with step(context) as running:
            printed = Printed(patterns=spec.metadata)

            def tell(line: str) -> None:
                printed.read(line)
                running.tell(line)

            scripts.run(ScriptCall(spec=spec, script=script, partition=partition), tell)
            return dg.MaterializeResult(metadata={**printed.found, **running.figures})

    return spark_job


@dataclass
class Printed:
    """What a script's own output says about what it made."""

    patterns: Mapping[str, str]
    found: dict[str, float | str] = field(default_factory=dict)

    def read(self, line: str) -> None:
        """Look at a line; a later one replaces what an earlier one said."""
        for name, pattern in self.patterns.items():
            match = re.search(pattern, line)
            if match is not None:
                self.found[name] = _number(match[1])


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def job_partitions(partitions: JobPartitions) -> dg.TimeWindowPartitionsDefinition:
    """Partitions that are whole once their time is over, as Dagster's own are."""
    start, end = partitions.start.isoformat(), partitions.end and partitions.end.isoformat()
    match partitions.every:
        case "daily":
            return dg.DailyPartitionsDefinition(start_date=start, end_date=end)
        case "weekly":
            # From Monday on, as a refit's weeks (decision 0005).
            return dg.WeeklyPartitionsDefinition(start_date=start, end_date=end, day_offset=1)
        case "monthly":
            return dg.MonthlyPartitionsDefinition(start_date=start, end_date=end)


def _schedule(spec: SparkJobSpec, cron: str, asset: dg.AssetsDefinition) -> dg.ScheduleDefinition:
    @dg.schedule(
        name=f"{spec.name}__schedule",
        cron_schedule=cron,
        target=dg.AssetSelection.assets(asset),
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=f"Runs {spec.script}.",
    )
    def schedule(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        if spec.partitions is None:
            return dg.RunRequest()
        now = context.scheduled_execution_time
        # By the scheduled time: a late tick asks for the partition that one in time would have.
        with dg.partition_loading_context(now):
            latest = job_partitions(spec.partitions).get_last_partition_key()
        if latest is None:
            return dg.SkipReason(
                f"no partition is whole yet: the first begins {spec.partitions.start}"
            )
        return dg.RunRequest(partition_key=latest)

    return schedule
