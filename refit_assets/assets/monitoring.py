"""The monitoring asset: each scored day against what its version was made of.

Checks, pictures and the page's address only; what is found is `monitoring.watch`.
"""

from collections.abc import Generator, Sequence
from datetime import timedelta
from functools import partial
from typing import Any

import dagster as dg

from refit_assets.artefacts import monitored_name
from refit_assets.assets.events import log_each
from refit_assets.assets.partitions import day_partitions, partition_days
from refit_assets.assets.steps import RETRY_TRANSIENT, step
from refit_assets.features.window import days_between
from refit_assets.monitoring.drift import Breach, summarise_drift
from refit_assets.monitoring.watch import MonitoredDay, monitor_day, read_monitored
from refit_assets.resources.deployment import Deployment
from refit_assets.spec import ModelSpec

HISTORY_DAYS = 28
REPORT = "report.html"
CHECKS = {
    "input_drift": "No input is distributed otherwise than in the training window.",
    "score_drift": "The scores are distributed as on the holdout.",
    "missing": "No input is missing much more often than in training.",
    "unseen": "Hardly a row has a level that training never saw.",
}
LIVE = "live_metric"


def build_monitoring_asset(spec: ModelSpec) -> dg.AssetsDefinition:
    """Build `<model>/monitoring`, partitioned by day."""
    key = dg.AssetKey([spec.name, "monitoring"])
    live = {LIVE: "What the scores are worth, once labels are there."}
    checks = CHECKS | (live if spec.monitoring.live_metric else {})

    @dg.asset(
        key=key,
        description="Each day's inputs and scores against training, and the live metric.",
        deps=[[spec.name, "features"], [spec.name, "predictions"]],
        partitions_def=day_partitions(spec),
        backfill_policy=dg.BackfillPolicy.single_run(),
        check_specs=[
            dg.AssetCheckSpec(name, asset=key, description=text) for name, text in checks.items()
        ],
        retry_policy=RETRY_TRANSIENT,
        group_name=spec.name,
        owners=[*spec.owners],
        kinds={"python"},
    )
    def monitoring(
        context: dg.AssetExecutionContext, deployment: dg.ResourceParam[Deployment]
    ) -> Generator[dg.MaterializeResult]:
        """Watch each asked day; the checks tell of the last."""
        found: list[MonitoredDay] = []
        known: Sequence[MonitoredDay] = ()
        with step(context) as running:
            for day in partition_days(context):
                found.append(monitor_day(spec, deployment.store, day))
                known = history(deployment, found[-1])
                write_report(spec, deployment, known)
                running.tell(f"{day}: {'; '.join(found[-1].sentences) or 'within its limits'}")
            yield dg.MaterializeResult(
                metadata={"days": len(found), **running.figures},
                check_results=check_day(spec, found[-1]),
            )
        # The latest event is what the asset's page shows, so the pictures are with the last day.
        told = [_metadata(deployment, one) for one in found]
        told[-1] |= _pictures(spec, known)
        log_each(context, map(partial(_materialised, key), found, told))

    return monitoring


def check_day(spec: ModelSpec, found: MonitoredDay) -> list[dg.AssetCheckResult]:
    """Show what is beyond its limits as failed checks; a poor live metric is an error."""
    kinds = {name: [one for one in found.breaches if _check_of(one) == name] for name in CHECKS}
    blind = ", ".join(one.name for one in found.inputs if one.blind)
    unjudged = {"input_drift": f"; no rows could be beyond the limit of {blind}" if blind else ""}
    results = [
        dg.AssetCheckResult(
            check_name=name,
            passed=not breaches,
            # Inputs that drift may still be scored well; the live metric tells.
            severity=dg.AssetCheckSeverity.WARN,
            description=" ".join(one.sentence for one in breaches)
            or f"{found.day}: as in training{unjudged.get(name, '')}",
        )
        for name, breaches in kinds.items()
    ]
    if spec.monitoring.live_metric:
        verdict = found.live_verdict
        held = verdict is None or verdict.held
        said = "no rows were scored" if verdict is None else verdict.sentence
        results.append(dg.AssetCheckResult(check_name=LIVE, passed=held, description=said))
    return results


def write_report(spec: ModelSpec, deployment: Deployment, known: Sequence[MonitoredDay]) -> None:
    """Store the page of the last of some watched days."""
    from refit_assets.monitoring.report import render_monitoring_report

    page = render_monitoring_report(spec, known)
    deployment.store.storage.write(_page(known[-1]), page.encode())


def history(deployment: Deployment, found: MonitoredDay) -> Sequence[MonitoredDay]:
    """Return the watched days of four weeks before a day, and the day itself."""
    days = days_between(found.day - timedelta(days=HISTORY_DAYS - 1), found.day)
    known = [read_monitored(deployment.store, found.model, day) for day in days]
    return [*(one for one in known if one is not None), found]


def _check_of(breach: Breach) -> str:
    if breach.kind != "psi":
        return breach.kind
    return "score_drift" if breach.name == "score" else "input_drift"


def _page(found: MonitoredDay) -> str:
    return monitored_name(found.model, found.day.isoformat(), REPORT)


def _metadata(deployment: Deployment, found: MonitoredDay) -> dict[str, Any]:
    page = dg.MetadataValue.url(f"{deployment.store.storage.uri}/{_page(found)}")
    return {"report": page, "breaches": len(found.sentences), **_figures(found)}


def _pictures(spec: ModelSpec, known: Sequence[MonitoredDay]) -> dict[str, Any]:
    from refit_assets.monitoring.report import render_monitoring_markdown

    return {"found": dg.MetadataValue.md(render_monitoring_markdown(spec, known))}


def _figures(found: MonitoredDay) -> dict[str, Any]:
    live = {} if found.live is None or found.live.value is None else {LIVE: found.live.value}
    worst = next(iter(summarise_drift(found.inputs).values()), 0.0)
    scores = {} if found.scores is None else {"score_psi": found.scores.psi}
    return {"version": found.version, "largest_input_psi": worst, **scores, **live}


def _materialised(
    key: dg.AssetKey, found: MonitoredDay, metadata: dict[str, Any]
) -> dg.AssetMaterialization:
    return dg.AssetMaterialization(
        key,
        partition=found.day.isoformat(),
        metadata=metadata,
        tags={"dagster/data_version": found.made_of},
    )
