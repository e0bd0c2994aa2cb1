"""The code location loads, and holds exactly the graph that a model's YAML promises."""

from typing import Any

import dagster as dg
import pytest
from dagster._core.definitions.assets.graph.base_asset_graph import BaseAssetGraph

from refit_assets.assets.landing import build_landing_specs
from refit_assets.assets.refit import build_refit_defs
from refit_assets.errors import SpecError
from refit_assets.spec import ModelSpec
from refit_assets_tests.code_location import repository
from refit_assets_tests.specs import ATTRIBUTES, build_spec

FEATURE_CHECKS = ["contract", "null_share", "row_count", "unique_keys"]
# Asset: what it is made of, by what it is partitioned, what is checked.
Graph = dict[str, tuple[list[str], str | None, list[str]]]
LANDING: Graph = {
    "landing/flights": ([], "Daily", []),
    "landing/planes": ([], None, []),
    "landing/weather": ([], "Daily", []),
}
EVALUATED = {
    "air_time": ["ceiling_mae", "ceiling_rmse", "floor_r2", "parity", "slice_ceiling_rmse_origin"],
    "flight_delay": [
        "ceiling_calibration_error",
        "ceiling_log_loss",
        "floor_auc",
        "parity",
        "slice_floor_auc_carrier",
        "slice_floor_auc_origin",
    ],
}
RELEASED = {
    "air_time": ["champion", "jar_size", "jar_speed"],
    "flight_delay": ["champion", "jar_size", "jar_speed", "migration"],
}
SENSORS = ("landing", "predictions", "refit")
CADENCE = {"air_time": "Monthly", "flight_delay": "Weekly"}


def graph_of(model: str) -> Graph:
    every = CADENCE[model]
    return {
        f"{model}/features": ([*LANDING], "Daily", FEATURE_CHECKS),
        f"{model}/training_set": ([f"{model}/features"], every, ["leakage"]),
        f"{model}/trials": ([f"{model}/training_set"], every, []),
        f"{model}/candidate": ([f"{model}/training_set"], every, []),
        f"{model}/scoring_jar": ([f"{model}/candidate"], every, ["parity"]),
        f"{model}/evaluation": ([f"{model}/scoring_jar"], every, EVALUATED[model]),
        f"{model}/release": (
            [f"{model}/evaluation", f"{model}/release"],
            every,
            RELEASED[model],
        ),
        f"{model}/predictions": ([f"{model}/features", f"{model}/release"], "Daily", []),
        f"{model}/monitoring": (
            [f"{model}/features", f"{model}/predictions"],
            "Daily",
            ["input_drift", "live_metric", "missing", "score_drift", "unseen"],
        ),
    }


def found_in(repository: dg.RepositoryDefinition) -> Graph:
    graph = repository.asset_graph
    return {
        key.to_user_string(): (
            sorted(parent.to_user_string() for parent in graph.get(key).parent_keys),
            partitioned(graph.get(key).partitions_def),
            sorted(check.name for check in graph.get(key).check_keys),
        )
        for key in graph.get_all_asset_keys()
    }


def partitioned(by: dg.PartitionsDefinition[Any] | None) -> str | None:
    return by and type(by).__name__.removesuffix("PartitionsDefinition")


def test_the_graph_of_both_models_and_the_job_is_this() -> None:
    assert found_in(repository()) == {
        **LANDING,
        **graph_of("air_time"),
        **graph_of("flight_delay"),
        "gbt_example": ([], None, []),
    }


def test_each_model_has_its_three_sensors_and_they_run_from_the_start() -> None:
    expected = {f"{model}__{what}" for model in CADENCE for what in SENSORS}
    assert {sensor.name for sensor in repository().sensor_defs} == expected
    running = {sensor.default_status for sensor in repository().sensor_defs}
    assert running == {dg.DefaultSensorStatus.RUNNING}


def side_by_side(*models: ModelSpec) -> BaseAssetGraph[Any]:
    shared = dg.Definitions(
        assets=build_landing_specs(models),
        resources={name: object() for name in ("deployment", "spark", "h2o", "maven")},
    )
    both = dg.Definitions.merge(shared, *(build_refit_defs(model) for model in models))
    return both.resolve_asset_graph()


def test_a_refit_reads_the_days_of_its_window_and_no_other() -> None:
    graph = side_by_side(build_spec())
    features = graph.get(dg.AssetKey(["late", "features"])).partitions_def
    pinned = graph.get(dg.AssetKey(["late", "training_set"]))
    assert pinned.partitions_def is not None
    assert pinned.partitions_def.get_first_partition_key() == "2013-01-28"
    mapping = pinned.partition_mappings[dg.AssetKey(["late", "features"])]
    days = mapping.get_upstream_mapped_partitions_result_for_partitions(
        pinned.partitions_def.subset_with_partition_keys(["2013-01-28"]),
        pinned.partitions_def,
        features,
    ).partitions_subset.get_partition_keys()
    assert (min(days), max(days), len(days)) == ("2013-01-07", "2013-01-27", 21)


def test_two_models_side_by_side_share_what_lands() -> None:
    graph = side_by_side(build_spec(), build_spec(name="later"))
    keys = {key.to_user_string() for key in graph.get_all_asset_keys()}
    landing = {key for key in keys if key.startswith("landing/")}
    assert landing == {"landing/things", "landing/kinds"}
    assert {"late/release", "later/release"} <= keys
    assert len(keys) == 20
    for model in ("late", "later"):
        parents = graph.get(dg.AssetKey([model, "features"])).parent_keys
        assert {key.to_user_string() for key in parents} == landing


def test_one_name_for_two_files_is_refused() -> None:
    things = {**ATTRIBUTES["sources"]["things"], "path": "other/{day}.csv"}
    other = build_spec(name="later", sources={**ATTRIBUTES["sources"], "things": things})
    with pytest.raises(
        SpecError,
        match=r"source things is things/\{day\}\.csv in model late and other/\{day\}\.csv in later",
    ):
        build_landing_specs([build_spec(), other])
