"""The release asset: the ledger, the repository, and the order of a backfill."""

import shutil
from pathlib import Path

import dagster as dg

from refit_assets.release.ledger import LedgerEvent, champion, read_events
from refit_assets.release.summary import build_summary
from refit_assets.release.timeline import render_timeline, timeline_rows
from refit_assets_tests.assets.conftest import (
    COMPUTED,
    FIRST_REFIT,
    UP_TO_EVALUATION,
    UP_TO_JAR,
    Workshop,
    build_daily,
    checks,
    compute_fourth,
    day,
    failure,
    refit_first,
    state,
)
from refit_assets_tests.fakes.h2o import Curve

SECOND_REFIT = "2013-01-05"
WRONG = Curve(middle=6.5, slope=-1.0)
"""Orders small before large: worse than a coin."""


def events(workshop: Workshop) -> list[LedgerEvent]:
    return list(read_events(workshop.deployment.store.storage, "late"))


def kinds(workshop: Workshop) -> list[tuple[str, str]]:
    return [(one.refit, one.kind) for one in events(workshop)]


def published(workshop: Workshop) -> list[str]:
    root = workshop.deployment.home / "repository"
    return sorted(path.parent.name for path in root.rglob("*.pom"))


def walk(workshop: Workshop, *refits: str) -> None:
    """Everything before the release, refit by refit."""
    for refit in refits:
        workshop.make(refit, UP_TO_EVALUATION)


def release(workshop: Workshop, refit: str = FIRST_REFIT) -> dg.ExecuteInProcessResult:
    """Release in a run what was made up to there."""
    walk(workshop, refit)
    return workshop.refit(refit, names=["release"])


def release_both(workshop: Workshop) -> None:
    tags = {
        "dagster/asset_partition_range_start": FIRST_REFIT,
        "dagster/asset_partition_range_end": SECOND_REFIT,
    }
    assert workshop.run(["release"], tags=tags).success


def walk_both(workshop: Workshop) -> None:
    walk(workshop, SECOND_REFIT, FIRST_REFIT)


four_days = state(*COMPUTED, compute_fourth)
challenged = state(*COMPUTED, refit_first, compute_fourth)
walked = state(*COMPUTED, compute_fourth, walk_both)


def test_a_good_first_refit_is_promoted_and_published(computed: Workshop) -> None:
    result = computed.refit()
    assert result.success
    assert kinds(computed) == [(FIRST_REFIT, "promoted")]
    assert published(computed) == ["1.0.20130104"]
    (event,) = events(computed)
    assert event.by == f"run {result.run_id}"
    assert checks(result)["champion"].passed
    report = Path(computed.deployment.store.refit("late", FIRST_REFIT).name("release/report.html"))
    assert computed.deployment.store.storage.read(report.as_posix())


def test_a_poor_refit_is_held_with_its_reason_and_not_published(computed: Workshop) -> None:
    computed.h2o.curve = WRONG
    result = release(computed)
    assert result.success
    assert kinds(computed) == [(FIRST_REFIT, "held")]
    assert "AUC" in events(computed)[0].reason
    assert published(computed) == []


def test_where_a_person_approves_nothing_is_published_without_one(computed: Workshop) -> None:
    computed.spec = build_daily(when={"approval": "manual"})
    assert release(computed).success
    assert kinds(computed) == [(FIRST_REFIT, "held")]
    assert events(computed)[0].reason.startswith("held for approval: ")
    assert published(computed) == []


def test_two_refits_in_one_run_walk_in_order_each_against_the_champion_before_it(
    walked: Workshop,
) -> None:
    release_both(walked)
    assert kinds(walked) == [(FIRST_REFIT, "promoted"), (SECOND_REFIT, "promoted")]
    assert [one.against for one in events(walked)] == [None, "1.0.20130104"]
    versions = [walked.data_version("release", one) for one in (FIRST_REFIT, SECOND_REFIT)]
    assert None not in versions
    assert len(set(versions)) == 2


