"""H2O as a resource: fits a refit's trials. Embedded it is a JVM of our own, one a refit.

Joins the process (`workloads.h2o_process`) and the stage (`training.fit`). The JVM can be started
before it is needed, beside other work; it never outlives a fit.
"""

import threading
from collections.abc import Callable
from typing import Protocol

from refit_assets.artefacts import ArtefactStore
from refit_assets.java import find_java
from refit_assets.spec import ModelSpec
from refit_assets.training.fit import FitRequest, FitResult, fit, fit_from_store
from refit_assets.training.session import H2OConnection
from refit_assets.workloads.h2o_process import H2OProcess, H2OSettings, find_h2o_jar


class H2O(Protocol):
    """Fits trials and makes candidates."""

    def fit(
        self, request: FitRequest, store: ArtefactStore, tell: Callable[[str], None]
    ) -> FitResult:
        """Fit what is missing, store it, return leaderboard and candidate."""
        ...


class EmbeddedH2O:
    """The machine's own H2O."""

    def __init__(self) -> None:
        """Start nothing yet."""
        # h2o's client has one connection a process: two fits in two threads take turns.
        self._turn = threading.Lock()
        self._started: tuple[H2OSettings, H2OProcess] | None = None

    def start(self, spec: ModelSpec) -> None:
        """Start an H2O for a fit of this model that is to come, and return at once."""
        settings = h2o_settings(spec)
        if self._started is None:
            self._started = (settings, H2OProcess(settings))

    def fit(
        self, request: FitRequest, store: ArtefactStore, tell: Callable[[str], None]
    ) -> FitResult:
        """Fit what is missing, store it, return leaderboard and candidate."""
        with self._turn:
            try:
                return fit_from_store(request, store, tell) or fit(
                    self._connection(request.spec), request, store, tell
                )
            finally:
                self.stop()

    def stop(self) -> None:
        """End what was started; a second call does nothing."""
        started, self._started = self._started, None
        if started is not None:
            started[1].stop()

    def _connection(self, spec: ModelSpec) -> H2OConnection:
        settings = h2o_settings(spec)
        if self._started is not None and self._started[0] != settings:
            # Started for another model: its memory or extensions may not suffice.
            self.stop()
        if self._started is None:
            self._started = (settings, H2OProcess(settings))
        process = self._started[1].ready()
        return H2OConnection(
            url=process.url, user=process.user, password=process.password, watch=process.watch
        )


def h2o_settings(spec: ModelSpec) -> H2OSettings:
    """Size an embedded H2O for a model.

    Raises:
        SetupError: no JDK 17, or not the one version of h2o.

    """
    size = spec.compute.embedded.h2o
    algorithms = {search.algorithm for search in spec.trials.search}
    return H2OSettings(
        java=find_java().command,
        jar=find_h2o_jar(),
        memory_mib=size.memory_mib,
        threads=size.threads,
        xgboost="xgboost" in algorithms,
    )
