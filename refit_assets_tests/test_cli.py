"""The `refit` command: what it prints, and what it says where it cannot do as asked."""

import json
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from refit_assets.artefacts import ArtefactStore, Folder, refused_name
from refit_assets.cli import called_as, main, refit
from refit_assets.features.refused import Refusal, Refused
from refit_assets.models import read_models
from refit_assets.release.decisions import decide_by_hand, record_decision
from refit_assets.release.ledger import Challenger, append, plan_release
from refit_assets.training.trial import LEADERBOARD, Leaderboard, Trial, TrialPlan
from refit_assets_tests.fakes.h2o import as_fitted

REFIT = datetime(2013, 6, 3, tzinfo=UTC)
COMMANDS = {
    "approve",
    "argo",
    "argo-step",
    "backtest",
    "check-honesty",
    "contract",
    "demo",
    "land",
    "models",
    "new",
    "package",
    "predict",
    "rollback",
    "run",
    "tick",
    "timeline",
    "trials",
    "why",
}


def run(*words: str) -> Result:
    """Run a command that does what it is asked."""
    result = CliRunner().invoke(refit, words)
    assert result.exit_code == 0, result.output
    return result


def refused(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *words: str
) -> tuple[int, str]:
    """Run a command as the shell does; its exit code and what it says."""
    monkeypatch.setattr("sys.argv", ["refit", *words])
    with pytest.raises(SystemExit) as left:
        main()
    said = capsys.readouterr()
    assert said.out == ""
    assert isinstance(left.value.code, int)
    return left.value.code, said.err


def promote(home: Path, version: str, as_of: datetime) -> None:
    challenger = Challenger(
        model="flight_delay",
        refit=as_of.date().isoformat(),
        as_of=as_of.date(),
        version=version,
        coordinates="com.example:flight-delay",
        mojo_sha256=version,
        training_set_digest="set",
    )
    append(
        Folder(root=home / "artefacts"),
        "flight_delay",
        lambda known: plan_release(
            known,
            challenger,
            promote=True,
            reason="the first model",
            against=known[-1].version if known else None,
            by="Ada",
            now=as_of,
        ),
    )


def test_help_lists_every_command_with_a_sentence() -> None:
    assert set(refit.commands) >= COMMANDS
    shown = run("--help").output
    for name in COMMANDS:
        (line,) = (one for one in shown.splitlines() if one.strip().startswith(f"{name} "))
        assert len(line.split()) > 3
        assert run(name, "--help").output.startswith("Usage: ")


def test_models_are_listed_for_people_and_for_programs() -> None:
    names = list(read_models())
    assert names == ["air_time", "flight_delay"]
    assert [line.split(":")[0] for line in run("models").output.splitlines()] == names
    assert list(json.loads(run("models", "--json").output)) == names


@pytest.mark.parametrize(
    "words", [["run"], ["timeline"], ["trials"], ["why"], ["contract", "diff"]]
)
def test_a_model_that_is_none_is_one_clear_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    code, said = refused(capsys, monkeypatch, *words, "flight_dealy", *["1.0.1"][: len(words) - 1])
    assert code == 1
    (line,) = said.splitlines()
    assert line.startswith("error: no model 'flight_dealy' below ")
    assert line.endswith("there are: air_time, flight_delay")


