"""Parity over every algorithm, family and option: cluster = MOJO = our path, bit for bit."""

import shutil
from pathlib import Path

import pytest

from refit_assets.packaging.maven import Maven
from refit_assets.packaging.project import LIBRARY, write_model
from refit_assets_tests.packaging.conftest import RequestOf
from refit_assets_tests.packaging.matrix import RECIPES, running_h2o, train

pytestmark = [pytest.mark.h2o, pytest.mark.maven]


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """All models of the matrix, trained by one H2O."""
    folder = tmp_path_factory.mktemp("matrix")
    with running_h2o(folder) as h2o:
        return train(h2o, RECIPES, folder / "models")


@pytest.mark.filterwarnings("ignore")
def test_every_model_of_the_matrix_answers_as_the_cluster_did(
    trained: dict[str, Path], request_of: RequestOf, maven: Maven, tmp_path: Path
) -> None:
    shutil.copytree(LIBRARY, tmp_path / "library")
    explained: list[str] = []
    for name, folder in trained.items():
        model = tmp_path / "models" / name
        model.mkdir(parents=True)
        for told in folder.glob("contributions.csv"):
            explained.append(name)
            shutil.copy(told, model)
        write_model(request_of(folder), lambda file, model=model: model / file)
    log = maven.run(
        tmp_path / "library", "test", "-Dtest=MatrixTest", f"-Dmodels={tmp_path / 'models'}"
    )
    assert f"Tests run: {len(RECIPES)}, Failures: 0, Errors: 0, Skipped: 0" in log
    for name in trained:
        assert f"{name}: " in log
    assert {"gbm_gaussian", "drf_binomial", "drf_gaussian", "xgb_binomial"} <= {*explained}
    assert not {"drf_double_trees", "gbm_multinomial", "xgb_linear"} & {*explained}
