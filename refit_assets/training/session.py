"""A session with H2O: connected, watched, quiet.

h2o's client waits for jobs without end, and for 90 seconds on a cluster that is gone. Here every
wait looks at the cluster's life, too. Belongs here: connecting, jobs, frames and models by name,
errors. Does not: what is asked for (`frames`, `fit`, `candidate`).
"""

import contextlib
import io
import logging
import re
import time
import warnings
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import pyarrow as pa
from pyarrow import csv as pacsv

from refit_assets.errors import SetupError, WorkloadFailed, WorkloadTimeout
from refit_assets.training.trial import H2O_VERSION

# h2o and pyarrow carry no types.
Frame: TypeAlias = Any
Json: TypeAlias = Any
Table: TypeAlias = Any

_POLL_SECONDS = 0.1
# A JVM that is killed closes its connections before its process ends.
_DYING_SECONDS = 5.0
_ENDED = frozenset({"DONE", "FAILED", "CANCELLED"})
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class H2OConnection:
    """An H2O that is up, as whoever started it hands it over."""

    url: str
    user: str
    password: str
    nodes: int = 1
    watch: Callable[[float], None] = time.sleep
    """Let so many seconds pass; raise WorkloadFailed as soon as the cluster is gone."""


class H2OSession:
    """What can be asked of a connected H2O; made by `connected`."""

    def __init__(self, connection: H2OConnection, h2o: Any, deadline: float) -> None:  # noqa: ANN401
        """Keep h2o's module: its one connection belongs to this session."""
        self.connection = connection
        self.h2o = h2o
        self.deadline = deadline

    def wait(self, job: str, what: str) -> None:
        """Wait for a job of H2O.

        Raises:
            WorkloadFailed: the job failed, or the cluster is gone.
            WorkloadTimeout: the session's deadline has passed; the job is cancelled.

        """
        while not self.job_done(job, what):
            self.pause(what)

    def pause(self, what: str) -> None:
        """Let a moment pass, while the cluster lives and there is time left."""
        self.connection.watch(_POLL_SECONDS)
        if time.monotonic() > self.deadline:
            self._cancel_jobs()
            message = f"{what} did not end before the deadline; raise trials.max_seconds"
            raise WorkloadTimeout(message)

    def job_done(self, job: str, what: str) -> bool:
        """Whether a job is done; WorkloadFailed if it ended in any other way."""
        status = self._job(job)
        state = status["status"]
        if state not in _ENDED:
            return False
        if state != "DONE":
            message = f"{what} {state.lower()} in H2O: {_first_lines(status.get('exception'))}"
            raise WorkloadFailed(message)
        return True

    def job_seconds(self, job: str) -> float:
        """How long a job ran."""
        return float(self._job(job)["msec"]) / 1000

    def predict(self, model_id: str, frame_id: str, target: str) -> Frame:
        """Predict a frame; the answer is a frame of that name, rows in the same order."""
        path = f"POST /4/Predictions/models/{model_id}/frames/{frame_id}"
        answer = self.ask(path, data={"predictions_frame": target})
        self.wait(answer["key"]["name"], f"prediction by {model_id}")
        return self.h2o.get_frame(target)

    def download(self, frame: Frame) -> Table:
        """Download a frame as an Arrow table: doubles to the last bit, categories as text."""
        # H2O's text of a double reads back to the last bit (tried on predictions).
        text: str = frame.get_frame_data()
        kinds = {
            name: pa.string() if kind == "enum" else pa.float64()
            for name, kind in frame.types.items()
        }
        options = pacsv.ConvertOptions(
            column_types=kinds,
            # H2O quotes texts and leaves a missing one out: so "NA" is a level, nothing is not.
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        )
        return pacsv.read_csv(
            io.BytesIO(text.encode()),
            parse_options=pacsv.ParseOptions(newlines_in_values=True),
            convert_options=options,
        )

    def upload(self, path: Path) -> str:
        """Upload a file's bytes; returns H2O's name for them."""
        answer = self.ask("POST /3/PostFile.bin", filename=str(path))
        return str(answer["destination_frame"])

    def load_model(self, path: Path) -> Any:  # noqa: ANN401 - h2o's model
        """Upload a model in H2O's own binary form."""
        answer = self.ask("POST /99/Models.upload.bin/", data={"dir": self.upload(path)})
        return self.h2o.get_model(answer["models"][0]["model_id"]["name"])

    def remove(self, *names: str) -> None:
        """Forget frames and models."""
        for name in names:
            self.h2o.remove(name)

    def ask(self, path: str, **what: Any) -> Json:  # noqa: ANN401 - whatever the endpoint takes
        """Call an endpoint, e.g. `GET /3/Cloud`."""
        return self.h2o.api(path, **what)

    def _job(self, job: str) -> Json:
        return self.ask(f"GET /3/Jobs/{job}")["jobs"][0]

    def _cancel_jobs(self) -> None:
        for job in self.ask("GET /3/Jobs")["jobs"]:
            if job["status"] not in _ENDED:
                self.ask(f"POST /3/Jobs/{job['key']['name']}/cancel")


