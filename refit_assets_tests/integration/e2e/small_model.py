"""`flight_delay` as the tests of the cluster refit it: 60 days, two GBMs and a GLM.

Its own YAML with a shorter window, put over the one in the package, here and on the cluster;
programs are told the spec, and need no file.
"""

import shutil
from datetime import date
from pathlib import Path

import yaml

from refit_assets_tests.integration.e2e.kubectl import ROOT

MODEL = "flight_delay"
PACKAGE = ROOT / "refit_assets"
DEFS = Path("defs") / MODEL / "defs.yaml"
FIRST, LAST, REFIT = date(2013, 1, 3), date(2013, 3, 3), "2013-03-04"
"""60 days of features, and the refit whose 7 weeks they hold, with the 7 that it searches on."""
LANDED = date(2013, 1, 1)
RUN_MIB = 1280
"""Limit of a run's own pod; the installation's is another."""


def small_model(*, executors: int = 1, **h2o: int) -> str:
    """The YAML, with other sizes of Spark and H2O on the cluster where they are given."""
    content = yaml.safe_load((PACKAGE / DEFS).read_text())
    said = content["attributes"]
    # The second refit that the data reaches: its settings are searched a week before.
    said["refit"] |= {"train": 5, "holdout": 2}
    said["trials"] |= {
        "validation": 1,
        # One after another, so that a test can kill what fits the second.
        "max_parallel": 1,
        "search": [
            {"algorithm": "gbm", "parameters": {"ntrees": 30}, "grid": {"max_depth": [4, 5]}},
            {"algorithm": "glm", "parameters": {"alpha": 0.5}},
        ],
    }
    # Five winter weeks predict less well than twelve.
    said["gates"] |= {"floors": {"auc": 0.55}, "slices": []}
    said["compute"]["kubernetes"]["spark"]["executors"] = executors
    said["compute"]["kubernetes"]["h2o"] |= h2o
    said["compute"]["kubernetes"]["run_memory_mib"] = RUN_MIB
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True)


def copy_package(folder: Path) -> None:
    """Copy the package, with the small model in it."""
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(PACKAGE, folder / PACKAGE.name, ignore=ignored)
    for name in ("pyproject.toml", "dagster.yaml"):
        shutil.copyfile(ROOT / name, folder / name)
    (folder / PACKAGE.name / DEFS).write_text(small_model())
