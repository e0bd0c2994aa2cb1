"""The heavy steps as programs of their own images: a record in from the store, a record out.

    python -m refit_assets.programs PROGRAM

with one of features, predictions, fit, fit-share, trial, package, score.

On a laptop the same stages are called in process. Belongs here: reaching the store and the
engine from within a pod, and reporting. Does not: any work of a stage, nor Kubernetes.
"""

import importlib
import os
import sys
import tempfile
import threading
import traceback
import urllib.error
import urllib.request
import uuid
from base64 import b64encode
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from refit_assets.artefacts import ArtefactStore, Folder
from refit_assets.errors import DataError, RefitError, SetupError
from refit_assets.exchange import (
    H2O_HOSTS,
    H2O_MEMORY,
    H2O_PASSWORD,
    H2O_THREADS,
    STORE_VARIABLE,
    WORKLOAD_VARIABLE,
    Exchange,
    PackageRequest,
    Scored,
    ScoreRequest,
)
from refit_assets.storage_s3 import Bucket, open_bucket

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from refit_assets.features.job import FeaturesRequest
    from refit_assets.training.session import H2OConnection

Tell = Callable[[str], None]

_PING_SECONDS = 10


def main(arguments: list[str]) -> int:
    """Run a program; the code is 0, or 1 where it refused, or crashed."""
    if len(arguments) != 1 or arguments[0] not in PROGRAMS:
        print(f"usage: python -m refit_assets.programs {' | '.join(PROGRAMS)}", file=sys.stderr)  # noqa: T201
        return 2
    store = ArtefactStore(storage=open_bucket(_needed(STORE_VARIABLE)))
    exchange = Exchange(store=store, workload=_needed(WORKLOAD_VARIABLE))
    try:
        with _reporting(store.storage) as tell:
            exchange.answer(PROGRAMS[arguments[0]](exchange, tell))
    except RefitError as error:
        exchange.refuse(error)
        print(f"error: {error}", file=sys.stderr, flush=True)  # noqa: T201
        return 1
    except Exception:  # noqa: BLE001 - the pod's log is all that anybody sees of it
        traceback.print_exc()
        return 1
    return 0


def _features(exchange: Exchange, tell: Tell) -> object:
    from refit_assets.features.job import FeaturesRequest, compute_features, inspect_request

    request = exchange.asked(FeaturesRequest)
    # Two threads that import one package at a time may each meet the other's half of it.
    importlib.import_module("pyspark.sql")
    with ThreadPoolExecutor(max_workers=1) as pool:
        # It waits for executors; meanwhile landed files are fetched and checked.
        spark = pool.submit(_session)
        with _landed_here(request) as fetched, _shared_staging(request.warehouse_uri) as share:
            here, etags = fetched
            catalogue = _with_password(request.catalogue_uri)
            local = replace(request, landing_uri=here.uri, catalogue_uri=catalogue)
            # Recorded as the bucket knows them: the landing sensor compares with its listing.
            landing = inspect_request(local).known_as(etags)
            result = compute_features(spark.result, local, tell, landing=landing, share=share)
        spark.result().stop()
    return result


def _predictions(exchange: Exchange, tell: Tell) -> object:
    from refit_assets.predictions.job import PredictionsRequest, predict_days

    request = exchange.asked(PredictionsRequest)
    spark = _session()
    with tempfile.TemporaryDirectory(prefix="refit-scoring-jar-") as name:
        jar = Path(name) / Path(request.jar).name
        exchange.store.storage.download(request.jar, jar)
        local = replace(request, catalogue_uri=_with_password(request.catalogue_uri))
        result = predict_days(spark, local, jar, tell)
        # Before its folder goes: the JVM reads the jar as long as it runs.
        spark.stop()
    return result


def _session() -> "SparkSession":
    from pyspark.sql import SparkSession

    spark = SparkSession.builder.getOrCreate()
    spark.sparkContext.setLogLevel("WARN")
    return spark


