"""The `refit` command: parses, calls the stages, prints; nothing else.

Every command has `--json`, exits 0 when it did what was asked, 1 with one clear message where it
could not, and 2 for words it does not know. Dagster is imported only by commands that run assets.
"""

import gc
import getpass
import json
import logging
import shutil
import signal
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click

from refit_assets.errors import RefitError, SetupError
from refit_assets.models import DEFS, find_model, read_models
from refit_assets.resources.deployment import Deployment, read_deployment

ARGO, IMAGES = Path("deploy/argo"), Path("deploy/kustomize/images/images.env")
MODEL = click.argument("model")
AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
DAY = click.DateTime(["%Y-%m-%d"])
BY = click.option("--by", default=getpass.getuser, help="Who decides; default: you.")
REASON = click.option("--reason", required=True, help="Why, for the ledger.")


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="refit_assets", prog_name="refit")
def refit() -> None:
    """Refit production models: features, trials, a Java scoring jar, a release."""


def main() -> None:
    """Run the command line; errors of ours are messages, not tracebacks."""
    heed_signals()
    collect_rarely()
    try:
        # In its own mode click ends with 1 on Ctrl-C, and says no more than that it aborted.
        refit.main(standalone_mode=False)
    except RefitError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(1)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted; run the same command again to go on", err=True)
        sys.exit(130)


def collect_rarely() -> None:
    """Let Python's collector look for garbage seldom; before imports, since they make none.

    Its 700 objects are for little memory. What is imported, and Dagster's events, live to the end.
    """
    gc.set_threshold(50_000, 20, 20)


def heed_signals() -> None:
    """Heed SIGTERM also as a shell's background job, which ignores SIGINT.

    Dagster gives SIGTERM whatever SIGINT has: after its first run neither this process nor a JVM
    that it starts could be asked to end.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@refit.command()
@click.option("--model", default="flight_delay", show_default=True, help="Which of the models.")
@click.option("--until", type=DAY, default="2013-12-16", show_default=True)
@AS_JSON
def demo(model: str, until: datetime, as_json: bool) -> None:
    """Do the main job on real data: land a year of flights, refit, release."""
    from refit_assets.demo import land

    deployment = _deployment()
    spec = find_model(model)
    last = until.date() - timedelta(days=1)
    land(deployment.landing, spec.start, last)
    _run_what_is_due(model, None, as_json)


@refit.command()
@click.option("--days", default=1, show_default=True, help="How many more days.")
@AS_JSON
def land(days: int, as_json: bool) -> None:
    """Land the demo's next days, as they would arrive."""
    from refit_assets.demo import land_next_day

    deployment = _deployment()
    landed = [land_next_day(deployment.landing) for _ in range(days)]
    said = [f"landed {one.first}: {', '.join(one.written) or 'nothing new'}" for one in landed]
    _print({"landed": landed}, as_json, lambda: "\n".join(said))


@refit.command()
@MODEL
@click.option("--refit", "key", help="As-of date of the refit; default: the latest that is due.")
@AS_JSON
def run(model: str, key: str | None, as_json: bool) -> None:
    """Compute the features of new and changed days, then refit and release what is due."""
    _run_what_is_due(model, key, as_json)


@refit.command()
@MODEL
@click.option("--from", "first", type=DAY, help="First day; default: what is due.")
@click.option("--to", "last", type=DAY, help="Last day; default: the first.")
@click.option(
    "--serving",
    default="champion",
    show_default=True,
    help="champion; then: who served on each day; or a version.",
)
@AS_JSON
def predict(
    model: str, first: datetime | None, last: datetime | None, serving: str, as_json: bool
) -> None:
    """Score days by the jar that serves, and watch them."""
    from refit_assets.features.window import contiguous
    from refit_assets.release.ledger import read_events
    from refit_assets.release.predicting import days_to_predict

    deployment, spec = _deployment(), find_model(model)
    if first is None:
        events = read_events(deployment.store.storage, model)
        ranges = contiguous(days_to_predict(deployment.store, spec, events))
    else:
        ranges = ((first.date(), (last or first).date()),)
    said = f"no day of {model} is to be scored"
    if ranges:
        from refit_assets.assets.main_job import main_job

        _show_progress()
        with main_job(spec, deployment) as job:
            for ends in ranges:
                job.predict(*ends, serving)
        said = "\n".join(f"scored and watched {a} to {b}" for a, b in ranges)
    _print({"scored": ranges}, as_json, lambda: said)


@refit.command()
@AS_JSON
def tick(as_json: bool) -> None:
    """Do the daemon's work once: evaluate what is due, run it, and end."""
    from refit_assets.assets.tick import render_tick, run_tick

    told = (lambda _: None) if as_json else click.echo
    made = run_tick(_deployment(), told)
    _print(made, as_json, lambda: render_tick(made))
    sys.exit(1 if made.failed else 0)


