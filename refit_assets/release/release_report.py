"""The release's report: challenger and champion side by side, as one HTML file in the store."""

from refit_assets.artefacts import ArtefactStore
from refit_assets.evaluation.records import Evaluation
from refit_assets.release.release import REPORT, Release
from refit_assets.spec import ModelSpec


def write_release_report(spec: ModelSpec, release: Release, store: ArtefactStore) -> None:
    """Render and store it."""
    from refit_assets.evaluation.report import render_release_report

    files = store.refit(spec.name, release.refit)
    evaluation = store.need_record(
        Evaluation, files.name("evaluation/evaluation.json"), made_by=f"{spec.name}/evaluation"
    )
    page = render_release_report(
        evaluation, release.comparison, release.verdict, description=spec.description
    )
    store.storage.write(files.name(REPORT), page.encode())
