"""Scripts by spark-submit: real processes, with a shell script in Spark's place."""

import os
import select
from pathlib import Path

import pytest

from refit_assets.errors import WorkloadFailed
from refit_assets.workloads.spark_submit import Script, build_command, render_tail, run_script

SCRIPT = Script(
    path=Path("job.py"),
    arguments=["rows.libsvm"],
    packages=["a:b:1", "c:d:2"],
    settings={"spark.master": "local[2]"},
    environment={"DAY": "2013-01-02"},
)


def spark(folder: Path, program: str) -> Path:
    """Put a shell script where spark-submit is looked for."""
    submit = folder / "bin" / "spark-submit"
    submit.parent.mkdir()
    submit.write_text(f"#!/bin/sh\n{program}\n")
    submit.chmod(0o755)
    return folder


def test_the_command_is_what_a_person_would_type() -> None:
    assert build_command(SCRIPT, Path("/spark")) == [
        "/spark/bin/spark-submit",
        "--conf=spark.master=local[2]",
        "--packages",
        "a:b:1,c:d:2",
        "job.py",
        "rows.libsvm",
    ]


def test_every_line_is_told_and_the_variables_arrive(tmp_path: Path) -> None:
    heard: list[str] = []
    run_script(SCRIPT, heard.append, spark(tmp_path, 'echo "day $DAY"; echo oops >&2'))
    assert heard == ["day 2013-01-02", "oops"]


def test_a_failure_shows_the_scripts_own_traceback(tmp_path: Path) -> None:
    program = """cat <<'END'
26/01/01 12:00:00 WARN something
Traceback (most recent call last):
  File "job.py", line 7, in <module>
ValueError: no such column
END
exit 3"""
    with pytest.raises(WorkloadFailed) as caught:
        run_script(SCRIPT, lambda _: None, spark(tmp_path, program))
    said = str(caught.value)
    assert said.startswith("job.py ended with exit code 3")
    assert said.endswith("ValueError: no such column")
    assert "WARN" not in said
    assert not caught.value.transient


def test_the_jvms_frames_are_left_out_of_a_failure() -> None:
    lines = ["Traceback (most recent call last):", "Py4JJavaError: boom", "\tat org.apache.X"]
    assert "org.apache" not in render_tail(lines)
    assert "boom" in render_tail(lines)


def test_without_a_traceback_the_last_lines_are_shown() -> None:
    assert render_tail(["first", *["more"] * 40, "last"]).endswith("\n  | last")
    assert "first" not in render_tail(["first", *["more"] * 40, "last"])


def test_an_interrupt_ends_the_script_and_what_it_started(tmp_path: Path) -> None:
    children: list[int] = []

    class Interrupted(BaseException):
        pass

    def tell(line: str) -> None:
        children.append(os.pidfd_open(int(line)))
        raise Interrupted

    with pytest.raises(Interrupted):
        run_script(SCRIPT, tell, spark(tmp_path, "sleep 600 & echo $!; wait"))
    # Readable once the process has ended.
    ended, _, _ = select.select(children, [], [], 60)
    assert ended == children
    os.close(children[0])
