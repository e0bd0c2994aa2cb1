"""The whole asset graph of one model: every builder, called once."""

import warnings

import dagster as dg

from refit_assets.assets.evaluation import build_evaluation_asset
from refit_assets.assets.features import build_features_asset
from refit_assets.assets.landing_sensor import build_landing_sensor
from refit_assets.assets.monitoring import build_monitoring_asset
from refit_assets.assets.operator_jobs import build_approve_job, build_rollback_job
from refit_assets.assets.partitions import day_partitions
from refit_assets.assets.predictions import build_predictions_asset
from refit_assets.assets.predictions_sensor import build_predictions_sensor
from refit_assets.assets.refit_sensor import build_refit_sensor
from refit_assets.assets.release import build_release_asset
from refit_assets.assets.scoring_jar import build_scoring_jar_asset
from refit_assets.assets.training_set import build_training_set_asset
from refit_assets.assets.trials import build_trials_asset
from refit_assets.spec import ModelSpec


def build_refit_defs(spec: ModelSpec) -> dg.Definitions:
    """Build the assets, checks, sensors and jobs of one model."""
    with warnings.catch_warnings():
        # The pinned Dagster calls backfill policies beta; a person can do nothing about it.
        warnings.simplefilter("ignore", dg.BetaWarning)
        assets = [
            build_features_asset(spec),
            *_build_replayed(spec),
            build_release_asset(spec),
            build_predictions_asset(spec),
            build_monitoring_asset(spec),
        ]
    sensors = [
        build_landing_sensor(spec),
        build_predictions_sensor(spec),
        build_refit_sensor(spec),
    ]
    jobs = [build_approve_job(spec), build_rollback_job(spec)]
    return dg.Definitions(assets=assets, sensors=sensors, jobs=jobs)


def build_replay_defs(spec: ModelSpec) -> dg.Definitions:
    """Build what a back-test runs: refits up to their evaluation, over days that are there."""
    days = dg.AssetSpec([spec.name, "features"], partitions_def=day_partitions(spec))
    return dg.Definitions(assets=[days, *_build_replayed(spec)])


def _build_replayed(spec: ModelSpec) -> list[dg.AssetsDefinition]:
    return [
        build_training_set_asset(spec),
        build_trials_asset(spec),
        build_scoring_jar_asset(spec),
        build_evaluation_asset(spec),
    ]
