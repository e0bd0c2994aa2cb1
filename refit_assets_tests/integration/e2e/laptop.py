"""The same refit on this machine: what the cluster's is compared with."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from refit_assets.artefacts import ArtefactStore, Folder


@dataclass(frozen=True, kw_only=True)
class Laptop:
    """An embedded deployment that has done the refit."""

    home: Path

    @property
    def store(self) -> ArtefactStore:
        return ArtefactStore(storage=Folder(root=self.home / "artefacts"))


def refitted(home: Path, until: str) -> Laptop:
    """Do the main job in an empty home; REFIT_E2E_LAPTOP names one that is done."""
    done = os.environ.get("REFIT_E2E_LAPTOP")
    if done:
        return Laptop(home=Path(done))
    cluster = ("REFIT_", "AWS_", "DAGSTER_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(cluster)}
    command = ["refit", "demo", "--until", until]
    subprocess.run(command, env={**kept, "REFIT_HOME": str(home)}, check=True)
    return Laptop(home=home)
