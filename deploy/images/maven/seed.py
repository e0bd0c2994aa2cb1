"""Fills the image's Maven repository: packages a tiny model, and fetches XGBoost's part.

Runs while the image is built, and nowhere else.
"""

from pathlib import Path

from refit_assets.packaging.maven import find_maven
from refit_assets.packaging.package import package
from refit_assets.packaging.project import Coordinates, PackagingRequest

H2O = "3.46.0.11"
DEPENDENCY_PLUGIN = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1"
HERE = Path(__file__).parent


def main() -> None:
    """Package, and fetch."""
    maven = find_maven()
    request = PackagingRequest(
        mojo=HERE / "model.zip",
        examples=HERE / "examples.csv",
        coordinates=Coordinates(group="refit.seed", artifact="seed", version="1.0.20130101"),
        class_name="Seed",
        package="refit.seed",
        contract=None,
        description="",
        timestamp="2013-01-01T00:00:00Z",
        provenance={},
    )
    package(request, HERE / "out", maven)
    # Only models of XGBoost depend on it, and the tiny model is none.
    artifact = f"ai.h2o:h2o-genmodel-ext-xgboost:{H2O}"
    maven.run(HERE / "out" / "project", f"{DEPENDENCY_PLUGIN}:get", f"-Dartifact={artifact}")


if __name__ == "__main__":
    main()
