"""A release: the challenger against the champion, the verdict, the ledger, the published jar.

Joins the parts in the one order that is safe: compare, judge, publish, and only then write the
event that makes the jar the champion. What was published without an event serves nobody.
Belongs here: that order, and fetching what it needs. Does not: judging (`evaluation.verdict`),
the ledger's rules (`ledger`), uploading (`publish`).
"""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from refit_assets.artefacts import ArtefactStore, jar_name
from refit_assets.errors import DataError, LedgerError
from refit_assets.evaluation.records import Comparison, Evaluation
from refit_assets.evaluation.verdict import JarFigures, Verdict, judge
from refit_assets.features.training_set import TrainingSet
from refit_assets.packaging.candidate import PackagedJar, read_packaged
from refit_assets.packaging.stored import ScoringTime, time_name
from refit_assets.release.ledger import (
    PUBLISHES,
    Challenger,
    LedgerEvent,
    Plan,
    append,
    champion_before,
    plan_approval,
    plan_release,
    plan_rollback,
    read_events,
    releases,
)
from refit_assets.release.provenance import (
    Provenance,
    build_provenance,
    read_bill_of_materials,
    read_git_commit,
    read_versions_installed,
    write_provenance,
)
from refit_assets.release.publish import publish
from refit_assets.spec import ModelSpec

if TYPE_CHECKING:
    from refit_assets.evaluation.predictions import Predictions

ROWS = "evaluation/holdout.csv"
SCORES = "evaluation/scores.csv"
CHAMPION_SCORES = "release/champion_scores.csv"
RECORD = "release/release.json"
REPORT = "release/report.html"

Score = Callable[[str, str, str], None]
"""Scores a stored CSV by a stored jar into a third name."""


@dataclass(frozen=True, kw_only=True)
class Release:
    """What was decided about one refit, and on what grounds."""

    model: str
    refit: str
    as_of: date
    version: str
    coordinates: str
    champion: str | None
    """Version that it was compared with; None where there was none."""
    promoted: bool
    verdict: Verdict
    comparison: Comparison | None
    fingerprint: str
    """Of everything that the refit was made of; the same again needs no refit."""
    published: str | None
    """Repository that it resolves from; None where it was held."""
    training_set_digest: str
    mojo_sha256: str
    jar_sha256: str


@dataclass(frozen=True, kw_only=True)
class ReleaseTarget:
    """Where a release reads and writes."""

    store: ArtefactStore
    repository_url: str


def release_refit(
    spec: ModelSpec,
    refit: str,
    target: ReleaseTarget,
    score: Score,
    *,
    fingerprint: str,
    by: str,
    now: datetime | None = None,
) -> Release:
    """Compare, judge, publish where it is good enough, and record.

    Raises:
        DataError: an earlier step is missing.
        PublishError: the repository refused; the ledger says nothing then.
        LedgerError: the ledger refused, because somebody else released in between.

    """
    store, files = target.store, target.store.refit(spec.name, refit)
    packaged = store.need_record(
        PackagedJar, files.name("scoring_jar.json"), made_by=f"{spec.name}/scoring_jar"
    )
    evaluation = store.need_record(
        Evaluation, files.name("evaluation/evaluation.json"), made_by=f"{spec.name}/evaluation"
    )
    # What is evaluated is what is served: another jar's figures must not promote this one.
    if evaluation.mojo_sha256 != packaged.mojo_sha256 or evaluation.version != packaged.jar.version:
        message = f"the evaluation is of another jar: materialise {spec.name}/evaluation again"
        raise DataError(message)
    events = read_events(store.storage, spec.name)
    # The champion of its place in history: a backfill is judged as it would have been then.
    champion = champion_before(events, packaged.as_of)
    comparison = champion and _compare(
        spec, refit, store, score, packaged=packaged, champion=champion
    )
    verdict = judge(
        spec.gates,
        evaluation,
        comparison,
        _jar_figures(store, files.name(SCORES), packaged, evaluation.rows),
        champion=champion and champion.version,
    )
    promote = verdict.promote and spec.when.approval == "automatic"

    def plan(known: Sequence[LedgerEvent]) -> LedgerEvent | None:
        return plan_release(
            known,
            _challenger(spec, packaged),
            promote=promote,
            reason=_reason(verdict, promote=promote),
            against=champion and champion.version,
            by=by,
            now=now or datetime.now(UTC),
        )

    promoted = carry_out(spec, packaged, target, plan)
    release = _describe(spec, packaged, verdict, comparison, fingerprint=fingerprint)
    release = replace(
        release,
        champion=champion and champion.version,
        promoted=promoted,
        published=target.repository_url if promoted else None,
    )
    store.write_record(files.name(RECORD), release)
    return release


