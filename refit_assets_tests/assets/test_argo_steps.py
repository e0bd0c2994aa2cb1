"""The light steps of a refit that Argo orchestrates: records in, requests for programs out."""

import json
from dataclasses import replace
from typing import Any

import pytest

from refit_assets.assets.argo_steps import ArgoRefit
from refit_assets.exchange import Exchange, PackageRequest
from refit_assets.features.job import FeaturesRequest
from refit_assets.training.fit import FitRequest, TrialRequest
from refit_assets.training.plan import PlanInputs, plan_trials
from refit_assets_tests.assets.conftest import FIRST_REFIT, Workshop, build_daily, day
from refit_assets_tests.specs import EVERY_SECOND


class Clustered:
    """A laptop's deployment with a cluster's names."""

    namespace = "refit"
    s3_secrets = ("refit-s3",)
    s3_environment = {"AWS_REGION": "us-east-1"}  # noqa: RUF012
    s3_region, s3_endpoint = "us-east-1", ""

    def __init__(self, workshop: Workshop) -> None:
        self._deployment = workshop.deployment

    def __getattr__(self, name: str) -> object:
        return getattr(self._deployment, name)

    def image(self, kind: str) -> str:
        return f"refit-{kind}:1"


def refit(workshop: Workshop) -> ArgoRefit:
    deployment = Clustered(workshop)
    return ArgoRefit(
        deployment=deployment,  # pyright: ignore[reportArgumentType]
        spec=workshop.spec,
        refit=FIRST_REFIT,
        workflow="refit-late-x1y2z",
    )


def asked(workshop: Workshop, what: str, kind: type[Any]) -> Any:  # noqa: ANN401
    workload = f"refit-late-x1y2z-{what}"
    return Exchange(store=workshop.deployment.store, workload=workload).asked(kind)


def test_days_that_are_due_are_asked_for_in_one_spark_job(landed: Workshop) -> None:
    made = refit(landed).plan(lambda _: None)
    assert made["features"] == "true"
    request = asked(landed, "features", FeaturesRequest)
    assert (request.first, request.last) == (day(1), day(3))
    application = json.loads(made["application"])
    assert application["metadata"]["name"] == "refit-late-x1y2z-features"
    environment = {one["name"]: one["value"] for one in application["spec"]["driver"]["env"]}
    assert environment["REFIT_WORKLOAD"] == "refit-late-x1y2z-features"


def test_where_no_day_is_due_there_is_no_spark_job(computed: Workshop) -> None:
    assert refit(computed).plan(lambda _: None)["features"] == "false"


def test_every_trial_that_is_not_stored_is_asked_for(computed: Workshop) -> None:
    trials = json.loads(refit(computed).pin(lambda _: None)["trials"])
    whole = asked(computed, "fit", FitRequest)
    inputs = PlanInputs(training_set_digest=whole.training_set.digest)
    keys = [plan.key for plan in plan_trials(computed.spec, inputs)]
    assert trials == [f"refit-late-x1y2z-trial-{key[:8]}" for key in keys]
    first = asked(computed, f"trial-{keys[0][:8]}", TrialRequest)
    assert first.key == keys[0]
    package = asked(computed, "package", PackageRequest)
    assert package.refit == FIRST_REFIT


def test_a_window_that_has_not_landed_is_refused(workshop: Workshop) -> None:
    workshop.land(1)
    with pytest.raises(Exception, match=r"needs days until 2013-01-04"):
        refit(workshop).plan(lambda _: None)


def test_where_an_earlier_refit_searches_pods_fit_its_trials(computed: Workshop) -> None:
    computed.spec = build_daily(trials=EVERY_SECOND)
    computed.land(4)
    computed.compute(4, 4)
    second = replace(refit(computed), refit="2013-01-05")
    assert second.plan(lambda _: None)["features"] == "false"
    names = json.loads(second.pin(lambda _: None)["trials"])
    found = [asked(computed, one.removeprefix("refit-late-x1y2z-"), TrialRequest) for one in names]
    trial = found[0]
    assert trial.fit.training_set.refit == FIRST_REFIT
    inputs = PlanInputs(training_set_digest=trial.fit.training_set.digest)
    assert [plan.key for plan in plan_trials(computed.spec, inputs)] == [one.key for one in found]
    # What they choose the last program fits, and so it is asked for the refit as a whole.
    whole = asked(computed, "fit", FitRequest).training_set
    assert (whole.refit, whole.search) == ("2013-01-05", trial.fit.training_set)
    # A day that only the search reads is computed as well.
    computed.land(1, delay=0)
    assert second.plan(lambda _: None)["features"] == "true"
    assert asked(computed, "features", FeaturesRequest).first == day(1)