@contextmanager
def connected(connection: H2OConnection, max_seconds: float) -> Generator[H2OSession]:
    """Connect h2o's client, which has one connection a process, and close it again.

    Raises:
        SetupError: client or cluster are not of the one version.
        WorkloadFailed: the cluster is smaller than it should be, refuses what it is asked, or was
            lost on the way.

    """
    import h2o
    from h2o.exceptions import H2OConnectionError, H2OResponseError, H2OServerError

    deadline = time.monotonic() + max_seconds
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module=r"h2o(\.|$)")
            _connect(h2o, connection)
            _refuse_wrong_cluster(h2o, connection)
            yield H2OSession(connection, h2o, deadline)
    except (H2OConnectionError, H2OServerError, H2OResponseError) as error:
        # What H2O refuses it refuses again; only a connection may come back.
        lost = isinstance(error, H2OConnectionError)
        # If the cluster is gone, this says so, and why.
        connection.watch(_DYING_SECONDS if lost else 0.0)
        message = f"H2O at {connection.url}: {_first_lines(str(error))}"
        raise WorkloadFailed(message, transient=lost) from error
    finally:
        _close(h2o)


def _connect(h2o: Any, connection: H2OConnection) -> None:  # noqa: ANN401
    # The client prints advice to upgrade, and .12 exports no MOJOs.
    with contextlib.redirect_stdout(io.StringIO()):
        # Not `h2o.init`, which takes whatever H2O answers on its port.
        h2o.connect(url=connection.url, auth=(connection.user, connection.password), verbose=False)
    h2o.no_progress()


def _refuse_wrong_cluster(h2o: Any, connection: H2OConnection) -> None:  # noqa: ANN401
    cluster = h2o.cluster()
    for where, version in (("client", h2o.__version__), ("cluster", cluster.version)):
        if version != H2O_VERSION:
            message = (
                f"h2o's {where} is {version}, and refits need {H2O_VERSION}: "
                f"install h2o=={H2O_VERSION} (from 3.46.0.12 on H2O exports no MOJO)"
            )
            raise SetupError(message)
    # Nodes whose look-up timed out form a smaller cloud, without an error.
    if cluster.cloud_size != connection.nodes:
        message = f"H2O has {cluster.cloud_size} nodes, expected {connection.nodes}"
        raise WorkloadFailed(message, transient=True)


def _close(h2o: Any) -> None:  # noqa: ANN401
    current = h2o.connection()
    if current is None:
        return
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            current.close()
    except Exception as error:  # noqa: BLE001 - must not hide what went wrong before
        _LOG.debug("closing h2o's connection: %s", error)


def _first_lines(text: str | None) -> str:
    lines = [line.strip() for line in re.split(r"[\r\n]+", text or "no reason given")]
    return " ".join(line for line in lines if line)[:600]