def test_a_word_that_is_no_command_exits_with_two(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    code, said = refused(capsys, monkeypatch, "relaese")
    assert code == 2
    assert "relaese" in said


def test_a_run_with_nothing_landed_says_what_to_do(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    code, said = refused(capsys, monkeypatch, "run", "flight_delay")
    assert code == 1
    assert said.startswith("error: nothing has landed for flight_delay below ")
    assert said.strip().endswith("try `refit demo`")


def test_a_home_that_h2o_cannot_read_is_refused_with_the_reason(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("REFIT_HOME", str(tmp_path / ".hidden"))
    code, said = refused(capsys, monkeypatch, "timeline", "flight_delay")
    assert code == 1
    assert "H2O reads nothing below '.hidden'" in said
    assert not (tmp_path / ".hidden").exists()


def test_a_day_that_the_model_has_not_is_refused_with_those_that_it_has(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    code, said = refused(capsys, monkeypatch, "predict", "flight_delay", "--from", "2014-01-01")
    reach = "its days are 2013-01-01 to 2013-12-31"
    assert (code, said) == (1, f"error: flight_delay has no day 2014-01-01: {reach}\n")
    backwards = ["--from", "2013-01-02", "--to", "2013-01-01"]
    _, said = refused(capsys, monkeypatch, "predict", "flight_delay", *backwards)
    assert said == f"error: flight_delay has no days 2013-01-02 to 2013-01-01: {reach}\n"


def test_without_days_to_score_predict_says_so_and_starts_nothing(tmp_path: Path) -> None:
    assert run("predict", "flight_delay").output == "no day of flight_delay is to be scored\n"
    promote(tmp_path / "home", "1.0.20130603", REFIT)
    assert json.loads(run("predict", "flight_delay", "--json").output) == {"scored": []}


def test_the_timeline_tells_who_served_since_when(tmp_path: Path) -> None:
    promote(tmp_path / "home", "1.0.20130603", REFIT)
    promote(tmp_path / "home", "1.0.20130610", REFIT.replace(day=10))
    shown = run("timeline", "flight_delay").output
    assert "1.0.20130603" in shown
    assert "Ada" in shown
    assert len(json.loads(run("timeline", "flight_delay", "--json").output)) == 2
    before = ["timeline", "flight_delay", "--at", "2013-06-05", "--json"]
    assert "1.0.20130610" not in run(*before).output


def test_a_rollback_lets_an_earlier_version_serve_once(tmp_path: Path) -> None:
    promote(tmp_path / "home", "1.0.20130603", REFIT)
    promote(tmp_path / "home", "1.0.20130610", REFIT.replace(day=10))
    words = ["rollback", "flight_delay", "--to", "1.0.20130603", "--by", "Ada", "--reason", "slow"]
    assert run(*words).output == "1.0.20130603 serves from now on\n"
    assert run(*words).output == "1.0.20130603 serves already\n"


def test_a_rollback_to_what_was_never_published_is_refused(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["rollback", "flight_delay", "--to", "9.9.9", "--by", "Ada", "--reason", "slow"]
    code, said = refused(capsys, monkeypatch, *words)
    assert code == 1
    assert said.startswith("error: ")
    assert "9.9.9" in said


def test_trials_are_shown_best_first_and_the_best_as_a_spec_would_have_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    code, said = refused(capsys, monkeypatch, "trials", "flight_delay")
    assert (code, said.splitlines()) == (
        1,
        ["error: no trials of flight_delay yet: `refit run flight_delay` fits what is due"],
    )
    store = ArtefactStore(storage=Folder(root=tmp_path / "home" / "artefacts"))
    for key, best in (("2013-06-10", 0.41), ("2013-06-03", 0.42)):
        trials = (trial("a" * 16, best, ntrees=50, max_depth=5), trial("b" * 16, 0.5, ntrees=50))
        board = Leaderboard(
            training_set_digest="d", choose_by="log_loss", trials=trials, searched_in=key
        )
        store.write_record(store.refit("flight_delay", key).name(LEADERBOARD), board)
    assert run("trials", "flight_delay").output.splitlines() == [
        "flight_delay 2013-06-10: 2 trials, the best by log_loss first",
        "  gbm-aaaaaa    0.41000     2.0 s  ntrees=50, max_depth=5",
        "  gbm-bbbbbb    0.50000     2.0 s  ntrees=50",
        "",
        "The best alone, below `trials` of defs.yaml:",
        "search:",
        "- algorithm: gbm",
        "  parameters: {ntrees: 50, max_depth: 5}",
    ]
    told = json.loads(run("trials", "flight_delay", "--refit", "2013-06-03", "--json").output)
    assert told["trials"][0]["metrics"] == {"log_loss": 0.42}
    assert told["search"] == [{"algorithm": "gbm", "parameters": {"ntrees": 50, "max_depth": 5}}]
    code, said = refused(capsys, monkeypatch, "trials", "flight_delay", "--refit", "2013-06-17")
    assert code == 1
    assert "2013-06-17; the latest that were fitted: 2013-06-03, 2013-06-10" in said
    chosen = replace(
        board,
        trials=(trial("c" * 16, 0.43, ntrees=50),),
        searched_in="2013-06-10",
        search=board.trials,
    )
    store.write_record(store.refit("flight_delay", "2013-06-17").name(LEADERBOARD), chosen)
    assert run("trials", "flight_delay").output.splitlines()[:5] == [
        "flight_delay 2013-06-17: 1 trial, as the search of 2013-06-10 chose",
        "  gbm-cccccc    0.43000     2.0 s  ntrees=50",
        "search of 2013-06-10: 2 trials, the best by log_loss first",
        "  gbm-aaaaaa    0.42000     2.0 s  ntrees=50, max_depth=5",
        "  gbm-bbbbbb    0.50000     2.0 s  ntrees=50",
    ]


def trial(key: str, log_loss: float, **parameters: int) -> Trial:
    plan = TrialPlan(key=key, algorithm="gbm", parameters=dict(parameters), seed=7, nodes=None)
    return as_fitted(plan, "d", metrics={"log_loss": log_loss}, seconds=2.0)


def test_why_tells_every_decision_for_people_and_for_programs(tmp_path: Path) -> None:
    assert run("why", "flight_delay").output.startswith("no decision yet")
    store = ArtefactStore(storage=Folder(root=tmp_path / "home" / "artefacts"))
    record_decision(store, decide_by_hand("flight_delay", "2013-06-03", "Ada", REFIT))
    expected = "2013-06-03 00:00  2013-06-03  refit  Ada asked for refit 2013-06-03\n"
    assert run("why", "flight_delay").output == expected
    refusal = Refusal(etag="e", at=REFIT + timedelta(days=1), sentence="flights/x.csv: no")
    refused = Refused(files={"flights/x.csv": refusal})
    store.write_record(refused_name("flight_delay"), refused)
    expected += "2013-06-04 00:00  refused  flights/x.csv: no\n"
    assert run("why", "flight_delay").output == expected
    (told,) = json.loads(run("why", "flight_delay", "--json").output)["decisions"]
    assert (told["reason"], told["refit"]) == ("by_hand", "2013-06-03")


def test_the_next_command_is_one_that_the_shell_finds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "refit"
    program.touch(mode=0o755)
    monkeypatch.setattr("sys.argv", [str(program)])
    monkeypatch.setenv("PATH", "")
    assert called_as() == str(program)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert called_as() == "refit"


BACKGROUND_JOB = """
import signal, sys
from importlib.util import find_spec
from pathlib import Path
from runpy import run_path
from refit_assets.cli import main
# This module of Dagster's alone: with all of it the process would live twice as long.
dagster = Path(find_spec("dagster").origin).parent
capture_interrupts = run_path(dagster / "_utils/interrupts.py")["capture_interrupts"]
sys.argv = ["refit", "models"]
try:
    main()
finally:
    with capture_interrupts():  # as around each of Dagster's runs
        pass
    assert signal.getsignal(signal.SIGTERM) is not signal.SIG_IGN
"""


def test_a_background_job_can_be_asked_to_end_after_a_run_of_dagster() -> None:
    ignoring = ["sh", "-c", 'trap "" INT; exec "$0" -c "$1"', sys.executable, BACKGROUND_JOB]
    done = subprocess.run(ignoring, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "flight_delay" in done.stdout