@refit.command()
@MODEL
@click.option("--out", default=ARGO, show_default=True, type=click.Path(path_type=Path))
@click.option("--images", default=IMAGES, show_default=True, type=click.Path(path_type=Path))
@AS_JSON
def argo(model: str, out: Path, images: Path, as_json: bool) -> None:
    """Write Argo WorkflowTemplates: the packaging step, and a whole refit of MODEL."""
    from refit_assets.argo import read_images, write_templates

    out.mkdir(parents=True, exist_ok=True)
    written = [str(path) for path in write_templates(find_model(model), read_images(images), out)]
    _print(written, as_json, lambda: "\n".join(f"wrote {path}" for path in written))


@refit.command("argo-step")
@click.argument("step", type=click.Choice(["plan", "pin", "finish"]))
@MODEL
@click.argument("key")
@click.option("--workflow", required=True)
@click.option("--out", required=True, type=click.Path(path_type=Path))
def argo_step(step: str, model: str, key: str, workflow: str, out: Path) -> None:
    """Do one light step of a refit, inside a pod of a workflow."""
    from refit_assets.assets.argo_steps import ArgoRefit
    from refit_assets.resources.cluster_deployment import ClusterDeployment

    deployment = _deployment()
    if not isinstance(deployment, ClusterDeployment):
        message = "argo-step runs in a cluster's pods: REFIT_DEPLOYMENT is not kubernetes"
        raise SetupError(message)
    made = ArgoRefit(deployment=deployment, spec=find_model(model), refit=key, workflow=workflow)
    out.mkdir(parents=True, exist_ok=True)
    for name, text in getattr(made, step)(click.echo).items():
        (out / name).write_text(text)


@refit.command()
@AS_JSON
def models(as_json: bool) -> None:
    """List the models."""
    found = read_models()
    rows = {name: spec.description for name, spec in found.items()}
    _print(rows, as_json, lambda: "\n".join(f"{name}: {text}" for name, text in rows.items()))


@refit.command()
@click.argument("name")
def new(name: str) -> None:
    """Write a working defs.yaml and features.py for a new model."""
    from refit_assets.scaffold import scaffold

    for path in scaffold(name, DEFS):
        click.echo(f"wrote {path}")
    click.echo(f"It learns from the demo's flights until you change it. Next: refit run {name}")


