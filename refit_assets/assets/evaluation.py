"""The evaluation asset: what the candidate is worth, from scores that its own jar made.

Fetching, scoring and storing only; the arithmetic is `evaluation.metrics`, the pages are
`evaluation.report`.
"""

import tempfile
from pathlib import Path
from typing import Any

import dagster as dg

from refit_assets.artefacts import ArtefactStore, jar_name, place_of
from refit_assets.assets.columns import evaluation_lineage
from refit_assets.assets.partitions import refit_partitions
from refit_assets.assets.steps import RETRY_TRANSIENT, step
from refit_assets.errors import DataError
from refit_assets.evaluation.records import Evaluation
from refit_assets.evaluation.verdict import GateResult, judge_evaluation, plan_gates
from refit_assets.features.training_set import TrainingSet
from refit_assets.packaging.candidate import PackagedJar
from refit_assets.resources.deployment import Deployment
from refit_assets.resources.maven import Maven
from refit_assets.spec import ModelSpec
from refit_assets.training.trial import Candidate

REPORT = "evaluation/report.html"
ROWS = "evaluation/holdout.csv"
SCORES = "evaluation/scores.csv"


def build_evaluation_asset(spec: ModelSpec) -> dg.AssetsDefinition:
    """Build `<model>/evaluation`, partitioned by refit."""
    key = dg.AssetKey([spec.name, "evaluation"])
    gates = [gate for gate in plan_gates(spec.gates) if gate.needs == "evaluation"]

    # The result's type stays bare: with check_specs, Dagster 1.13 fails to define an asset that
    # returns `MaterializeResult[None]`.
    @dg.asset(
        key=key,
        description="What the candidate is worth on the holdout, by scores of its own jar.",
        deps=[[spec.name, "scoring_jar"]],
        partitions_def=refit_partitions(spec),
        # None blocks: what misses a gate is compared all the same, and held with its reasons.
        check_specs=[
            dg.AssetCheckSpec(gate.name, asset=key, description=gate.description) for gate in gates
        ],
        retry_policy=RETRY_TRANSIENT,
        group_name=spec.name,
        owners=[*spec.owners],
        kinds={"java", "scikitlearn"},
        metadata=evaluation_lineage(spec),
    )
    def evaluation(
        context: dg.AssetExecutionContext,
        maven: dg.ResourceParam[Maven],
        deployment: dg.ResourceParam[Deployment],
    ) -> dg.MaterializeResult:
        """Score the holdout through the jar, and measure."""
        with step(context) as running:
            store, refit = deployment.store, context.partition_key
            measured = evaluate_refit(spec, refit, store, maven)
            results = [check_gate(gate) for gate in judge_evaluation(spec.gates, measured)]
            return dg.MaterializeResult(
                # No clock in it: the same jar on the same rows leaves the release fresh.
                data_version=dg.DataVersion(
                    measured.mojo_sha256[:16] + measured.training_set_digest[:16]
                ),
                metadata={
                    **_metadata(deployment, spec, refit, measured),
                    **running.figures,
                },
                check_results=results,
            )

    return evaluation


def check_gate(gate: GateResult) -> dg.AssetCheckResult:
    """Show a judged gate as a check."""
    figures = {"found": gate.value, "limit": gate.limit}
    return dg.AssetCheckResult(
        check_name=gate.name,
        passed=gate.held,
        description=gate.sentence,
        metadata={name: value for name, value in figures.items() if value is not None},
    )