def _fit(exchange: Exchange, tell: Tell) -> object:
    from refit_assets.training.fit import FitRequest, fit

    request = exchange.asked(FitRequest)
    with _h2o(tell) as connection:
        return fit(connection, request, exchange.store, tell)


def _fit_share(exchange: Exchange, tell: Tell) -> object:
    from refit_assets.training.fit import ShareRequest, fit_share

    request = exchange.asked(ShareRequest)
    with _h2o(tell) as connection:
        return fit_share(connection, request, exchange.store, tell)


def _trial(exchange: Exchange, tell: Tell) -> object:
    from refit_assets.training.fit import TrialRequest, fit_trial

    request = exchange.asked(TrialRequest)
    with _h2o(tell) as connection:
        return fit_trial(connection, request.fit, request.key, exchange.store, tell)


@contextmanager
def _h2o(tell: Tell) -> "Generator[H2OConnection]":
    """Connect to the cluster that was made for this program, or to an H2O of this very pod."""
    hosts = os.environ.get(H2O_HOSTS)
    with _cluster(hosts.split(","), tell) if hosts else _own_h2o() as connection:
        yield connection


@contextmanager
def _cluster(hosts: Sequence[str], tell: Tell) -> "Generator[H2OConnection]":
    from refit_assets.training.session import H2OConnection
    from refit_assets.workloads.h2o_cluster import PORT, USER, find_leader
    from refit_assets.workloads.wait import Patience

    get = _authorised(USER, _needed(H2O_PASSWORD))
    # Longer than the run pod waits for the nodes to start, and says what keeps them.
    leader = find_leader(hosts, get, Patience(timeout_seconds=600))
    url = f"http://{leader}:{PORT}"
    tell(f"H2O is up with {len(hosts)} nodes, {leader.partition('.')[0]} leads")
    stop = threading.Event()
    pings = threading.Thread(target=_ping, args=(get, f"{url}/3/Ping", stop), daemon=True)
    pings.start()
    try:
        yield H2OConnection(url=url, user=USER, password=_needed(H2O_PASSWORD), nodes=len(hosts))
    finally:
        stop.set()


@contextmanager
def _own_h2o() -> "Generator[H2OConnection]":
    from refit_assets.training.session import H2OConnection
    from refit_assets.workloads.h2o_cluster import unmistakable
    from refit_assets.workloads.h2o_process import H2OSettings, find_h2o_jar, running_h2o

    # Where its S3 is, which H2O takes by properties only; credentials are in the environment.
    places = [f"-Dsys.ai.h2o.persist.s3.region={os.environ.get('AWS_REGION', 'us-east-1')}"]
    if endpoint := os.environ.get("AWS_ENDPOINT_URL"):
        places.append(f"-Dsys.ai.h2o.persist.s3.endPoint={unmistakable(endpoint)}")
        places.append("-Dsys.ai.h2o.persist.s3.enable.path.style=true")
    os.environ["JAVA_TOOL_OPTIONS"] = " ".join(places)
    settings = H2OSettings(
        java=Path(_needed("JAVA_HOME")) / "bin" / "java",
        jar=find_h2o_jar(),
        memory_mib=int(_needed(H2O_MEMORY)),
        threads=int(_needed(H2O_THREADS)),
    )
    with running_h2o(settings) as process:
        yield H2OConnection(
            url=process.url, user=process.user, password=process.password, watch=process.watch
        )


def _package(exchange: Exchange, tell: Tell) -> object:
    from refit_assets.packaging.candidate import package_candidate
    from refit_assets.packaging.maven import find_maven

    request = exchange.asked(PackageRequest)
    return package_candidate(request.spec, request.refit, exchange.store, find_maven, tell)


def _score(exchange: Exchange, tell: Tell) -> object:
    from refit_assets.packaging.stored import score_stored

    request = exchange.asked(ScoreRequest)
    score_stored(exchange.store, request.jar, request.rows, request.predictions)
    tell(f"scored {request.rows}")
    return Scored(predictions=request.predictions)


