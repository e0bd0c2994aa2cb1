"""A refit on a cluster, asked for as the UI asks, compared with the laptop's."""

import pytest

from refit_assets.artefacts import day_name
from refit_assets.features.table import DayRecord
from refit_assets.features.training_set import TrainingSet
from refit_assets.packaging.candidate import PackagedJar
from refit_assets.training.trial import Candidate
from refit_assets_tests.integration.e2e.conftest import FIRST, LAST, REFIT
from refit_assets_tests.integration.e2e.installation import Installation
from refit_assets_tests.integration.e2e.laptop import Laptop

pytestmark = pytest.mark.cluster
MODEL = "flight_delay"


@pytest.mark.filterwarnings("default")
def test_a_refit_on_the_cluster_makes_the_laptops_bytes_and_leaves_nothing(
    installation: Installation, laptop: Laptop
) -> None:
    days = installation.backfill({f"{MODEL}/features": (FIRST.isoformat(), LAST.isoformat())})
    installation.wait(days)
    assert len(installation.runs(days)) == 1
    assets = ("training_set", "trials", "candidate", "scoring_jar", "evaluation", "release")
    refit = installation.backfill({f"{MODEL}/{name}": (REFIT, REFIT) for name in assets})
    installation.wait(refit)

    here, there = laptop.store, installation.store
    files = here.refit(MODEL, REFIT)
    day = day_name(MODEL, FIRST.isoformat())
    for kind, name, digest in (
        (DayRecord, day, "digest"),
        (TrainingSet, files.name("training_set.json"), "digest"),
        (Candidate, files.name("candidate/candidate.json"), "mojo_sha256"),
    ):
        mine, theirs = here.read_record(kind, name), there.read_record(kind, name)
        assert mine is not None, name
        assert theirs is not None, name
        assert getattr(mine, digest) == getattr(theirs, digest), name
    jar, its = (
        store.read_record(PackagedJar, files.name("scoring_jar.json")) for store in (here, there)
    )
    assert jar is not None
    assert its is not None
    assert {f.name: f.sha256 for f in jar.jar.files} == {f.name: f.sha256 for f in its.jar.files}
    assert installation.left_over() == []
