"""From the training set to the evaluation: what each step pins, stores, checks and refuses."""

import pytest

from refit_assets.evaluation.records import Evaluation
from refit_assets.features.training_set import TrainingSet
from refit_assets.packaging.candidate import PackagedJar
from refit_assets_tests.assets.conftest import (
    FIRST_REFIT,
    UP_TO_JAR,
    Workshop,
    build_daily,
    checks,
    failure,
)
from refit_assets_tests.fakes.h2o import Curve


def read(workshop: Workshop, kind: type, name: str) -> object:
    store = workshop.deployment.store
    return store.need_record(kind, store.refit("late", FIRST_REFIT).name(name), made_by="a step")


def test_the_data_version_of_a_training_set_is_the_digest_of_its_content(
    computed: Workshop,
) -> None:
    result = computed.refit(names=["training_set"])
    assert result.success
    pinned = read(computed, TrainingSet, "training_set.json")
    assert isinstance(pinned, TrainingSet)
    assert computed.data_version("training_set", FIRST_REFIT) == pinned.digest
    assert [one.part for one in pinned.days] == ["train", "validation", "holdout"]
    assert checks(result)["leakage"].passed


def test_the_same_days_pin_the_same_digest_and_another_day_another_one(computed: Workshop) -> None:
    digests: list[str] = []
    for delay in (30, 30, 0):
        computed.land(1, delay=delay)
        computed.compute(1, 3)
        computed.make(names=["training_set"])
        pinned = read(computed, TrainingSet, "training_set.json")
        assert isinstance(pinned, TrainingSet)
        digests.append(pinned.digest)
    assert digests[0] == digests[1] != digests[2]


def test_a_training_set_without_its_days_names_them_and_what_to_do(landed: Workshop) -> None:
    landed.compute(1, 2)
    result = landed.refit(names=["training_set"])
    assert not result.success
    assert "Materialise late/features for 2013-01-03 to 2013-01-03" in failure(result)


def test_one_fit_makes_leaderboard_and_candidate(computed: Workshop) -> None:
    computed.make(names=["training_set"])
    result = computed.refit(names=["trials", "candidate"])
    assert result.success
    made = {
        event.materialization.asset_key.path[-1]: event.materialization.metadata
        for event in result.get_asset_materialization_events()
    }
    (row,) = made["trials"]["leaderboard"].value.records
    assert row.data["algorithm"] == "gbm"
    assert row.data["log_loss"] == 0.4
    assert "| size | 0.900 |" in str(made["candidate"]["importance"].value)
    assert computed.data_version("candidate", FIRST_REFIT) == computed.h2o.curve.sha256
    assert computed.h2o.asked == [FIRST_REFIT]


def test_trials_without_a_training_set_say_what_to_materialise(computed: Workshop) -> None:
    result = computed.refit(names=["trials", "candidate"])
    assert "materialise late/training_set first" in failure(result)
    assert computed.h2o.asked == []


@pytest.mark.parametrize("proven", [True, False])
def test_a_jar_passes_its_parity_check_only_where_parity_is_proven(
    computed: Workshop, *, proven: bool
) -> None:
    computed.maven.proven = proven
    computed.make(names=["training_set", "trials"])
    result = computed.refit(names=["scoring_jar"])
    check = checks(result)["parity"]
    assert check.passed is proven
    assert check.metadata["golden_rows"].value == 4
    packaged = read(computed, PackagedJar, "scoring_jar.json")
    assert isinstance(packaged, PackagedJar)
    assert packaged.jar.version == "1.0.20130104"
    assert computed.data_version("scoring_jar", FIRST_REFIT) == packaged.inputs


def test_an_evaluation_has_a_check_for_every_gate_that_it_can_judge(computed: Workshop) -> None:
    computed.spec = build_daily(gates={"floors": {"auc": 0.6}, "ceilings": {"log_loss": 0.001}})
    computed.make(names=["training_set", "trials"])
    result = computed.refit(names=["scoring_jar", "evaluation"])
    assert result.success
    found = {name: one.passed for name, one in checks(result).items()}
    assert found == {"parity": True, "floor_auc": True, "ceiling_log_loss": False}
    ceiling = checks(result)["ceiling_log_loss"]
    assert ceiling.metadata["limit"].value == 0.001
    assert "0.001" in str(ceiling.description)
    measured = read(computed, Evaluation, "evaluation/evaluation.json")
    assert isinstance(measured, Evaluation)
    assert measured.rows == 11
    assert measured.parity is not None
    assert measured.parity.values == 22
    assert computed.maven.scored == ["models/late/jars/1.0.20130104/late-1.0.20130104-all.jar"]
    page = computed.deployment.store.storage.read(
        f"models/late/refits/{FIRST_REFIT}/evaluation/report.html"
    )
    assert (page or b"").startswith(b"<!")


def test_a_jar_that_differs_in_the_last_bit_is_not_evaluated(computed: Workshop) -> None:
    computed.maven.differs = True
    computed.make(names=UP_TO_JAR)
    result = computed.refit(names=["evaluation"])
    assert not result.success
    said = failure(result)
    assert "the jar differs from the training cluster on 11 of 11 rows" in said
    assert "key 301, p:late: cluster " in said
    name = f"models/late/refits/{FIRST_REFIT}/evaluation/evaluation.json"
    assert computed.deployment.store.storage.read(name) is None


def test_a_jar_of_an_earlier_candidate_is_not_evaluated(computed: Workshop) -> None:
    computed.make(names=UP_TO_JAR)
    computed.h2o.curve = Curve(middle=7.5)
    computed.make(names=["trials"])
    result = computed.refit(names=["evaluation"])
    assert "materialise late/scoring_jar" in failure(result)
