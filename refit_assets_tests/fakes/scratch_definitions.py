"""The code location of a back-test with fake engines: a code server of a test loads it.

The scratch home's file `broken` lists refits whose trials fail.
"""

from collections.abc import Callable

import dagster as dg

from refit_assets.artefacts import ArtefactStore
from refit_assets.assets.refit import build_replay_defs
from refit_assets.errors import WorkloadFailed
from refit_assets.resources.deployment import read_deployment
from refit_assets.training.fit import FitRequest, FitResult
from refit_assets_tests.assets.conftest import build_daily
from refit_assets_tests.fakes.h2o import FakeH2O
from refit_assets_tests.fakes.maven import FakeMaven

deployment = read_deployment()


class BrokenH2O(FakeH2O):
    def fit(
        self, request: FitRequest, store: ArtefactStore, tell: Callable[[str], None]
    ) -> FitResult:
        broken = deployment.home / "broken"
        if broken.exists() and request.training_set.refit in broken.read_text():
            message = "the H2O node was killed: no memory"
            raise WorkloadFailed(message)
        return super().fit(request, store, tell)


@dg.definitions
def defs() -> dg.Definitions:
    engines = {"deployment": deployment, "h2o": BrokenH2O(), "maven": FakeMaven()}
    shared = dg.Definitions(resources=engines, executor=dg.in_process_executor)
    return dg.Definitions.merge(shared, build_replay_defs(build_daily()))
