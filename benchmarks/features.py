"""Features of a range of days through their asset, or Spark's start alone; for `make bench`.

    python -m benchmarks.features FIRST LAST | start

The home is REFIT_HOME's; what it costs is measured from outside.
"""

import sys
from datetime import date

from refit_assets.assets.main_job import main_job
from refit_assets.models import find_model
from refit_assets.resources.deployment import read_deployment
from refit_assets.resources.spark import EmbeddedSpark


def main() -> None:
    """Do what the arguments say."""
    spec, deployment = find_model("flight_delay"), read_deployment()
    if sys.argv[1] == "start":
        spark = EmbeddedSpark()
        spark.session(spec.compute.embedded.spark)
        spark.close()
        return
    deployment.prepare()
    first, last = (date.fromisoformat(argument) for argument in sys.argv[1:])
    with main_job(spec, deployment) as job:
        job.features(first, last)


if __name__ == "__main__":
    main()
