"""The deployment on Kubernetes: a bucket, a Postgres, images, and the names of secrets.

What `deployment.Deployment` is on a laptop. Built from the variables that the overlays' settings
hold; only `deployment.read_deployment` reads them.
"""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from urllib.parse import quote

from refit_assets.artefacts import ArtefactStore
from refit_assets.errors import SetupError
from refit_assets.resources.deployment import Deployment
from refit_assets.storage_s3 import Bucket, open_bucket

_NEEDED = (
    "REFIT_NAMESPACE",
    "REFIT_BUCKET",
    "REFIT_POSTGRES_HOST",
    "REFIT_POSTGRES_USER",
    "REFIT_CATALOGUE_DATABASE",
    "REFIT_MAVEN_REPOSITORY",
    "REFIT_SPARK_IMAGE",
    "REFIT_H2O_IMAGE",
    "REFIT_MAVEN_IMAGE",
)


@dataclass(frozen=True, kw_only=True)
class ClusterDeployment(Deployment):
    """Where a cluster's data, tables, artefacts and workloads lie."""

    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def namespace(self) -> str:
        """The namespace of runs and workloads."""
        return self.settings["REFIT_NAMESPACE"]

    @property
    def bucket_uri(self) -> str:
        """Address below which everything lies."""
        return self.settings["REFIT_BUCKET"].rstrip("/")

    @property
    def landing(self) -> Bucket:
        """The landing zone."""
        return self._landing

    @property
    def store(self) -> ArtefactStore:
        """Records and artefacts of all refits."""
        return self._store

    @cached_property
    def _landing(self) -> Bucket:
        return open_bucket(f"{self.bucket_uri}/landing")

    @cached_property
    def _store(self) -> ArtefactStore:
        return ArtefactStore(storage=open_bucket(f"{self.bucket_uri}/artefacts"))

    @property
    def warehouse_uri(self) -> str:
        """Root of the tables' data files."""
        return f"{self.bucket_uri}/warehouse"

    @property
    def catalogue_uri(self) -> str:
        """The Iceberg catalogue; its password stays in PGPASSWORD."""
        host, user = self.settings["REFIT_POSTGRES_HOST"], self.settings["REFIT_POSTGRES_USER"]
        port = self.settings.get("REFIT_POSTGRES_PORT", "5432")
        database = self.settings["REFIT_CATALOGUE_DATABASE"]
        return f"postgresql://{quote(user, safe='')}@{host}:{port}/{database}"

    @property
    def repository_url(self) -> str:
        """The Maven repository that releases are published to."""
        return self.settings["REFIT_MAVEN_REPOSITORY"]

    @property
    def s3_endpoint(self) -> str:
        """Address of the S3 server; empty for Amazon's own."""
        return self.settings.get("AWS_ENDPOINT_URL", "")

    @property
    def s3_region(self) -> str:
        """Region of the bucket."""
        return self.settings.get("AWS_REGION", "us-east-1")

    def image(self, kind: str) -> str:
        """Image of a kind of program: spark, h2o or maven."""
        return self.settings[f"REFIT_{kind.upper()}_IMAGE"]

    @property
    def s3_secrets(self) -> list[str]:
        """Secrets with the bucket's credentials; none where the service accounts have roles."""
        return [] if self.settings.get("REFIT_S3_CREDENTIALS") == "roles" else ["refit-s3"]

    @property
    def s3_environment(self) -> dict[str, str]:
        """What a program needs to find the bucket; its credentials come from a Secret."""
        names = ("AWS_ENDPOINT_URL", "AWS_REGION", "AWS_DEFAULT_REGION")
        return {name: self.settings[name] for name in names if self.settings.get(name)}

    def prepare(self) -> None:
        """Nothing is to be made: the bucket is there."""


def build_cluster_deployment(values: Mapping[str, str]) -> ClusterDeployment:
    """Build the deployment from its settings.

    Raises:
        SetupError: names the settings that are missing.

    """
    missing = [name for name in _NEEDED if not values.get(name)]
    if missing:
        message = (
            f"REFIT_DEPLOYMENT is kubernetes, but {', '.join(missing)} is not set: "
            "see settings.env of the overlay (deploy/kustomize/overlays)"
        )
        raise SetupError(message)
    kept = {name: value for name, value in values.items() if name.startswith(("REFIT_", "AWS_"))}
    # Settings are written into manifests of pods, credentials come from a Secret.
    secret = {"AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_ACCESS_KEY_ID"}
    return ClusterDeployment(
        home=Path(tempfile.gettempdir()) / "refit",
        settings={name: value for name, value in kept.items() if name not in secret},
    )
