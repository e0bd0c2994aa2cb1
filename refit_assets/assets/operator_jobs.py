"""Jobs that a person starts in the UI: approve a held refit, roll back to a published version.

They do what `refit approve` and `refit rollback` do, by the same functions, and ask for name and
reason. Does not belong here: what may be approved or rolled back to (`release.ledger`).
"""

from collections.abc import Sequence

import dagster as dg
from pydantic import Field

from refit_assets.assets.steps import refusals
from refit_assets.release.ledger import LedgerEvent, champion, read_events
from refit_assets.release.release import approve_refit, roll_back
from refit_assets.release.timeline import TimelineRow, timeline_rows
from refit_assets.resources.deployment import Deployment
from refit_assets.spec import ModelSpec

_MOST_SHOWN = 50


class Approval(dg.Config):
    """What the launchpad asks for to release a held refit."""

    refit: str = Field(description="As-of date of the held refit, as the timeline shows it.")
    by: str = Field(description="Who approves.")
    reason: str = Field(description="Why, for the ledger.")


class Rollback(dg.Config):
    """What the launchpad asks for to let another version serve."""

    version: str = Field(description="A published version, as the timeline shows it.")
    by: str = Field(description="Who decides.")
    reason: str = Field(description="Why, for the ledger.")


def build_approve_job(spec: ModelSpec) -> dg.JobDefinition:
    """Build `<model>__approve`."""

    @dg.op(name=f"{spec.name}__approve_refit")
    def approve_refit_op(
        context: dg.OpExecutionContext, config: Approval, deployment: dg.ResourceParam[Deployment]
    ) -> None:
        with refusals():
            target = deployment.release_target
            approve_refit(spec, config.refit, target, by=config.by, reason=config.reason)
            _tell(context, spec, deployment)

    @dg.job(name=f"{spec.name}__approve", description="Release a refit that is held for approval.")
    def approve() -> None:
        approve_refit_op()

    return approve


def build_rollback_job(spec: ModelSpec) -> dg.JobDefinition:
    """Build `<model>__rollback`."""

    @dg.op(name=f"{spec.name}__roll_back")
    def roll_back_op(
        context: dg.OpExecutionContext, config: Rollback, deployment: dg.ResourceParam[Deployment]
    ) -> None:
        with refusals():
            target = deployment.release_target
            roll_back(spec, config.version, target, by=config.by, reason=config.reason)
            _tell(context, spec, deployment)

    @dg.job(
        name=f"{spec.name}__rollback",
        description="Let a published version serve again: a ledger event, no refit.",
    )
    def rollback() -> None:
        roll_back_op()

    return rollback


def observe_serving(spec: ModelSpec, events: Sequence[LedgerEvent]) -> dg.AssetObservation | None:
    """Say on `<model>/release` who serves, why and by whom; None before the first release."""
    serving = champion(events)
    if serving is None:
        return None
    rows = [_record(row) for row in reversed(timeline_rows(events)[-_MOST_SHOWN:])]
    return dg.AssetObservation(
        [spec.name, "release"],
        partition=serving.refit,
        description=f"{serving.version} serves",
        metadata={
            "serves": str(serving.version),
            "why": serving.reason,
            "by": serving.by,
            "timeline": dg.MetadataValue.table(rows),
        },
    )


def _record(row: TimelineRow) -> dg.TableRecord:
    return dg.TableRecord(
        {
            "recorded": f"{row.recorded_at:%Y-%m-%d %H:%M:%S}",
            "event": row.kind,
            "version": row.version or "",
            "refit": row.refit,
            "effect": row.effect,
            "by": row.by,
            "reason": row.reason,
        }
    )


def _tell(context: dg.OpExecutionContext, spec: ModelSpec, deployment: Deployment) -> None:
    told = observe_serving(spec, read_events(deployment.store.storage, spec.name))
    if told is not None:
        context.log.info(told.description or "")
        context.log_event(told)
