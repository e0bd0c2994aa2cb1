"""One JVM for all tests of training that need H2O, and one refit fitted in it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from refit_assets.artefacts import ArtefactStore, Folder
from refit_assets.features.training_set import TrainingSet
from refit_assets.java import find_java
from refit_assets.spec import ModelSpec
from refit_assets.training.fit import FitRequest, FitResult, fit
from refit_assets.training.session import H2OConnection
from refit_assets.workloads.h2o_process import H2OProcess, H2OSettings, find_h2o_jar, running_h2o
from refit_assets_tests.training.flights import build_spec, write_training_set

SEARCH: tuple[dict[str, Any], ...] = (
    {"algorithm": "gbm", "parameters": {"ntrees": 10, "max_depth": 3, "sample_rate": 0.8}},
    {"algorithm": "gbm", "parameters": {"ntrees": 25, "max_depth": 7}},
    {"algorithm": "glm", "parameters": {"lambda": 0.001}},
    {"algorithm": "stacked_ensemble", "base": ["gbm", "glm"]},
)


@dataclass(frozen=True, kw_only=True)
class Fitted:
    """A refit that was fitted, and what it was fitted from."""

    request: FitRequest
    store: ArtefactStore
    result: FitResult

    @property
    def digests(self) -> dict[str, str]:
        """Digest of every trial's MOJO."""
        return {trial.key: trial.mojo_sha256 for trial in self.result.trials}


def build_request(folder: Path, *, pieces: int = 1, **changes: Any) -> FitRequest:  # noqa: ANN401
    """Write feature files and ask for their fit."""
    spec = build_spec(**changes)
    return FitRequest(spec=spec, training_set=write_training_set(folder, spec, pieces=pieces))


def classification(**changes: Any) -> dict[str, Any]:  # noqa: ANN401
    """Trials of two labels, measured on a validation day."""
    content = {"search": SEARCH, "choose_by": "log_loss", "validation": 1, "max_parallel": 2}
    return {"trials": content | changes}


def settings(**changes: Any) -> H2OSettings:  # noqa: ANN401
    """Settings of a small H2O."""
    java, jar = find_java().command, find_h2o_jar()
    return H2OSettings(**({"java": java, "jar": jar, "memory_mib": 1024} | changes))


def connect(process: H2OProcess) -> H2OConnection:
    """Hand a process over to the stage."""
    return H2OConnection(
        url=process.url, user=process.user, password=process.password, watch=process.watch
    )


def new_store(folder: Path) -> ArtefactStore:
    """Make an empty store."""
    return ArtefactStore(storage=Folder(root=folder))


def silent(_line: str) -> None:
    """Tell nobody."""


@pytest.fixture(scope="session")
def h2o() -> Iterator[H2OConnection]:
    with running_h2o(settings()) as process:
        yield connect(process)


@pytest.fixture(scope="session")
def fitted(h2o: H2OConnection, tmp_path_factory: pytest.TempPathFactory) -> Fitted:
    folder = tmp_path_factory.mktemp("fitted")
    request = build_request(folder / "files", **classification())
    store = new_store(folder / "store")
    return Fitted(request=request, store=store, result=fit(h2o, request, store, silent))


@pytest.fixture
def spec(fitted: Fitted) -> ModelSpec:
    return fitted.request.spec


@pytest.fixture
def training_set(fitted: Fitted) -> TrainingSet:
    return fitted.request.training_set