def _describe(
    spec: ModelSpec,
    packaged: PackagedJar,
    verdict: Verdict,
    comparison: Comparison | None,
    *,
    fingerprint: str,
) -> Release:
    """Describe a release as if nothing had served before, and nothing was published."""
    return Release(
        model=spec.name,
        refit=packaged.refit,
        as_of=packaged.as_of,
        version=packaged.jar.version,
        coordinates=packaged.jar.coordinates,
        champion=None,
        promoted=False,
        verdict=verdict,
        comparison=comparison,
        fingerprint=fingerprint,
        published=None,
        training_set_digest=packaged.training_set_digest,
        mojo_sha256=packaged.mojo_sha256,
        jar_sha256=packaged.jar.file("all").sha256,
    )


def approve_refit(
    spec: ModelSpec, refit: str, target: ReleaseTarget, *, by: str, reason: str
) -> LedgerEvent | None:
    """Release a held refit; None where it was released already.

    Raises:
        LedgerError: it is not held, or a newer model serves.

    """
    store, now = target.store, datetime.now(UTC)

    def plan(known: Sequence[LedgerEvent]) -> LedgerEvent | None:
        return plan_approval(known, refit, by=by, reason=reason, now=now)

    # Planned once before anything is published, so that a refusal leaves no jar behind.
    planned = plan(read_events(store.storage, spec.name))
    if planned is None:
        return None
    # The jar that was held, even where the refit was packaged again since.
    known = {one.jar.version: one for one in read_packaged(store, spec.name)}
    if planned.version not in known:
        message = f"the held jar {planned.version} is gone: materialise {spec.name}/release again"
        raise LedgerError(message)
    publish_packaged(spec, known[planned.version], target)
    return append(store.storage, spec.name, plan)


def roll_back(
    spec: ModelSpec, version: str, target: ReleaseTarget, *, by: str, reason: str
) -> LedgerEvent | None:
    """Let a published version serve again: one event, no refit; None where it serves already.

    Raises:
        LedgerError: the version was never published, or name or reason is missing.

    """
    now = datetime.now(UTC)
    return append(
        target.store.storage,
        spec.name,
        lambda events: plan_rollback(events, version, by=by, reason=reason, now=now),
    )


def publish_packaged(spec: ModelSpec, packaged: PackagedJar, target: ReleaseTarget) -> None:
    """Publish the tested bytes of a packaged jar, and their provenance beside them."""
    with tempfile.TemporaryDirectory(prefix="refit-publish-") as name:
        folder = Path(name)
        for file in packaged.jar.files:
            stored = jar_name(spec.name, packaged.jar.version, file.name)
            target.store.storage.download(stored, folder / file.name)
        write_provenance(folder, _gather_provenance(spec, packaged, target.store, folder))
        publish(folder, packaged.jar.coordinates, target.repository_url)


def _gather_provenance(
    spec: ModelSpec, packaged: PackagedJar, store: ArtefactStore, folder: Path
) -> Provenance:
    name = store.refit(spec.name, packaged.refit).name("training_set.json")
    pinned = store.need_record(TrainingSet, name, made_by=f"{spec.name}/training_set")
    if pinned.digest != packaged.training_set_digest:
        message = (
            f"the training set of {spec.name} {packaged.refit} changed since its jar was packaged: "
            f"materialise {spec.name}/trials and all after it again"
        )
        raise DataError(message)
    return build_provenance(
        spec,
        pinned,
        coordinates=packaged.jar.coordinates,
        files={file.name: file.sha256 for file in packaged.jar.files},
        mojo_sha256=packaged.mojo_sha256,
        versions=read_versions_installed(),
        git_commit=read_git_commit(Path(__file__).parent),
        bill_of_materials=read_bill_of_materials(folder / packaged.jar.file("cyclonedx").name),
    )


