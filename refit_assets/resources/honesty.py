"""The honesty check of a model on this machine: its landed days, and Spark in this process."""

from collections.abc import Sequence
from datetime import date

from refit_assets.artefacts import Folder
from refit_assets.errors import DataError, SetupError
from refit_assets.features.honesty import Honesty, check_honesty, sample_days
from refit_assets.features.landed import identify, last_landed_day, list_landing, read_seen
from refit_assets.release.due import complete_inputs
from refit_assets.resources.deployment import Deployment
from refit_assets.resources.spark import EmbeddedSpark
from refit_assets.spec import ModelSpec

SAMPLED = 3


def run_honesty_check(spec: ModelSpec, deployment: Deployment, days: Sequence[date]) -> Honesty:
    """Check the given landed days, or some of all.

    Raises:
        DataError: see `features.honesty.check_honesty`; or nothing has landed.
        SetupError: the landing zone is not a folder of this machine.

    """
    landing = deployment.landing
    if not isinstance(landing, Folder):
        message = (
            f"{landing.uri} is no folder: copy some landed days to a laptop's home and check there"
        )
        raise SetupError(message)
    days = days or _some_days(spec, deployment)
    spark = EmbeddedSpark()
    try:
        session = spark.session(spec.compute.embedded.spark)
        staging = deployment.home / "honesty"
        return check_honesty(session, spec, landing, days, staging=staging)
    finally:
        spark.close()


def _some_days(spec: ModelSpec, deployment: Deployment) -> tuple[date, ...]:
    found = list_landing(deployment.landing, spec)
    last = last_landed_day(spec, found)
    files = identify(deployment.landing, found, read_seen(deployment.store, spec))
    complete = complete_inputs(spec, files, last) if last else {}
    if not complete:
        message = f"no day of {spec.name} has landed whole below {deployment.landing.uri}"
        raise DataError(message)
    return sample_days([*complete], SAMPLED)
