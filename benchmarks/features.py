"""Features of a range of days through their asset; for `make bench`.

    python -m benchmarks.features FIRST LAST | warm DAY

The home is REFIT_HOME's; what it costs is measured from outside, except for a day in a session that
has computed days before: its CPU seconds are printed.
"""

import sys
from datetime import date

from refit_assets.cli import collect_rarely

_WARM_AFTER = 5


def main() -> None:
    """Do what the arguments say."""
    # As `refit run` begins.
    collect_rarely()
    from refit_assets.assets.main_job import main_job
    from refit_assets.assets.steps import cpu_seconds
    from refit_assets.models import find_model
    from refit_assets.resources.deployment import read_deployment

    spec, deployment = find_model("flight_delay"), read_deployment()
    deployment.prepare()
    last = date.fromisoformat(sys.argv[2])
    with main_job(spec, deployment) as job:
        if sys.argv[1] != "warm":
            job.features(date.fromisoformat(sys.argv[1]), last)
            return
        for _ in range(_WARM_AFTER):
            job.features(last, last)
        before = cpu_seconds()
        job.features(last, last)
        print(cpu_seconds() - before)


if __name__ == "__main__":
    main()
