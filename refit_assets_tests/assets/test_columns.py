"""Columns as the UI shows them, and where each comes from."""

import dagster as dg

from refit_assets.assets.columns import LINEAGE, SCHEMA
from refit_assets.assets.landing import build_landing_specs
from refit_assets.assets.refit import build_refit_defs
from refit_assets_tests.assets.conftest import Workshop, build_daily

# What has no columns: leaderboard and drift are told as tables, a release is a verdict.
WITHOUT_COLUMNS = {"trials", "release", "monitoring"}


def specs() -> dict[str, dg.AssetSpec]:
    made = build_refit_defs(SPEC).assets or ()
    found = [spec for one in made if isinstance(one, dg.AssetsDefinition) for spec in one.specs]
    return {spec.key.path[-1]: spec for spec in [*found, *build_landing_specs([SPEC])]}


SPEC = build_daily(owners=["team:parcels"])


def test_every_asset_explains_itself() -> None:
    for name, spec in specs().items():
        assert spec.description, name
        assert spec.kinds, name
        assert spec.group_name, name
        assert (SCHEMA in spec.metadata) != (name in WITHOUT_COLUMNS), name


def test_a_source_belongs_to_whoever_reads_it() -> None:
    other = build_daily(name="later", owners=["team:ports", "team:parcels"])
    (things, _) = build_landing_specs([SPEC, other])
    assert [*things.owners] == ["team:parcels", "team:ports"]


def test_lineage_names_columns_that_the_asset_above_has() -> None:
    schemas = {
        spec.key: {column.name for column in spec.metadata[SCHEMA].columns}
        for spec in specs().values()
        if SCHEMA in spec.metadata
    }
    told = [spec.metadata[LINEAGE] for spec in specs().values() if LINEAGE in spec.metadata]
    assert len(told) == 4
    for lineage in told:
        for deps in lineage.deps_by_column.values():
            assert {dep.column_name for dep in deps} <= schemas[deps[0].asset_key]


def test_the_latest_day_of_a_run_tells_what_its_features_were_computed_from(
    landed: Workshop,
) -> None:
    result = landed.features(1, 3)
    by_day = {
        event.partition: event.materialization.metadata
        for event in result.get_asset_materialization_events()
        if "digest" in event.materialization.metadata
    }
    assert [day for day, metadata in by_day.items() if LINEAGE in metadata] == ["2013-01-03"]
    metadata = by_day["2013-01-03"]
    (dep,) = metadata[LINEAGE].value.deps_by_column["arrival"]
    assert (dep.asset_key, dep.column_name) == (dg.AssetKey(["landing", "things"]), "delay")
    schema = {column.name: column for column in metadata[SCHEMA].value.columns}
    assert schema["arrival"].description.endswith("From `things.delay`.")
    assert "day" not in metadata[LINEAGE].value.deps_by_column
