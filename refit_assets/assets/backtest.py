"""The back-test, embedded: the model's own assets on a scratch instance below the home.

Replays up to the evaluation are runs of Dagster, to be looked at with `DAGSTER_HOME` on the scratch
folder; what each cadence decides is `release.backtest`. Tables are the live ones: pinning a
replay's window tags their snapshots, and changes nothing else.
"""

from dataclasses import dataclass
from pathlib import Path

from refit_assets.artefacts import ArtefactStore, Storage, record_to_json
from refit_assets.assets.main_job import main_job
from refit_assets.release.backtest import Backtest, Plan, run_backtest, scratch_store
from refit_assets.release.backtest_report import render_backtest_report
from refit_assets.resources.deployment import Deployment
from refit_assets.spec import ModelSpec


@dataclass(frozen=True, kw_only=True)
class ScratchDeployment(Deployment):
    """The live landing zone and tables, and a store, a ledger and an instance of its own."""

    live: Deployment
    scratch: ArtefactStore

    @property
    def landing(self) -> Storage:
        """The live landing zone."""
        return self.live.landing

    @property
    def store(self) -> ArtefactStore:
        """What replays make, over the live days and trials."""
        return self.scratch

    @property
    def warehouse_uri(self) -> str:
        """Root of the live tables."""
        return self.live.warehouse_uri

    @property
    def catalogue_uri(self) -> str:
        """The live catalogue."""
        return self.live.catalogue_uri


def build_scratch(spec: ModelSpec, live: Deployment) -> ScratchDeployment:
    """Build a model's scratch deployment; it is kept, so that a back-test can go on."""
    home = live.home / "backtests" / spec.name
    store = scratch_store(live.store, home, spec)
    return ScratchDeployment(home=home, live=live, scratch=store)


def run_backtest_job(spec: ModelSpec, live: Deployment, plan: Plan) -> tuple[Backtest, Path]:
    """Run or continue a back-test; returns it and the path of its report.

    Raises:
        RunError: a step of a replay failed; the same call goes on from there.
        DataError, SpecError: see `release.backtest`.

    """
    scratch = build_scratch(spec, live)
    with main_job(spec, scratch) as job:
        maven = job.resources["maven"]
        found = run_backtest(
            spec, plan, live.store, scratch.home, replay=job.replay, score=maven.score
        )
    name = f"{plan.first}_{plan.last}"
    report = scratch.home / f"{name}.html"
    report.write_text(render_backtest_report(found), encoding="utf-8")
    (scratch.home / f"{name}.json").write_bytes(record_to_json(found))
    return found, report
