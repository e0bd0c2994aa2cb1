"""One installation for all tests of the cluster: bringing it up costs a minute."""

import json
import os
from collections.abc import Generator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from refit_assets.demo import land
from refit_assets_tests.integration.e2e.installation import Installation, installed
from refit_assets_tests.integration.e2e.kubectl import NAMESPACE, kubectl, state
from refit_assets_tests.integration.e2e.laptop import Laptop
from refit_assets_tests.integration.e2e.laptop import refitted as refitted_here
from refit_assets_tests.integration.e2e.refitted import (
    Refitted,
    is_released,
    refit_as_the_ui_would,
)
from refit_assets_tests.integration.e2e.small_model import LANDED, LAST


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show what was on the cluster when a test failed: the installation is about to go."""
    report = yield
    if report.failed:
        report.sections.append(("the cluster", state()))
    return report


@pytest.fixture(scope="session")
def _laptop_at_work(tmp_path_factory: pytest.TempPathFactory) -> Generator[Future[Laptop]]:
    """The laptop's refit, beside the deployment, which mostly waits."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        yield pool.submit(refitted_here, tmp_path_factory.mktemp("laptop"))


@pytest.fixture(scope="session")
def laptop(_laptop_at_work: Future[Laptop]) -> Laptop:
    return _laptop_at_work.result()


@pytest.fixture(scope="session")
def installation(_laptop_at_work: Future[Laptop]) -> Generator[Installation]:
    with installed() as found:
        land(found.landing, LANDED, LAST)
        yield found


@pytest.fixture(scope="module", autouse=True)
def _daemon(request: pytest.FixtureRequest, installation: Installation) -> None:
    """Let Dagster's daemon run, but for modules that say `DAEMON = False`.

    Modules without it stand side by side: it counts as alive for a minute after its end.
    """
    replicas = int(getattr(request.module, "DAEMON", True))
    kubectl("-n", NAMESPACE, "scale", "deployment/refit-daemon", f"--replicas={replicas}")


@pytest.fixture(scope="session")
def image(installation: Installation) -> str:
    """The control image, which is there."""
    code = json.loads(kubectl("-n", NAMESPACE, "get", "deployment", "refit-code", "-o", "json"))
    return code["spec"]["template"]["spec"]["containers"][0]["image"]


@pytest.fixture(scope="session")
def refitted(installation: Installation) -> Refitted:
    """60 days of features and a refit, made once; not again in an installation that was kept."""
    if os.environ.get("REFIT_E2E_KEEP") and is_released(installation.store):
        nothing = frozenset[str]()
        return Refitted(
            features_runs=(),
            refit_runs=(),
            applications=nothing,
            executors=nothing,
            h2o_nodes=nothing,
            h2o_at_once=0,
            run_limits=nothing,
        )
    return refit_as_the_ui_would(installation)
