"""The deployment: where everything lies, read from the environment once.

The one place that reads environment variables. `REFIT_HOME` is the home of a laptop's deployment;
whatever differs on a cluster (storage, catalogue, engines) is chosen here and nowhere else.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from refit_assets.artefacts import ArtefactStore, Folder, Storage
from refit_assets.errors import SetupError
from refit_assets.features.table import FeatureTable
from refit_assets.release.backtest import scratch_store
from refit_assets.release.release import ReleaseTarget

PROJECT = Path(__file__).parents[2]
_BACKTESTS, _SCRATCH_OF = "backtests", "scratch_of"


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """Where a deployment's data, tables, artefacts and released jars lie."""

    home: Path
    released_to: str | None = None
    """The Maven repository that releases are published to; None: a folder of the home."""

    @property
    def landing(self) -> Storage:
        """The landing zone."""
        # What landed can land again: no write waits for the disk.
        return Folder(root=self.home / "landing", durable=False)

    @property
    def store(self) -> ArtefactStore:
        """Records and artefacts of all refits."""
        return ArtefactStore(storage=Folder(root=self.home / "artefacts"))

    @property
    def warehouse_uri(self) -> str:
        """Root of the tables' data files."""
        return (self.home / "warehouse").as_uri()

    @property
    def catalogue_uri(self) -> str:
        """The Iceberg catalogue, as SQLAlchemy spells it."""
        return f"sqlite:///{self.home / 'catalogue.db'}"

    def feature_table(self, model: str) -> FeatureTable:
        """Name a model's feature table."""
        return FeatureTable(
            catalogue_uri=self.catalogue_uri, warehouse_uri=self.warehouse_uri, model=model
        )

    @property
    def repository_url(self) -> str:
        """The Maven repository that releases are published to."""
        return self.released_to or (self.home / "repository").as_uri()

    @property
    def release_target(self) -> ReleaseTarget:
        """Where releases are recorded and published."""
        return ReleaseTarget(store=self.store, repository_url=self.repository_url)

    @property
    def dagster_home(self) -> Path:
        """Dagster's own storage."""
        return self.home / "dagster"

    @property
    def summary(self) -> Path:
        """What the last main job made."""
        return self.home / "summary.json"

    def prepare(self) -> None:
        """Make the folders; nothing that is there is touched."""
        for folder in ("landing", "warehouse", "artefacts", "repository", "dagster"):
            (self.home / folder).mkdir(parents=True, exist_ok=True)


@dataclass(frozen=True, kw_only=True)
class ScratchDeployment(Deployment):
    """A back-test's: the live landing zone and tables; a store, ledger and instance of its own."""

    live: Deployment
    model: str

    @property
    def landing(self) -> Storage:
        """The live landing zone."""
        return self.live.landing

    @property
    def store(self) -> ArtefactStore:
        """What replays make, over the live days and trials."""
        return scratch_store(self.live.store, self.home, self.model)

    @property
    def warehouse_uri(self) -> str:
        """Root of the live tables."""
        return self.live.warehouse_uri

    @property
    def catalogue_uri(self) -> str:
        """The live catalogue."""
        return self.live.catalogue_uri


def make_scratch(live: Deployment, model: str) -> ScratchDeployment:
    """Make a model's scratch home below the live one; it is kept, so that a back-test can go on."""
    home = live.home / _BACKTESTS / model
    home.mkdir(parents=True, exist_ok=True)
    (home / _SCRATCH_OF).write_text(model)
    return ScratchDeployment(home=home, live=live, model=model)


def read_deployment(environment: Mapping[str, str] | None = None) -> Deployment:
    """Read the deployment from the environment.

    Raises:
        SetupError: the home lies where H2O refuses to read: below a hidden folder, or in
            /var, /etc or /usr.

    """
    values = os.environ if environment is None else environment
    if values.get("REFIT_DEPLOYMENT") == "kubernetes":
        from refit_assets.resources.cluster_deployment import build_cluster_deployment

        return build_cluster_deployment(values)
    home = Path(values.get("REFIT_HOME") or PROJECT / "refit_home").absolute()
    # What H2O's `-file_deny_glob` denies; there a refit would fail in its middle.
    refused = [part for part in home.parts if part.startswith(".")]
    refused += [part for part in home.parts[1:2] if part in {"var", "etc", "usr"}]
    if refused:
        message = (
            f"REFIT_HOME is {home}, and H2O reads nothing below {refused[0]!r}: "
            "choose a folder that is not hidden and not in /var, /etc or /usr"
        )
        raise SetupError(message)
    if (home / _SCRATCH_OF).exists():
        # Whoever opens it in the UI must not write into the live store.
        return make_scratch(Deployment(home=home.parents[1]), home.name)
    return Deployment(home=home, released_to=values.get("REFIT_MAVEN_REPOSITORY") or None)
