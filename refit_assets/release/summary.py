"""The summary of the main job: what was made, where it lies, what it is worth, what to try next."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from refit_assets.artefacts import jar_name, place_of
from refit_assets.evaluation.records import Evaluation
from refit_assets.release.release import RECORD, REPORT, Release, ReleaseTarget
from refit_assets.spec import ModelSpec


@dataclass(frozen=True, kw_only=True)
class Summary:
    """`summary.json`: paths are absolute, seconds are wall time, digests are SHA-256 in hex."""

    model: str
    partition: str
    verdict: str
    """promoted or held."""
    reasons: tuple[str, ...]
    version: str
    coordinates: str
    jar: str
    """Path of the runnable jar."""
    repository: str
    """Where the released jar resolves from."""
    report: str
    release_report: str
    metric: str
    value: float | None
    low: float | None
    high: float | None
    """Interval of the metric on the holdout, by bootstrap at 95 %."""
    days: int
    """Days of features computed by this job."""
    seconds: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """Step -> seconds, cpu_seconds."""
    digests: Mapping[str, str] = field(default_factory=dict)
    """training_set, mojo, jar."""


def build_summary(
    spec: ModelSpec,
    refit: str,
    target: ReleaseTarget,
    days: int,
    seconds: Mapping[str, Mapping[str, float]],
) -> Summary:
    """Gather what one refit made, from its records."""
    files, store = target.store.refit(spec.name, refit), target.store
    release = store.need_record(Release, files.name(RECORD), made_by=f"{spec.name}/release")
    evaluation = store.need_record(
        Evaluation, files.name("evaluation/evaluation.json"), made_by=f"{spec.name}/evaluation"
    )
    measured = evaluation.metrics[0]
    interval = measured.interval
    jar = jar_name(spec.name, release.version, f"{spec.artifact}-{release.version}-all.jar")
    return Summary(
        model=spec.name,
        partition=refit,
        verdict="promoted" if release.promoted else "held",
        reasons=release.verdict.reasons,
        version=release.version,
        coordinates=release.coordinates,
        jar=place_of(target.store.storage, jar),
        repository=target.repository_url,
        report=place_of(target.store.storage, files.name("evaluation/report.html")),
        release_report=place_of(target.store.storage, files.name(REPORT)),
        metric=measured.metric,
        value=measured.value,
        low=interval and interval.low,
        high=interval and interval.high,
        days=days,
        seconds=seconds,
        digests={
            "training_set": release.training_set_digest,
            "mojo": release.mojo_sha256,
            "jar": release.jar_sha256,
        },
    )


def render_summary(summary: Summary, *, program: str) -> str:
    """Render for a terminal, whose shell calls us by `program`."""
    interval = ""
    if summary.low is not None and summary.high is not None:
        interval = f"  (95 %: {summary.low:.4f} to {summary.high:.4f})"
    value = "undefined" if summary.value is None else f"{summary.value:.4f}"
    steps = [
        f"  {name:<14}{figures['seconds']:>8.1f} s {figures['cpu_seconds']:>8.1f} CPU s"
        for name, figures in summary.seconds.items()
    ]
    total = {k: sum(f[k] for f in summary.seconds.values()) for k in ("seconds", "cpu_seconds")}
    lines = [
        "",
        f"{summary.model}, refit {summary.partition}: {summary.verdict}",
        *(f"  {reason}" for reason in summary.reasons),
        "",
        f"  jar          {summary.jar}",
        f"  coordinates  {summary.coordinates}",
        f"  repository   {summary.repository}",
        f"  report       {summary.report}",
        f"  {summary.metric:<12} {value} on the holdout{interval}",
        "",
        *steps,
        f"  {'in all':<14}{total['seconds']:>8.1f} s {total['cpu_seconds']:>8.1f} CPU s",
        "",
        "Next:",
        f"  java -jar {summary.jar} --about",
        f"  {program} timeline {summary.model}",
        "  make dev        # the same graph in Dagster's UI",
    ]
    return "\n".join(lines)
