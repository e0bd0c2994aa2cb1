"""The asset of a script: partitions, schedule, and what is shown of its output."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from refit_assets.assets.main_job import QUIET
from refit_assets.assets.spark_job import Printed, build_spark_job_defs
from refit_assets.errors import WorkloadFailed
from refit_assets.job_spec import SparkJobSpec
from refit_assets.resources.scripts import ScriptCall, Tell
from refit_assets_tests.memory import empty_instance

WEEKLY = {"every": "weekly", "start": "2013-01-07"}


@dataclass
class FakeScripts:
    """Prints what a test says."""

    lines: tuple[str, ...] = ()
    error: Exception | None = None
    calls: list[ScriptCall] = field(default_factory=list)

    def run(self, call: ScriptCall, tell: Tell) -> None:
        self.calls.append(call)
        for line in self.lines:
            tell(line)
        if self.error is not None:
            raise self.error


def build(folder: Path, **attributes: Any) -> dg.Definitions:  # noqa: ANN401
    script = folder / "job.py"
    script.write_text("print('hello')")
    spec = {"key": "team/job", "script": "job.py", **attributes}
    return build_spark_job_defs(SparkJobSpec.model_validate(spec), script)


def run(
    defs: dg.Definitions, scripts: FakeScripts, partition: str | None = None
) -> dg.ExecuteInProcessResult:
    return dg.materialize(
        [*(defs.assets or ())],
        resources={"scripts": scripts},
        instance=empty_instance(),
        partition_key=partition,
        run_config=QUIET,
        raise_on_error=False,
    )


def test_what_the_script_prints_is_shown_with_the_asset(tmp_path: Path) -> None:
    scripts = FakeScripts(lines=("error: 0.5", "error: 0.25", "label: late"))
    patterns = {"error": "error: (.+)", "label": "label: (.+)", "rows": "rows: (.+)"}
    result = run(build(tmp_path, metadata=patterns), scripts)
    (made,) = result.asset_materializations_for_node("team__job")
    assert made.metadata["error"].value == 0.25
    assert made.metadata["label"].value == "late"
    assert "rows" not in made.metadata


def test_the_script_is_told_its_partition(tmp_path: Path) -> None:
    scripts = FakeScripts()
    assert run(build(tmp_path, partitions=WEEKLY), scripts, "2013-01-14").success
    assert [call.partition for call in scripts.calls] == ["2013-01-14"]


def test_a_failing_script_fails_the_step_at_once(tmp_path: Path) -> None:
    scripts = FakeScripts(error=WorkloadFailed("job.py ended with exit code 1"))
    result = run(build(tmp_path), scripts)
    assert not result.success
    assert len(scripts.calls) == 1


def schedule_at(defs: dg.Definitions, when: datetime) -> Any:  # noqa: ANN401
    (schedule,) = defs.schedules or ()
    context = dg.build_schedule_context(scheduled_execution_time=when)
    return schedule(context)


@pytest.mark.parametrize(
    ("day", "partition"), [(14, "2013-01-07"), (20, "2013-01-07"), (21, "2013-01-14")]
)
def test_a_schedule_makes_the_latest_whole_partition(
    tmp_path: Path, day: int, partition: str
) -> None:
    defs = build(tmp_path, partitions=WEEKLY, schedule="0 3 * * *")
    request = schedule_at(defs, datetime(2013, 1, day, 3, tzinfo=UTC))
    assert request.partition_key == partition


def test_a_schedule_before_the_first_partition_says_why_it_does_nothing(tmp_path: Path) -> None:
    defs = build(tmp_path, partitions=WEEKLY, schedule="0 3 * * *")
    found = schedule_at(defs, datetime(2013, 1, 9, 3, tzinfo=UTC))
    assert found.skip_message == "no partition is whole yet: the first begins 2013-01-07"


def test_a_schedule_without_partitions_just_runs(tmp_path: Path) -> None:
    defs = build(tmp_path, schedule="0 3 * * *")
    request = schedule_at(defs, datetime(2013, 1, 9, 3, tzinfo=UTC))
    assert request.partition_key is None


def test_another_script_is_another_code_version(tmp_path: Path) -> None:
    def version() -> str | None:
        (asset,) = build_of()
        return asset.code_versions_by_key[asset.key]

    def build_of() -> list[Any]:
        spec = SparkJobSpec.model_validate({"key": "job", "script": "job.py"})
        return [*(build_spark_job_defs(spec, script).assets or ())]

    script = tmp_path / "job.py"
    script.write_text("one")
    before = version()
    script.write_text("two")
    assert version() != before


def test_of_lines_that_match_the_last_counts() -> None:
    printed = Printed(patterns={"n": "n=(.+)"})
    for line in ("n=1", "n=x"):
        printed.read(line)
    assert printed.found == {"n": "x"}
