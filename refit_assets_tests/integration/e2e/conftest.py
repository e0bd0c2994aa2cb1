"""One installation for all tests of the cluster: bringing it up costs a minute."""

from collections.abc import Generator
from datetime import date

import pytest

from refit_assets.demo import land
from refit_assets_tests.integration.e2e.installation import Installation, installed
from refit_assets_tests.integration.e2e.laptop import Laptop, refitted

FIRST, LAST, REFIT = date(2013, 1, 1), date(2013, 5, 5), "2013-05-06"


@pytest.fixture(scope="session")
def installation() -> Generator[Installation]:
    with installed() as found:
        land(found.landing, FIRST, LAST)
        yield found


@pytest.fixture(scope="session")
def laptop(tmp_path_factory: pytest.TempPathFactory) -> Laptop:
    return refitted(tmp_path_factory.mktemp("laptop"), REFIT)
