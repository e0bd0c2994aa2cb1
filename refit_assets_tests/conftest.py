"""What every test gets: a home of its own, and an environment that no developer's shell leaks into.

Fixtures of one area belong beside its tests; fakes belong into `fakes/`.
"""

import atexit
import gc
import os
from collections.abc import Generator
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

# Nothing of ours is imported up here: a process that only hands tests to the others needs none
# of it, and they wait for it to start.
if TYPE_CHECKING:
    from pathlib import Path

    from alembic.config import Config
    from pyspark.sql import SparkSession

# What would lead a test to a developer's own home, repository, cluster or cloud.
LEAKS = ("REFIT_", "DAGSTER_", "AWS_", "H2O_", "SPARK_")
NEEDS_CLUSTER = "cluster"


@pytest.fixture(autouse=True)
def _clean_environment(
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Take the developer's settings away, and give the test a home that goes with it."""
    if request.node.get_closest_marker(NEEDS_CLUSTER):
        return
    for name in [name for name in os.environ if name.startswith(LEAKS)]:
        monkeypatch.delenv(name)
    # Most tests need no folder: to make and to remove one takes as long as many of them.
    has_folder = "tmp_path" in request.fixturenames
    unmade = tmp_path_factory.getbasetemp() / uuid4().hex
    folder: Path = request.getfixturevalue("tmp_path") if has_folder else unmade
    monkeypatch.setenv("REFIT_HOME", str(folder / "home"))
    monkeypatch.setenv("DAGSTER_DISABLE_TELEMETRY", "1")


@pytest.fixture(scope="session", autouse=True)
def _migrations_read_once() -> Generator[None]:
    """Dagster's hundred migrations are the same for every storage; alembic imports them anew."""
    from alembic.script import ScriptDirectory

    read = ScriptDirectory.from_config
    known: dict[str | None, ScriptDirectory] = {}

    def from_config(config: "Config") -> ScriptDirectory:
        location = config.get_main_option("script_location")
        if location not in known:
            known[location] = read(config)
        return known[location]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ScriptDirectory, "from_config", from_config)
        yield


@pytest.fixture(scope="session", autouse=True)
def _signals_heeded() -> None:
    """Let servers that tests start end by SIGTERM, also where nobody's terminal is near."""
    from refit_assets.cli import heed_signals

    heed_signals()


@pytest.fixture(scope="session")
def spark() -> Generator["SparkSession"]:
    """Spark for all tests that are marked so; it stops with the last of them."""
    from refit_assets.resources.spark import EmbeddedSpark

    embedded = EmbeddedSpark()
    yield embedded.session()
    embedded.close()


@pytest.fixture(scope="session")
def s3_address() -> Generator[str]:
    """Address of an S3 server; a bucket of one's own is `fakes.s3_server.new_bucket`."""
    from refit_assets_tests.fakes.s3_server import s3_server

    with s3_server() as address:
        yield address


def pytest_configure(config: pytest.Config) -> None:
    if hasattr(config, "workerinput"):
        # A process of xdist has told all that it found by then; to take thousands of modules apart
        # costs each of them 0.7 s (on 2 cores), for which the one that prints the result waits.
        atexit.register(os._exit, 0)


def pytest_sessionstart() -> None:
    gc.disable()  # imports make no garbage; it is enabled once they are done


def pytest_collection_finish() -> None:
    """Spare the garbage collector what was imported: it stays until the end."""
    gc.freeze()
    # Python's 700 is for little memory: a run of Dagster makes tens of thousands of objects.
    gc.set_threshold(50_000, 10, 10)
    gc.enable()