def test_a_backfill_of_many_refits_replays_history_in_order_and_can_be_read(
    computed: Workshop,
) -> None:
    # As Dagster's own backfill does it: refits end in any order, then one run releases them all.
    refits = [day(number).isoformat() for number in range(4, 9)]
    computed.land(4, 5, 6, 7)
    computed.compute(4, 7)
    for refit in (refits[2], refits[4], refits[0], refits[3], refits[1]):
        walk(computed, refit)
    computed.h2o.curve = WRONG
    walk(computed, refits[3])
    tags = {
        "dagster/asset_partition_range_start": refits[0],
        "dagster/asset_partition_range_end": refits[-1],
    }
    assert computed.run(["release"], tags=tags).success
    assert [one.refit for one in events(computed)] == refits
    assert [one.kind for one in events(computed)] == [*["promoted"] * 3, "held", "promoted"]
    before = [f"1.0.{refit.replace('-', '')}" for refit in refits]
    assert [one.against for one in events(computed)] == [None, *before[:3], before[2]]
    told = render_timeline("late", timeline_rows(events(computed)))
    assert [told.index(version) for version in before] == sorted(
        told.index(version) for version in before
    )


def test_a_worse_challenger_is_held_and_the_champion_stays(challenged: Workshop) -> None:
    challenged.h2o.curve = WRONG
    result = release(challenged, SECOND_REFIT)
    assert result.success
    assert not checks(result)["champion"].passed
    assert kinds(challenged)[-1] == (SECOND_REFIT, "held")
    serving = champion(events(challenged))
    assert serving is not None
    assert serving.version == "1.0.20130104"
    assert published(challenged) == ["1.0.20130104"]


def test_a_champion_that_cannot_score_these_rows_fails_its_gate_and_no_run(
    challenged: Workshop,
) -> None:
    challenged.maven.refuses = ("1.0.20130104",)
    result = release(challenged, SECOND_REFIT)
    assert result.success
    assert not checks(result)["champion"].passed
    assert kinds(challenged)[-1] == (SECOND_REFIT, "held")


def test_a_champion_whose_jar_is_gone_fails_its_gate_and_no_run(challenged: Workshop) -> None:
    shutil.rmtree(challenged.deployment.home / "artefacts/models/late/jars/1.0.20130104")
    result = release(challenged, SECOND_REFIT)
    assert result.success
    assert "its jar is gone" in str(checks(result)["champion"].description)
    assert kinds(challenged)[-1] == (SECOND_REFIT, "held")


def test_releasing_again_appends_and_publishes_nothing(walked: Workshop) -> None:
    for _ in range(2):
        release_both(walked)
    assert len(events(walked)) == 2
    assert published(walked) == ["1.0.20130104", "1.0.20130105"]


def test_a_release_without_an_evaluation_says_what_to_materialise(computed: Workshop) -> None:
    computed.make(names=UP_TO_JAR)
    assert "materialise late/evaluation" in failure(computed.refit(names=["release"]))
    assert events(computed) == []


def test_figures_of_another_jar_promote_nothing(computed: Workshop) -> None:
    walk(computed, FIRST_REFIT)
    computed.h2o.curve = Curve(middle=7.5)
    computed.make(names=["trials", "candidate", "scoring_jar"])
    expected = "the evaluation is of another jar: materialise late/evaluation again"
    assert expected in failure(computed.refit(names=["release"]))
    assert (events(computed), published(computed)) == ([], [])


def test_the_summary_of_a_refit_names_files_that_are_there(refitted: Workshop) -> None:
    target = refitted.deployment.release_target
    summary = build_summary(refitted.spec, FIRST_REFIT, target, 3, {})
    assert (summary.verdict, summary.version) == ("promoted", "1.0.20130104")
    for path in (summary.jar, summary.report, summary.release_report):
        assert Path(path).is_file(), path
    assert summary.digests["mojo"] == refitted.h2o.curve.sha256
    assert summary.digests["training_set"] == refitted.data_version("training_set", FIRST_REFIT)
