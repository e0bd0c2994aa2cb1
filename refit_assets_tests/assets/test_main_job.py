"""The main job over fake engines: the assets' own figures, and no event twice."""

import dagster as dg

from refit_assets.assets.landing import build_landing_specs
from refit_assets.assets.main_job import MainJob
from refit_assets.assets.refit import build_refit_defs
from refit_assets_tests.assets.conftest import Workshop, day


def main_job(workshop: Workshop) -> MainJob:
    graph = build_refit_defs(workshop.spec)
    engines = {"spark": workshop.spark, "h2o": workshop.h2o, "maven": workshop.maven}
    return MainJob(
        spec=workshop.spec,
        assets=[*(graph.assets or ()), *build_landing_specs([workshop.spec])],
        resources={"deployment": workshop.deployment, **engines},
        instance=workshop.instance,
    )


def test_each_day_is_one_event_with_its_own_data_version(landed: Workshop) -> None:
    figures = main_job(landed).features(day(1), day(3))
    assert set(figures["features"]) == {"seconds", "cpu_seconds"}
    features = dg.AssetKey(["late", "features"])
    stored = landed.instance.fetch_materializations(features, limit=10).records
    assert sorted(str(one.partition_key) for one in stored) == [
        "2013-01-01",
        "2013-01-02",
        "2013-01-03",
    ]
    versions = {landed.data_version("features", str(one.partition_key)) for one in stored}
    assert len(versions - {None}) == 3


def test_a_refit_tells_what_each_of_its_steps_took(computed: Workshop) -> None:
    figures = main_job(computed).refit("2013-01-04")
    steps = {"training_set", "trials", "scoring_jar", "evaluation", "release"}
    assert set(figures) == steps
