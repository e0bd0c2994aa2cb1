"""Spark as a resource: a session in this process, started when it is first asked for.

Belongs here: starting and stopping the session, its settings. Does not: what runs in it
(`features.job`), SparkApplications on a cluster (`workloads`).
"""

import atexit
import importlib
import os
import shlex
import tempfile
import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from refit_assets.artefacts import ArtefactStore
from refit_assets.class_archive import ClassArchive, find_class_archive, user_cache
from refit_assets.features.jars import find_jars
from refit_assets.features.job import (
    FeaturesRequest,
    FeaturesResult,
    compute_features,
)
from refit_assets.packaging.maven import find_java, find_maven
from refit_assets.predictions.job import PredictionsRequest, PredictionsResult, predict_days
from refit_assets.spec import ModelSpec, SparkSize

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

# On a small machine's small jobs the second compiler and the parallel collector cost more CPU
# than they save: together these two halve it (measured on two cores, 365 days of flights).
JAVA_OPTIONS = "-XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xshare:auto"

# A class is looked for in one jar after the other, and Spark has 287 of them, in no order. Loading
# classes took two fifths of the CPU of one day's features, and half of that was the search (JFR).
SEARCHED_FIRST = (
    "spark-catalyst",
    "spark-sql",
    "spark-core",
    "scala-library",
    "hadoop-client-api",
    "spark-common-utils",
    "jackson-",
    "parquet-",
)

LOGGING = Path(__file__).with_name("spark_log4j2.properties").as_uri()


class Spark(Protocol):
    """Runs Spark programs, wherever."""

    def features(self, request: FeaturesRequest, progress: Callable[[str], None]) -> FeaturesResult:
        """Compute days of a feature table; see `features.job.compute_features`."""
        ...

    def predictions(
        self, request: PredictionsRequest, store: ArtefactStore, progress: Callable[[str], None]
    ) -> PredictionsResult:
        """Score days by a stored jar; see `predictions.job.predict_days`."""
        ...


@dataclass(frozen=True, kw_only=True)
class _LoadedJar:
    """The scoring jar whose classes a session knows."""

    name: str
    folder: "tempfile.TemporaryDirectory[str]"
    """Where it lies; the JVM reads it as long as it runs."""

    @property
    def path(self) -> Path:
        return Path(self.folder.name) / Path(self.name).name


@dataclass(kw_only=True)
class EmbeddedSpark:
    """Spark in this process: one session, whoever asks, stopped at the process's end."""

    cache: Path | None = None
    """Where jars and archives of classes are kept; None: the user's cache."""
    cores: int | None = None
    _session: "SparkSession | None" = field(default=None, init=False, repr=False)
    _jar: _LoadedJar | None = field(default=None, init=False, repr=False)
    _archive: ClassArchive | None = field(default=None, init=False, repr=False)
    _has_computed: bool = field(default=False, init=False, repr=False)
    _starting: threading.Thread | None = field(default=None, init=False, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    def features(self, request: FeaturesRequest, progress: Callable[[str], None]) -> FeaturesResult:
        """Compute days of a feature table.

        Raises:
            DataError: see `features.job.compute_features`; bad landed files are refused before
                Spark starts.
            SetupError: Spark's jars are not there, and neither is Maven.
            WorkloadFailed: Maven cannot fetch them; transient where the network failed.

        """
        size = request.spec.compute.embedded.spark
        computed = compute_features(lambda: self.session(size, progress), request, progress)
        self._has_computed = True
        if self._starting is not None:
            # What follows imports what that thread does, see `start`.
            self._starting.join()
        return computed

    def predictions(
        self, request: PredictionsRequest, store: ArtefactStore, progress: Callable[[str], None]
    ) -> PredictionsResult:
        """Score days by a stored jar.

        Raises:
            DataError: see `predictions.job.predict_days`.

        """
        if self._jar is not None and self._jar.name != request.jar:
            # Two versions have the same class names, and the JVM would keep the first.
            progress(f"Spark starts anew for {request.version}")
            self.close()
        session = self.session(request.spec.compute.embedded.spark, progress)
        if self._jar is None:
            folder = tempfile.TemporaryDirectory(prefix="refit-scoring-jar-")
            self._jar = _LoadedJar(name=request.jar, folder=folder)
            store.storage.download(request.jar, self._jar.path)
        predicted = predict_days(session, request, self._jar.path, progress)
        self._has_computed = True
        return predicted

    def session(
        self, size: SparkSize | None = None, progress: Callable[[str], None] = lambda _: None
    ) -> "SparkSession":
        """Return the session; the first call starts it, and its size counts."""
        with self._lock:
            if self._session is None:
                progress("starting Spark in this process")
                cache = self.cache or user_cache()
                jars = find_jars(cache, _run_maven)
                read = [*_spark_jars("*"), *jars]
                self._archive = find_class_archive(cache, find_java(), read)
                options = shlex.join(self._archive.use_or_write)
                self._session = start_session(size or SparkSize(), jars, options, self.cores)
                atexit.register(self.close)
            return self._session

    def start(self, spec: ModelSpec) -> None:
        """Start the session for work on this model that is to come, without waiting for it."""
        # Two threads that import one package at a time may each meet the other's half of it.
        importlib.import_module("pyspark.sql")

        def starting() -> None:
            # Whoever asks for the session meets the same error, and is there to be told.
            with suppress(Exception):
                self.session(spec.compute.embedded.spark)
                # What reads the table once Spark has written it takes a second to import.
                importlib.import_module("pyiceberg.catalog.sql")

        self._starting = threading.Thread(target=starting, name="starting Spark")
        self._starting.start()

    def close(self) -> None:
        """Stop the session and its JVM; nothing happens where none was started."""
        with self._lock:
            session, self._session = self._session, None
            jar, self._jar = self._jar, None
            has_computed, self._has_computed = self._has_computed, False
        if session is not None:
            stop_session(session, self._archive if has_computed else None)
        if jar is not None:
            jar.folder.cleanup()


def _run_maven(project: Path, goal: str) -> str:
    # Looked for only when jars are missing: a machine that has them needs no Maven for Spark.
    return find_maven().run(project, goal)


def class_path(ours: Sequence[Path]) -> str:
    """Return what the JVM searches before Spark's own folder of jars, ours included.

    A jar of `spark.jars` would be copied at every start, and searched after all of Spark's.
    """
    first = [jar for name in SEARCHED_FIRST for jar in _spark_jars(f"{name}*")]
    return os.pathsep.join(str(jar) for jar in [*first, *ours])


def _spark_jars(pattern: str) -> list[Path]:
    import pyspark

    # Where PySpark itself looks for its Spark.
    home = os.environ.get("SPARK_HOME") or Path(str(pyspark.__file__)).parent
    return sorted((Path(home) / "jars").glob(f"{pattern}.jar"))


def session_settings(
    size: SparkSize, jars: Sequence[Path], java_options: str, cores: int
) -> dict[str, str]:
    """Return all settings of an embedded session."""
    options = f"{JAVA_OPTIONS} {java_options} -Dlog4j2.configurationFile={LOGGING}"
    return {
        "spark.app.name": "refit_assets",
        "spark.master": f"local[{cores}]",
        "spark.driver.extraClassPath": class_path(jars),
        "spark.driver.memory": f"{size.driver_memory_mib}m",
        "spark.driver.extraJavaOptions": options,
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        # This process is its own executor. On a laptop that slept, or with other work, Spark would
        # take it for lost, and wait for it without an end (seen at load 40).
        "spark.network.timeout": "24h",
        "spark.executor.heartbeatInterval": "1h",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.extensions": (
            "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions"
        ),
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.shuffle.partitions": str(size.shuffle_partitions),
        # Planning again after every stage costs more than a better plan saves on one machine.
        "spark.sql.adaptive.enabled": "false",
        # A year of days is a list of small files: neither a job to list them nor a task for each.
        "spark.sql.sources.parallelPartitionDiscovery.threshold": "10000",
        "spark.sql.files.openCostInBytes": str(64 * 1024),
    }


