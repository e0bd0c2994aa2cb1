"""Three tiny real models (H2O 3.46.0.11, its prostate data), and Maven where a test asks for it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from refit_assets.class_archive import user_cache
from refit_assets.packaging.maven import Maven, find_maven
from refit_assets.packaging.package import ScoringJar, package
from refit_assets.packaging.project import Coordinates, PackagingRequest

DATA = Path(__file__).parent / "data"
RequestOf = Callable[..., PackagingRequest]


@pytest.fixture(scope="session")
def request_of() -> RequestOf:
    """Make a request to package one of the three models, or the model in another folder."""

    def make(model: str | Path, **changes: object) -> PackagingRequest:
        folder = DATA / model
        values: dict[str, object] = {
            "mojo": folder / "model.zip",
            "examples": folder / "examples.csv",
            "coordinates": Coordinates(
                group="org.acme.models",
                artifact=folder.name.replace("_", "-"),
                version="1.0.20130901",
            ),
            "class_name": "Prostate",
            "package": f"org.acme.models.{folder.name}",
            "contract": None,
            "description": 'Foretells whether "it" has spread & how <far>.',
            "timestamp": "2013-09-01T00:00:00Z",
            "provenance": {"training_set": "0123abcd"},
        }
        return PackagingRequest(**{**values, **changes})  # pyright: ignore[reportArgumentType]

    return make


@pytest.fixture(scope="session")
def maven() -> Maven:
    return find_maven(cache=user_cache())


@pytest.fixture(scope="session")
def packaged_folder(
    request_of: RequestOf, maven: Maven, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The binomial GBM, packaged once for all tests that look at it."""
    out = tmp_path_factory.mktemp("packaged") / "out"
    jar: ScoringJar = package(request_of("gbm_binomial"), out, maven)
    assert jar.parity.proven
    return out