@refit.command()
@click.option("--mojo", required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--examples", required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.option("--coordinates", required=True, help="group:artifact:version")
@click.option("--out", default="out", show_default=True, type=click.Path(path_type=Path))
@AS_JSON
def package(mojo: Path, examples: Path, coordinates: str, out: Path, as_json: bool) -> None:
    """Make a tested scoring jar of any MOJO that H2O 3.46 exported."""
    from refit_assets.packaging.command import package_from_command, render_jar

    jar = package_from_command(mojo, examples, coordinates, out)
    _print(jar, as_json, lambda: render_jar(jar, out))


@refit.command()
@MODEL
@click.option("--at", help="What was known at this instant (ISO, UTC).")
@AS_JSON
def timeline(model: str, at: str | None, as_json: bool) -> None:
    """Tell who served when, why that changed, and by whom."""
    from refit_assets.release.ledger import read_events
    from refit_assets.release.timeline import render_timeline, timeline_rows

    # Refuses what is no model: its ledger would merely be empty.
    find_model(model)
    events = read_events(_deployment().store.storage, model)
    rows = timeline_rows(events, at=_instant(at))
    _print(rows, as_json, lambda: render_timeline(model, rows))


@refit.command()
@MODEL
@click.option(
    "--refit", "key", help="As-of date of the refit; default: the latest that was fitted."
)
@AS_JSON
def trials(model: str, key: str | None, as_json: bool) -> None:
    """Show what was fitted for a refit, the best first, and the best as a spec's search."""
    from refit_assets.training.leaderboard import read_leaderboard, render_leaderboard
    from refit_assets.training.plan import search_of

    find_model(model)
    key, board = read_leaderboard(_deployment().store, model, key)
    search = search_of(board.trials[0], board.trials)
    told = {"refit": key, "trials": board.trials, "search": search}
    _print(told, as_json, lambda: render_leaderboard(model, key, board, search))


@refit.command()
@MODEL
@AS_JSON
def why(model: str, as_json: bool) -> None:
    """Tell every decision to refit or not to, and files that were refused; the latest last."""
    from refit_assets.features.refused import read_refused, render_refused
    from refit_assets.release.decisions import read_decisions, render_decisions

    find_model(model)
    store = _deployment().store
    decisions, refused = read_decisions(store, model), read_refused(store, model)
    told = {"decisions": decisions, "refused": refused}
    _print(told, as_json, lambda: render_decisions(decisions) + render_refused(refused))


@refit.command()
@MODEL
@click.option(
    "--to", "version", required=True, help="A published version; `refit timeline` tells them."
)
@BY
@REASON
@AS_JSON
def rollback(model: str, version: str, by: str, reason: str, as_json: bool) -> None:
    """Let an earlier version serve again; one ledger event, no refit."""
    from refit_assets.release.release import roll_back

    event = roll_back(
        find_model(model), version, _deployment().release_target, by=by, reason=reason
    )
    said = f"{version} serves {'already' if event is None else 'from now on'}"
    _print(event or {}, as_json, lambda: said)


@refit.command()
@MODEL
@click.argument("key")
@BY
@REASON
@AS_JSON
def approve(model: str, key: str, by: str, reason: str, as_json: bool) -> None:
    """Release a held refit, with a name and a reason."""
    from refit_assets.release.release import approve_refit

    event = approve_refit(
        find_model(model), key, _deployment().release_target, by=by, reason=reason
    )
    said = f"refit {key} was released already" if event is None else f"{event.version} is released"
    _print(event or {}, as_json, lambda: said)


@refit.command()
@MODEL
@click.option("--from", "first", required=True, type=DAY, help="Refits from that day on.")
@click.option("--to", "last", required=True, type=DAY, help="The last day that is served.")
@click.option(
    "--cadence", default="weekly,monthly", show_default=True, help="Several, with commas between."
)
@AS_JSON
def backtest(model: str, first: datetime, last: datetime, cadence: str, as_json: bool) -> None:
    """Replay refits over history, and tell what each cadence would have earned."""
    from refit_assets.assets.backtest import run_backtest_job
    from refit_assets.release.backtest import build_plan
    from refit_assets.release.backtest_report import render_backtest

    plan = build_plan(first.date(), last.date(), cadence.split(","))
    _show_progress()
    found, report = run_backtest_job(find_model(model), _deployment(), plan)
    _print(found, as_json, lambda: f"{render_backtest(found)}\n\n  report  {report}")


@refit.command("check-honesty")
@MODEL
@click.option("--day", "days", multiple=True, type=DAY, help="Default: three, spread evenly.")
@AS_JSON
def check_honesty_command(model: str, days: tuple[datetime, ...], as_json: bool) -> None:
    """Change the future of some landed days, and see that no feature notices."""
    from refit_assets.resources.honesty import run_honesty_check

    asked = [one.date() for one in days]
    honesty = run_honesty_check(find_model(model), _deployment(), asked)
    said = (
        f"{model} is honest: on {', '.join(map(str, honesty.days))} the features of "
        f"{honesty.rows:,} rows did not change with what became known after them"
    )
    _print(honesty, as_json, lambda: said)


@refit.group()
def contract() -> None:
    """Look at input contracts."""


@contract.command("diff")
@MODEL
@click.argument("old")
@click.argument("new", default="now")
@AS_JSON
def contract_diff(model: str, old: str, new: str, as_json: bool) -> None:
    """Tell in words how the contract of version NEW differs from OLD; `now` is the YAML."""
    from refit_assets.packaging.versions import compare_contracts, render_contract_diff
    from refit_assets.release.contracts import find_contract

    spec, store = find_model(model), _deployment().store
    before, after = find_contract(spec, store, old), find_contract(spec, store, new)
    said = render_contract_diff(before, after, old_name=old, new_name=new)
    _print(compare_contracts(before, after), as_json, lambda: said)


def _run_what_is_due(model: str, key: str | None, as_json: bool) -> None:
    from refit_assets.release.due import find_due

    deployment, spec = _deployment(), find_model(model)
    due = find_due(spec, deployment.store, deployment.landing, key)
    if due.nothing:
        _print(_last_summary(deployment), as_json, lambda: f"nothing new: {due.reason}")
        return
    _show_progress()
    # Only now: where nothing is due, nobody waits until Dagster is imported.
    from refit_assets.assets.main_job import run_main_job
    from refit_assets.release.summary import render_summary

    summary = run_main_job(spec, deployment, due)
    if summary is None:
        _print(due, as_json, lambda: f"features of {_days(len(due.days))} computed; {due.reason}")
    else:
        _print(summary, as_json, lambda: render_summary(summary, program=called_as()))


def called_as() -> str:
    """Name this program as the shell that called it finds it: by its path where PATH does not."""
    called = sys.argv[0]
    return "refit" if shutil.which("refit") == called else called


def _last_summary(deployment: Deployment) -> Any:  # noqa: ANN401 - JSON
    known = deployment.summary
    return json.loads(known.read_text()) if known.exists() else {}


def _deployment() -> Deployment:
    deployment = read_deployment()
    deployment.prepare()
    return deployment


def _instant(text: str | None) -> datetime | None:
    if text is None:
        return None
    instant = datetime.fromisoformat(text)
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


def _show_progress() -> None:
    progress = logging.getLogger("refit_assets.progress")
    # Standard output is the result's alone, which may be JSON for a program.
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s  %(message)s", "%H:%M:%S"))
    progress.addHandler(handler)
    progress.setLevel(logging.INFO)
    progress.propagate = False


def _print(value: Any, as_json: bool, render: Callable[[], str]) -> None:  # noqa: ANN401
    if not as_json:
        click.echo(render())
        return
    from pydantic import TypeAdapter

    click.echo(json.dumps(TypeAdapter(Any).dump_python(value, mode="json"), indent=2))


def _days(count: int) -> str:
    return "1 day" if count == 1 else f"{count} days"


if __name__ == "__main__":
    main()