def start_session(
    size: SparkSize, jars: Sequence[Path], java_options: str, cores: int | None
) -> "SparkSession":
    """Start Spark in this process."""
    from pyspark.sql import SparkSession

    # Those that this process may use, not all that the machine has.
    cores = cores or len(os.sched_getaffinity(0))
    settings: dict[str, Any] = {**session_settings(size, jars, java_options, cores)}
    builder = SparkSession.builder.config(map=settings)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    return session


def stop_session(session: "SparkSession", archive: ClassArchive | None) -> None:
    """Stop Spark and wait until its JVM is gone: PySpark alone leaves it to the process's end.

    A JVM that has loaded what matters writes its archive first, where that is missing.
    """
    from py4j.protocol import Py4JError
    from pyspark import SparkContext

    gateway: Any = SparkContext._gateway  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
    process = getattr(gateway, "proc", None)
    # A JVM that died first (an interrupt reaches it too) has nothing left to stop.
    with suppress(ConnectionError, Py4JError):
        session.stop()
        if process is not None and archive is not None and not archive.exists:
            # Its stdout is ours, and a caller's JSON may go there.
            java = gateway.jvm.java
            java.lang.System.setOut(java.io.PrintStream(java.io.OutputStream.nullOutputStream()))
            archive.write(process.pid, lambda names: _link(gateway, names))
    if gateway is None:
        return
    gateway.shutdown()
    if process is not None:
        # The JVM ends when its input does.
        process.stdin.close()
        process.wait(timeout=30)
    SparkContext._gateway = None  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
    SparkContext._jvm = None  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]


# Asking for a class's constructors links it, and unlike its first use runs none of its code.
_LINK = """
    ClassLoader loader = ClassLoader.getSystemClassLoader();
    for (String name : names.split(" ")) {
        try {
            Class.forName(name, false, loader).getDeclaredConstructors();
        } catch (Throwable notLinked) {
        }
    }
"""


def _link(gateway: Any, names: Iterable[str]) -> None:  # noqa: ANN401 - py4j has no types
    """Link classes by their names, within the JVM: one call for all of them."""
    jvm = gateway.jvm
    script = jvm.org.codehaus.janino.ScriptEvaluator()
    parameters, types = gateway.new_array(jvm.String, 1), gateway.new_array(jvm.Class, 1)
    arguments = gateway.new_array(jvm.Object, 1)
    parameters[0], types[0] = "names", jvm.Class.forName("java.lang.String")
    arguments[0] = " ".join(names)
    script.setParameters(parameters, types)
    script.cook(_LINK)
    script.evaluate(arguments)
