"""A PySpark script that knows nothing of a cluster, on one."""

import re

import pytest

from refit_assets_tests.integration.e2e.installation import Installation
from refit_assets_tests.integration.test_gbt_example import TEST_ERROR

pytestmark = [pytest.mark.cluster, pytest.mark.filterwarnings("default")]


def test_the_example_runs_unchanged_and_its_log_is_the_runs(installation: Installation) -> None:
    (run,) = installation.run({"gbt_example": None})
    errors = re.findall(r"test error: ([0-9.]+)", "\n".join(installation.said(run)))
    assert {float(error) for error in errors} == {TEST_ERROR}
    assert installation.left_over() == []