def carry_out(spec: ModelSpec, packaged: PackagedJar, target: ReleaseTarget, plan: Plan) -> bool:
    """Publish what the plan promotes, then record it; return whether this jar is released.

    In this order, since a champion that does not resolve would be worse than a jar that no event
    names; and only after a look at the plan, since what was decided before is not published again.
    """
    storage = target.store.storage
    planned = plan(read_events(storage, spec.name))
    if planned is not None and planned.kind in PUBLISHES:
        publish_packaged(spec, packaged, target)
    append(storage, spec.name, plan)
    # Read again: of what was decided before, nothing was appended, and it may be released.
    known = releases(read_events(storage, spec.name))
    return any(event.version == packaged.jar.version for event in known)


def _challenger(spec: ModelSpec, packaged: PackagedJar) -> Challenger:
    return Challenger(
        model=spec.name,
        refit=packaged.refit,
        as_of=packaged.as_of,
        version=packaged.jar.version,
        coordinates=packaged.jar.coordinates.rpartition(":")[0],
        mojo_sha256=packaged.mojo_sha256,
        training_set_digest=packaged.training_set_digest,
    )


def _compare(
    spec: ModelSpec,
    refit: str,
    store: ArtefactStore,
    score: Score,
    *,
    packaged: PackagedJar,
    champion: LedgerEvent,
) -> Comparison | None:
    """Score the holdout by the champion's jar too; None where that jar is gone or cannot."""
    from refit_assets.evaluation.comparison import Contender, compare
    from refit_assets.evaluation.holdout import read_holdout

    files = store.refit(spec.name, refit)
    known = {one.jar.version: one for one in read_packaged(store, spec.name)}
    if champion.version not in known:
        # Lost from the store: the gate says that it could not compare, and fails.
        return None
    jar = known[champion.version].jar
    stored = jar_name(spec.name, jar.version, jar.file("all").name)
    try:
        score(stored, files.name(ROWS), files.name(CHAMPION_SCORES))
    except DataError:
        # Its contract asks for columns that these rows do not have: the gate says so, and fails.
        return None
    pinned = store.need_record(
        TrainingSet, files.name("training_set.json"), made_by=f"{spec.name}/training_set"
    )
    holdout = read_holdout(spec, pinned.files("holdout"))
    rows = len(holdout)
    ours = _predictions(spec, store, files.name(SCORES), rows)
    theirs = _predictions(spec, store, files.name(CHAMPION_SCORES), rows)
    return compare(
        spec,
        holdout,
        Contender(version=packaged.jar.version, mojo_sha256=packaged.mojo_sha256, predictions=ours),
        Contender(version=jar.version, mojo_sha256=champion.mojo_sha256, predictions=theirs),
    )


def _predictions(spec: ModelSpec, store: ArtefactStore, name: str, rows: int) -> "Predictions":
    from refit_assets.evaluation.predictions import read_jar_predictions

    with tempfile.TemporaryDirectory(prefix="refit-scores-") as folder:
        local = Path(folder) / "scores.csv"
        store.storage.download(name, local)
        return read_jar_predictions(spec, local, rows=rows)


def _jar_figures(store: ArtefactStore, scores: str, packaged: PackagedJar, rows: int) -> JarFigures:
    """Size, and rows a second of the holdout's own scoring, the start of the JVM included."""
    took = store.read_record(ScoringTime, time_name(scores))
    return JarFigures(
        mib=packaged.jar.file("all").bytes / 2**20,
        rows_a_second=rows / took.seconds if took and took.seconds else None,
    )


def _reason(verdict: Verdict, *, promote: bool) -> str:
    if verdict.promote and not promote:
        return f"held for approval: {verdict.reasons[0]}"
    return " ".join(verdict.reasons)
