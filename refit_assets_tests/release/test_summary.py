"""The summary of the main job, as a person reads it."""

from dataclasses import replace

from refit_assets.release.summary import Summary, render_summary

SUMMARY = Summary(
    model="late",
    partition="2013-01-28",
    verdict="promoted",
    reasons=("the first model",),
    version="1.0.20130128",
    coordinates="com.example:late:1.0.20130128",
    jar="jars/late-all.jar",
    repository="file:repository",
    report="report.html",
    release_report="release.html",
    metric="auc",
    value=0.71234,
    low=0.7,
    high=0.725,
    days=21,
    seconds={
        "features": {"seconds": 10.0, "cpu_seconds": 15.5},
        "trials": {"seconds": 5.5, "cpu_seconds": 4.0},
    },
)


def test_it_tells_verdict_worth_and_seconds_in_all() -> None:
    shown = render_summary(SUMMARY, program="refit")
    assert "late, refit 2013-01-28: promoted\n  the first model" in shown
    assert "0.7123 on the holdout  (95 %: 0.7000 to 0.7250)" in shown
    (total,) = (line for line in shown.splitlines() if "in all" in line)
    assert total.split() == ["in", "all", "15.5", "s", "19.5", "CPU", "s"]


def test_its_next_commands_name_the_jar_and_the_model() -> None:
    commands = render_summary(SUMMARY, program="uv run refit").split("Next:\n")[1].splitlines()
    assert commands[0].strip() == "java -jar jars/late-all.jar --about"
    assert commands[1].strip() == "uv run refit timeline late"


def test_an_undefined_metric_has_no_interval() -> None:
    shown = render_summary(replace(SUMMARY, value=None, low=None, high=None), program="refit")
    assert "undefined on the holdout\n" in shown