PROGRAMS: Mapping[str, Callable[[Exchange, Tell], object]] = {
    "features": _features,
    "predictions": _predictions,
    "fit": _fit,
    "fit-share": _fit_share,
    "trial": _trial,
    "package": _package,
    "score": _score,
}


@contextmanager
def _reporting(storage: object) -> Generator[Tell]:
    """Tell through Dagster Pipes where somebody listens, and on standard output anyway."""
    from dagster_pipes import PipesS3MessageWriter, open_dagster_pipes

    if "DAGSTER_PIPES_CONTEXT" not in os.environ or not isinstance(storage, Bucket):
        yield _say
        return
    writer = PipesS3MessageWriter(client=storage.client, interval=2)
    with open_dagster_pipes(message_writer=writer) as pipes:

        def tell(line: str) -> None:
            _say(line)
            pipes.log.info(line)

        yield tell


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - the pod's log


@contextmanager
def _landed_here(request: "FeaturesRequest") -> Generator[tuple[Folder, dict[str, str]]]:
    """Fetch the landed files that the days read, and their ETags: the driver checks and stages."""
    from refit_assets.features.landing import names_read

    bucket = open_bucket(request.landing_uri)
    with tempfile.TemporaryDirectory(prefix="refit-landing-") as name:
        here = Folder(root=Path(name), durable=False)

        def fetch(wanted: str) -> tuple[str, str]:
            # Looked at first: a file that is replaced meanwhile is due again, and never missed.
            listed = bucket.look_at(wanted)
            with suppress(FileNotFoundError):  # told with all that are missing, by the inspection
                bucket.download(wanted, here.path(wanted))
            return wanted, (listed.etag if listed else None) or ""

        with ThreadPoolExecutor(max_workers=16) as pool:
            names = names_read(request.spec, request.first, request.last)
            etags = {name: etag for name, etag in pool.map(fetch, names) if etag}
        try:
            yield here, etags
        except DataError as error:
            raise _named(error, name, bucket.uri) from error


def _named(error: DataError, here: str, there: str) -> DataError:
    """Name files by where they landed: their copies are gone with this pod."""
    named = DataError(str(error).replace(here, there))
    named.findings = tuple(
        replace(finding, where=finding.where.replace(here, there)) for finding in error.findings
    )
    return named


@contextmanager
def _shared_staging(warehouse_uri: str) -> Generator[Callable[[Path], str]]:
    """Put staged files where executors can read them, for as long as the job takes."""
    bucket = open_bucket(f"{warehouse_uri}/staging")
    folder = f"{uuid.uuid4().hex}/"

    def share(path: Path) -> str:
        bucket.upload(path, folder + path.name)
        # Spark's own reader speaks S3 by this name.
        return f"s3a://{bucket.bucket}/{bucket.prefix}{folder}{path.name}"

    try:
        yield share
    finally:
        bucket.delete(folder)


def _with_password(uri: str) -> str:
    """Put the database's password into its address: JDBC knows no variable for it."""
    password = os.environ.get("PGPASSWORD")
    parts = urlsplit(uri)
    if not password or parts.password or not parts.username:
        return uri
    user, _, host = parts.netloc.rpartition("@")
    return parts._replace(netloc=f"{user}:{quote(password, safe='')}@{host}").geturl()


def _authorised(user: str, password: str) -> Callable[[str], tuple[int, str]]:
    token = b64encode(f"{user}:{password}".encode()).decode()
    # No proxy of the environment may see the password.
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def get(url: str) -> tuple[int, str]:
        request = urllib.request.Request(url, headers={"Authorization": f"Basic {token}"})  # noqa: S310
        try:
            with direct.open(request, timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, ""
        except OSError:
            return 0, ""

    return get


def _ping(get: Callable[[str], tuple[int, str]], url: str, stop: threading.Event) -> None:
    # The nodes end by themselves when nobody asks any more; only this endpoint counts.
    while not stop.wait(_PING_SECONDS):
        get(url)


def _needed(variable: str) -> str:
    value = os.environ.get(variable)
    if not value:
        message = f"{variable} is not set: programs are started by the run pod, never by hand"
        raise SetupError(message)
    return value


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
