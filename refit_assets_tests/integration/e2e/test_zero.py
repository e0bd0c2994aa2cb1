"""Between refits nothing runs but the services."""

import time

import pytest

from refit_assets_tests.integration.e2e.installation import Installation
from refit_assets_tests.integration.e2e.refitted import Refitted

pytestmark = [pytest.mark.cluster, pytest.mark.filterwarnings("default")]
RUNS_LIVE_SECONDS = 240
"""Jobs of runs go by their time to live; the last one has just ended."""


def test_nothing_is_there_but_the_services(installation: Installation, refitted: Refitted) -> None:
    deadline = time.monotonic() + RUNS_LIVE_SECONDS
    while (there := installation.strangers()) and time.monotonic() < deadline:
        time.sleep(5)
    assert there == []
