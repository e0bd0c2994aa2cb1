"""The Java that all scoring jars share, as a Maven project of its own with its own JUnit tests."""

import shutil
from pathlib import Path

import pytest

from refit_assets.packaging.maven import Maven
from refit_assets.packaging.project import LIBRARY, write_model
from refit_assets_tests.packaging.conftest import RequestOf

pytestmark = pytest.mark.maven


def test_the_librarys_own_tests_pass(maven: Maven, request_of: RequestOf, tmp_path: Path) -> None:
    shutil.copytree(LIBRARY, tmp_path / "library")
    for name in ("gbm_binomial", "glm_gaussian", "xgboost_binomial"):
        write_model(request_of(name), lambda file, name=name: tmp_path / "models" / name / file)
    log = maven.run(tmp_path / "library", "test", f"-Dmodels={tmp_path / 'models'}")
    assert "BUILD SUCCESS" in log
    for name in ("gbm_binomial", "xgboost_binomial"):
        assert f"{name}: leaf-mask forest" in log
