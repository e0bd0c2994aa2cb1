"""The light steps of a refit that Argo orchestrates: what lies between its heavy ones.

Argo's pods run the same programs as Dagster's run pods do; these steps write the requests that the
programs read, and take their results in. Belongs here: reading and writing records between steps.
Does not: the workflow itself (`argo`), any work of a stage.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass

import dagster as dg

from refit_assets.assets.features import record_days
from refit_assets.assets.landing import build_landing_specs
from refit_assets.assets.main_job import MainJob
from refit_assets.assets.refit import build_refit_defs
from refit_assets.exchange import (
    STORE_VARIABLE,
    WORKLOAD_VARIABLE,
    Exchange,
    PackageRequest,
)
from refit_assets.features.job import FeaturesRequest, FeaturesResult
from refit_assets.features.leakage import judge_leakage
from refit_assets.features.training_set import pin_training_set
from refit_assets.features.window import plan_window
from refit_assets.release.due import find_due
from refit_assets.resources.cluster_deployment import ClusterDeployment
from refit_assets.resources.cluster_spark import model_program
from refit_assets.resources.engines import build_resources
from refit_assets.resources.kubernetes import S3_LABEL, Asked
from refit_assets.spec import ModelSpec
from refit_assets.training.fit import FitRequest, TrialRequest, missing_trials, next_request
from refit_assets.workloads.spark_application import build_application

Tell = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class ArgoRefit:
    """One refit by one workflow."""

    deployment: ClusterDeployment
    spec: ModelSpec
    refit: str
    workflow: str
    """Name of the workflow: its programs are called after it."""

    def plan(self, tell: Tell) -> dict[str, str]:
        """Find the days that are due, and describe the Spark job that computes them.

        Returns:
            `features`: whether any day is due; `application`: the SparkApplication.

        """
        landing = self.deployment.landing
        due = find_due(self.spec, self.deployment.store, landing, self.refit)
        window = plan_window(self.spec, self.refit)
        # Other days are left alone: this refit does not need them.
        days = sorted({*due.days} & {*window.all_days})
        tell(f"{len(days)} of {len(window.all_days)} days are to be computed")
        if days:
            # One job from the first to the last: each further one would start a Spark of its own.
            request = FeaturesRequest(
                spec=self.spec,
                first=days[0],
                last=days[-1],
                landing_uri=self.deployment.landing.uri,
                catalogue_uri=self.deployment.catalogue_uri,
                warehouse_uri=self.deployment.warehouse_uri,
                run_id=self.workflow,
            )
            self._exchange("features").ask(request)
        return {"features": json.dumps(bool(days)), "application": json.dumps(self.application())}

    def application(self) -> dict[str, object]:
        """Build the SparkApplication of the features; Argo submits, watches and owns it."""
        exchange = self._exchange("features")
        asked = Asked(
            exchange=exchange,
            environment={
                STORE_VARIABLE: self.deployment.store.storage.uri,
                WORKLOAD_VARIABLE: exchange.workload,
                **self.deployment.s3_environment,
            },
            # The network policy lets only pods with this label reach the storage.
            labels={S3_LABEL: "true"},
            owners=[],
            prepare=lambda: None,
        )
        program = model_program(self.deployment, self.spec, exchange.workload, asked)
        return build_application(program, self.deployment.namespace)

    def pin(self, tell: Tell) -> dict[str, str]:
        """Record the computed days, pin the training set, and ask for what follows.

        Returns:
            `trials`: names of the workloads that fit what is not stored yet, as a JSON list.

        """
        store, spec = self.deployment.store, self.spec
        computed = self._exchange("features").answered(FeaturesResult)
        # None where no day was due, and so no Spark job ran.
        if computed is not None:
            record_days(store, spec, computed)
        table = self.deployment.feature_table(spec.name)
        pinned = pin_training_set(store, table, spec, self.refit)
        store.write_record(store.refit(spec.name, self.refit).name("training_set.json"), pinned)
        for problem in judge_leakage(spec, pinned).problems:
            tell(f"leakage: {problem}")
        request = FitRequest(spec=spec, training_set=pinned)
        trials: list[str] = []
        # Of a search in an earlier window first; what it chooses the last program fits.
        following = next_request(request, store, nodes=1)
        for plan in missing_trials(following, store):
            exchange = self._exchange(f"trial-{plan.key[:8]}")
            exchange.ask(TrialRequest(fit=following, key=plan.key))
            trials.append(exchange.workload)
        # Asked for here as well: until `finish` only programs run, and those read requests.
        self._exchange("fit").ask(request)
        self._exchange("package").ask(PackageRequest(spec=spec, refit=self.refit))
        tell(f"training set {pinned.digest[:12]}: {len(trials)} trials are to be fitted")
        return {"trials": json.dumps(trials)}

    def finish(self, tell: Tell) -> dict[str, str]:
        """Evaluate the packaged jar and decide about its release, as Dagster's assets do.

        On an instance in memory: the store and the ledger are what counts, and run monitoring
        would take a run without a Job of its own for a lost one.
        """
        with dg.DagsterInstance.ephemeral() as instance:
            job = MainJob(
                spec=self.spec,
                assets=[
                    *(build_refit_defs(self.spec).assets or ()),
                    *build_landing_specs([self.spec]),
                ],
                resources=build_resources(self.deployment),
                instance=instance,
            )
            job.finish(self.refit)
        tell(f"refit {self.refit} of {self.spec.name} is decided")
        return {}

    def _exchange(self, what: str) -> Exchange:
        return Exchange(store=self.deployment.store, workload=f"{self.workflow}-{what}")
