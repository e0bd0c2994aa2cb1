"""Java's side as a resource: packages a refit's candidate, and scores rows through a jar.

Embedded both are subprocesses of this machine's own Maven and Java.
"""

from collections.abc import Callable
from functools import partial
from typing import Protocol

from refit_assets.artefacts import ArtefactStore
from refit_assets.class_archive import user_cache
from refit_assets.packaging.candidate import PackagedJar, package_candidate
from refit_assets.packaging.maven import find_maven
from refit_assets.packaging.stored import score_stored
from refit_assets.spec import ModelSpec


class Maven(Protocol):
    """Builds scoring jars and runs them."""

    def package(
        self, spec: ModelSpec, refit: str, store: ArtefactStore, tell: Callable[[str], None]
    ) -> PackagedJar:
        """Package a refit's candidate, store the jar, return its record."""
        ...

    def score(self, store: ArtefactStore, jar: str, rows: str, predictions: str) -> None:
        """Score a CSV of rows by a runnable jar; all three are names in the store."""
        ...


class EmbeddedMaven:
    """This machine's own Maven and Java."""

    def package(
        self, spec: ModelSpec, refit: str, store: ArtefactStore, tell: Callable[[str], None]
    ) -> PackagedJar:
        """Package a refit's candidate, store the jar, return its record."""
        return package_candidate(spec, refit, store, partial(find_maven, cache=user_cache()), tell)

    def score(self, store: ArtefactStore, jar: str, rows: str, predictions: str) -> None:
        """Score a CSV of rows by a runnable jar; all three are names in the store."""
        score_stored(store, jar, rows, predictions)
