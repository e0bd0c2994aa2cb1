"""Our own H2O: private, watched, and gone when it should be."""

import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from refit_assets.errors import SetupError, WorkloadFailed
from refit_assets.java import find_java
from refit_assets.workloads.h2o_process import (
    H2O_VERSION,
    H2OProcess,
    H2OSettings,
    find_h2o_jar,
    running_h2o,
)

CHILD = """
import sys, time
from pathlib import Path
from refit_assets.workloads.h2o_process import H2OProcess, H2OSettings
settings = H2OSettings(
    java=Path(sys.argv[1]), jar=Path(sys.argv[2]), memory_mib=512, xgboost=False,
    ping_timeout_seconds=float(sys.argv[3]),
)
process = H2OProcess(settings)
if sys.argv[4] == "ready":
    process.ready()
print(process.pid, flush=True)
time.sleep(600)
"""


@pytest.fixture(scope="module")
def running() -> Iterator[H2OProcess]:
    with running_h2o(_settings()) as process:
        yield process


@pytest.mark.parametrize("other", ["3.46.0.12", "3.46.0.10", "4.0.0"])
def test_every_other_version_of_h2o_is_refused_with_the_one_to_install(other: str) -> None:
    with pytest.raises(SetupError, match=rf"h2o {other} is installed.*install h2o=={H2O_VERSION}"):
        find_h2o_jar(other)


def test_the_jar_is_the_wheel_s() -> None:
    assert find_h2o_jar().name == "h2o.jar"
    assert find_h2o_jar().exists()


def test_a_java_that_cannot_start_it_is_told_with_its_last_words(tmp_path: Path) -> None:
    java = tmp_path / "java"
    java.write_text("#!/bin/sh\necho no such option >&2\nexit 3\n")
    java.chmod(0o755)
    process = H2OProcess(_settings(java=java))
    with pytest.raises(WorkloadFailed, match=r"(?s)ended with code 3.*no such option"):
        process.ready()
    process.stop()


def test_stopping_twice_is_stopping_once(tmp_path: Path) -> None:
    java = tmp_path / "java"
    java.write_text("#!/bin/sh\nexec sleep 600\n")
    java.chmod(0o755)
    process = H2OProcess(_settings(java=java))
    process.stop()
    process.stop()
    assert not psutil.pid_exists(process.pid)


@pytest.mark.h2o
def test_without_the_password_it_answers_nobody(running: H2OProcess) -> None:
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(f"{running.url}/3/Cloud", timeout=10)
    with caught.value as refused:
        assert refused.code == 401


@pytest.mark.h2o
def test_it_listens_on_loopback_only(running: H2OProcess) -> None:
    sockets = psutil.Process(running.pid).net_connections("tcp")
    listening = {socket.laddr.ip for socket in sockets if socket.status == psutil.CONN_LISTEN}
    assert {address.removeprefix("::ffff:") for address in listening} == {"127.0.0.1"}


@pytest.mark.h2o
def test_the_password_is_not_on_its_command_line(running: H2OProcess) -> None:
    assert running.password not in " ".join(psutil.Process(running.pid).cmdline())


@pytest.mark.h2o
def test_watching_it_lets_time_pass_while_it_lives(running: H2OProcess) -> None:
    began = time.monotonic()
    running.watch(0.2)
    assert time.monotonic() - began >= 0.2


@pytest.mark.h2o
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_it_does_not_outlive_the_process_that_started_it(number: int) -> None:
    # Nobody has pinged it yet, so H2O's own time-out has not begun to run.
    with _child(ping_timeout_seconds=600, state="started") as (child, jvm):
        folder = Path(jvm.cwd()).parent
        os.kill(child.pid, number)
        _, alive = psutil.wait_procs([jvm], timeout=60)
        assert not alive
        child.wait(60)
    deadline = time.monotonic() + 60
    while folder.exists():
        assert time.monotonic() < deadline, f"{folder} stays behind"
        time.sleep(0.01)


@pytest.mark.h2o
def test_where_its_watcher_was_killed_too_it_ends_because_nobody_pings_it() -> None:
    with _child(ping_timeout_seconds=4, state="ready") as (child, jvm):
        (watcher,), folder = jvm.children(), Path(jvm.cwd()).parent
        os.kill(watcher.pid, signal.SIGKILL)
        os.kill(child.pid, signal.SIGKILL)
        _, alive = psutil.wait_procs([jvm], timeout=60)
        assert not alive
    # Who would have removed it was killed.
    shutil.rmtree(folder)


@contextmanager
def _child(
    *, ping_timeout_seconds: float, state: str
) -> Generator[tuple[subprocess.Popen[str], psutil.Process]]:
    """Another process that started an H2O, and its JVM; both are gone at the end."""
    settings = _settings()
    command = [sys.executable, "-c", CHILD, str(settings.java), str(settings.jar)]
    command += [str(ping_timeout_seconds), state]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        jvm = psutil.Process(int(child.stdout.readline()))
        try:
            yield child, jvm
        finally:
            with suppress(psutil.NoSuchProcess):
                jvm.kill()
            child.kill()


def _settings(java: Path | None = None) -> H2OSettings:
    found = java or find_java().command
    return H2OSettings(java=found, jar=find_h2o_jar(), memory_mib=512, xgboost=False)