def evaluate_refit(spec: ModelSpec, refit: str, store: ArtefactStore, maven: Maven) -> Evaluation:
    """Score the holdout of a refit through its jar, measure, store record and report.

    Raises:
        ParityError: the jar differs from the training cluster somewhere in the holdout.
        DataError: an earlier step is missing, or was made of another training set.

    """
    from refit_assets.evaluation.holdout import read_holdout, write_inputs_csv
    from refit_assets.evaluation.metrics import Origin, evaluate
    from refit_assets.evaluation.predictions import (
        read_cluster_predictions,
        read_jar_predictions,
        require_parity,
    )
    from refit_assets.evaluation.report import render_evaluation_report

    files = store.refit(spec.name, refit)
    pinned, candidate, packaged = read_made(spec, refit, store)
    holdout = read_holdout(spec, pinned.files("holdout"))
    with tempfile.TemporaryDirectory(prefix="refit-evaluation-") as name:
        folder = Path(name)
        write_inputs_csv(spec, holdout, folder / "rows.csv")
        # By way of the store: a cluster's jar runs in another pod, and the release gives the same
        # rows to the champion's jar.
        store.storage.upload(folder / "rows.csv", files.name(ROWS))
        runnable = jar_name(spec.name, packaged.jar.version, packaged.jar.file("all").name)
        maven.score(store, runnable, files.name(ROWS), files.name(SCORES))
        store.storage.download(files.name(SCORES), folder / "scores.csv")
        in_cluster = files.name("candidate/holdout_predictions.parquet")
        store.storage.download(in_cluster, folder / "cluster.parquet")
        jar = read_jar_predictions(spec, folder / "scores.csv", rows=len(holdout))
        cluster = read_cluster_predictions(spec, holdout, folder / "cluster.parquet")
    measured = evaluate(
        spec,
        holdout,
        jar,
        origin=Origin(
            refit=refit,
            version=packaged.jar.version,
            training_set_digest=pinned.digest,
            mojo_sha256=packaged.mojo_sha256,
        ),
        threshold=candidate.threshold,
        cluster=cluster,
    )
    # Before anything is stored: figures of a jar that differs would be another model's.
    if measured.parity is not None:
        require_parity(measured.parity, packaged.jar.coordinates)
    store.write_record(files.name("evaluation/evaluation.json"), measured)
    page = render_evaluation_report(
        measured,
        candidate=candidate,
        training_set=pinned,
        gates=judge_evaluation(spec.gates, measured),
        description=spec.description,
    )
    store.storage.write(files.name(REPORT), page.encode())
    return measured


def read_made(
    spec: ModelSpec, refit: str, store: ArtefactStore
) -> tuple[TrainingSet, Candidate, PackagedJar]:
    """Read what the steps before made, and refuse what does not belong together."""
    files, model = store.refit(spec.name, refit), spec.name
    pinned = store.need_record(
        TrainingSet, files.name("training_set.json"), made_by=f"{model}/training_set"
    )
    candidate = store.need_record(
        Candidate, files.name("candidate/candidate.json"), made_by=f"{model}/candidate"
    )
    packaged = store.need_record(
        PackagedJar, files.name("scoring_jar.json"), made_by=f"{model}/scoring_jar"
    )
    # A step that was run again alone leaves the records after it as they were.
    require_same(pinned.digest, candidate.training_set_digest, f"{model}/candidate")
    require_same(candidate.mojo_sha256, packaged.mojo_sha256, f"{model}/scoring_jar")
    return pinned, candidate, packaged


def require_same(expected: str, found: str, asset: str) -> None:
    """Refuse a record that was made of another one than the present."""
    if expected != found:
        message = (
            f"{asset} was made of {found[:12]}, present is {expected[:12]}: materialise {asset}"
        )
        raise DataError(message)


def _metadata(
    deployment: Deployment, spec: ModelSpec, refit: str, measured: Evaluation
) -> dict[str, Any]:
    from refit_assets.evaluation.key_plots import render_key_plots_markdown

    values = {one.metric: one.value for one in measured.metrics if one.value is not None}
    page = deployment.store.refit(spec.name, refit).name(REPORT)
    return {
        "rows": measured.rows,
        "version": measured.version,
        # A path to copy: no browser opens a file: address from a page.
        "report": dg.MetadataValue.path(place_of(deployment.store.storage, page)),
        "plots": dg.MetadataValue.md(render_key_plots_markdown(measured)),
        **values,
    }
