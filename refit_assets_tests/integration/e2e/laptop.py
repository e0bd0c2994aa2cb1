"""The same refit on this machine: what the cluster's is compared with."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from refit_assets.artefacts import ArtefactStore, Folder
from refit_assets_tests.integration.e2e.small_model import LAST, MODEL, REFIT, copy_package

COMMAND = "from refit_assets.cli import main; main()"


@dataclass(frozen=True, kw_only=True)
class Laptop:
    """An embedded deployment that has done the refit."""

    home: Path

    @property
    def store(self) -> ArtefactStore:
        return ArtefactStore(storage=Folder(root=self.home / "artefacts"))


def refitted(folder: Path) -> Laptop:
    """Do the main job in an empty home; REFIT_E2E_LAPTOP names one that is done, or to be kept."""
    home = Path(os.environ.get("REFIT_E2E_LAPTOP") or folder / "home")
    if not (home / "summary.json").exists():
        copy_package(folder)
        cluster = ("REFIT_", "AWS_", "DAGSTER_")
        kept = {name: text for name, text in os.environ.items() if not name.startswith(cluster)}
        environment = {**kept, "REFIT_HOME": str(home), "PYTHONPATH": str(folder)}
        for asked in (
            ["demo", "--model", MODEL, "--until", REFIT],
            ["predict", MODEL, "--from", LAST.isoformat()],
        ):
            command = [sys.executable, "-c", COMMAND, *asked]
            subprocess.run(command, cwd=folder, env=environment, check=True)
    return Laptop(home=home)
