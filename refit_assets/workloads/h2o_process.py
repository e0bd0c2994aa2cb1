"""An H2O of our own in a JVM of its own, started from the wheel's jar, always stopped.

Port, name and password are its own, and it listens on loopback only. A SIGKILL of this process
leaves nothing behind, by two nets: a watcher that ends the JVM once this process is gone, and
H2O's own, which ends it when nobody pings it any more (but counts from the first ping only).
Belongs here: the process and its end. Does not: what is asked of it (`training`), clusters of
several nodes (`h2o_cluster`).
"""

import atexit
import base64
import importlib.util
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import urllib.error
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import FrameType

from refit_assets.errors import SetupError, WorkloadFailed
from refit_assets.workloads.wait import Patience, wait_until

H2O_VERSION = "3.46.0.11"
"""3.46.0.12 and later refuse to export MOJOs, and a MOJO is all that a refit is for."""

USER = "refit"
_PORT_TAKEN = "required ports"
_START_PATIENCE = Patience(timeout_seconds=180.0, interval_seconds=0.1)
_MOST_STARTS = 5
_TAIL_LINES = 15
_FEW_THREADS = 2
_SIGTERM_EXIT = 128 + signal.SIGTERM


@dataclass(frozen=True, kw_only=True)
class H2OSettings:
    """What an H2O process is started with."""

    java: Path
    """The `java` program, of a version from 8 to 17."""
    jar: Path
    memory_mib: int = 3072
    threads: int = 2
    xgboost: bool = True
    """Without it H2O starts a second sooner and unpacks no native library."""
    ping_timeout_seconds: float = 60.0
    """How long it lives on when this process is gone."""
    patience: Patience = _START_PATIENCE


def find_h2o_jar(installed: str | None = None) -> Path:
    """Find the jar inside the h2o wheel, without importing it.

    Raises:
        SetupError: h2o is not installed, or not in the one version that exports MOJOs.

    """
    cure = f"install h2o=={H2O_VERSION} (uv sync --extra h2o)"
    try:
        found = installed or version("h2o")
    except PackageNotFoundError as error:
        message = f"h2o is not installed: {cure}"
        raise SetupError(message) from error
    if found != H2O_VERSION:
        message = (
            f"h2o {found} is installed, which is not known to export MOJOs as refits need them "
            f"(from 3.46.0.12 on it refuses to): {cure}"
        )
        raise SetupError(message)
    spec = importlib.util.find_spec("h2o")
    if spec is None or spec.origin is None:
        message = f"h2o {found} is registered, but its files are gone: {cure}"
        raise SetupError(message)
    return Path(spec.origin).parent / "backend" / "bin" / "h2o.jar"


# The shell becomes the JVM, so that its process id and exit code are the JVM's. Before, it leaves
# a watcher behind that reads from this process: a line says that all is well; the end without a
# line comes when the system closes a killed process's files. $$ is the shell's id, so the JVM's.
_WATCHED = """exec 3<&0 </dev/null
(read -r _ <&3 || { kill -9 $$; rm -rf "$0"; }) >/dev/null 2>&1 &
exec 3<&- "$@"
"""


class H2OProcess:
    """One JVM with one H2O: starting since it was made, until `stop`."""

    def __init__(self, settings: H2OSettings) -> None:
        """Start it and return at once; `ready` waits."""
        self.settings = settings
        self.user = USER
        self.password = secrets.token_urlsafe(24)
        self.port = 0
        self._folder = Path(tempfile.mkdtemp(prefix="refit-h2o-"))
        self._stopped = threading.Event()
        self._restore_sigterm = _end_on_sigterm()
        # Not every way out passes a `finally`: a background start may have no one who stops it.
        atexit.register(self.stop)
        self._process = self._launch()
        self._pinger = threading.Thread(target=self._ping_until_stopped, daemon=True)
        self._pinger.start()

    @property
    def url(self) -> str:
        """Where it answers; valid once it is ready."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """Process id of the JVM."""
        return self._process.pid

    def ready(self) -> "H2OProcess":
        """Wait until it answers, and return itself.

        Raises:
            WorkloadFailed: the JVM ended instead; holds the end of its log.
            WorkloadTimeout: it took too long.

        """
        for _ in range(_MOST_STARTS):
            what = f"H2O (process {self.pid}, port {self.port})"
            state = wait_until(self._state, ("up", "port taken"), what, self.settings.patience)
            if state == "up":
                return self
            # Somebody took the port between our look and the JVM's.
            _release(self._process)
            self._process = self._launch()
        message = f"H2O found its port taken {_MOST_STARTS} times in a row"
        raise WorkloadFailed(message, transient=True)

    def watch(self, seconds: float) -> None:
        """Let time pass, but no longer than the JVM lives.

        Raises:
            WorkloadFailed: it has ended, at any time before; another attempt may succeed.

        """
        try:
            code = self._process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            return
        raise WorkloadFailed(self._obituary(code), transient=True)

    def stop(self) -> None:
        """End the JVM and remove its files; a second call does nothing."""
        if self._stopped.is_set():
            return
        self._stopped.set()
        atexit.unregister(self.stop)
        self._restore_sigterm()
        _release(self._process)
        # Whatever counts is stored elsewhere: there is nothing that H2O should end in order.
        self._process.kill()
        self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _launch(self) -> subprocess.Popen[bytes]:
        self.port = _free_port()
        folder = Path(tempfile.mkdtemp(dir=self._folder))
        login = folder / "login"
        # Made before it is written: nobody else reads the password meanwhile.
        login.touch(mode=0o600)
        login.write_text(f"{self.user}: {self.password}\n", encoding="utf-8")
        (folder / "tmp").mkdir()
        with (self._folder / "log").open("wb") as log:
            command = _command(self.settings, self.port, folder)
            return subprocess.Popen(  # noqa: S603 - our own command
                ["/bin/sh", "-c", _WATCHED, str(self._folder), *command],
                stdin=subprocess.PIPE,
                bufsize=0,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=folder,
                # Ctrl-C reaches the whole group: the JVM must outlive it until we have stopped it.
                process_group=0,
            )

    def _state(self) -> str:
        code = self._process.poll()
        if code is not None:
            if _PORT_TAKEN in self._log_tail():
                return "port taken"
            raise WorkloadFailed(self._obituary(code))
        return "up" if self._answers("/3/Cloud?skip_ticks=true") else "starting"

    def _answers(self, path: str) -> bool:
        token = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        headers = {"Authorization": f"Basic {token}"}
        request = urllib.request.Request(self.url + path, headers=headers)  # noqa: S310 - our own
        try:
            with _DIRECT.open(request, timeout=5) as response:
                return response.status == 200  # noqa: PLR2004
        except urllib.error.HTTPError as refused:
            refused.close()
            return False
        except (urllib.error.URLError, OSError):
            return False

    def _ping_until_stopped(self) -> None:
        # Several pings a period: one that is late or lost must not end a healthy H2O.
        while not self._stopped.wait(self.settings.ping_timeout_seconds / 6):
            # Only this endpoint counts, and h2o's client never asks it.
            self._answers("/3/Ping")

    def _log_tail(self) -> str:
        log = self._folder / "log"
        text = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
        return "\n".join(text.splitlines()[-_TAIL_LINES:])

    def _obituary(self, code: int) -> str:
        how = f"was killed by signal {-code}" if code < 0 else f"ended with code {code}"
        advice = (
            "If the system killed it for memory, lower compute.embedded.h2o.memory_mib; "
            "what is stored stays, so run the same refit again."
        )
        return f"H2O (process {self.pid}, port {self.port}) {how}. {advice}\n{self._log_tail()}"


@contextmanager
def running_h2o(settings: H2OSettings) -> Generator[H2OProcess]:
    """Run an H2O for as long as the block takes, whichever way it is left."""
    process = H2OProcess(settings)
    try:
        yield process.ready()
    finally:
        process.stop()


# A proxy of the environment must never see the password of a loopback address.
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def _release(process: subprocess.Popen[bytes]) -> None:
    """Let the watcher go: this process is alive, and ends the JVM itself."""
    pipe = process.stdin
    # A watcher that is gone already, because somebody killed it, needs no telling.
    if pipe is not None and not pipe.closed:
        with suppress(BrokenPipeError), pipe:
            pipe.write(b"\n")


def _command(settings: H2OSettings, port: int, folder: Path) -> list[str]:
    ping_ms = str(int(settings.ping_timeout_seconds * 1000))
    options = {
        # H2Os of one name look for one another, and would form a cloud.
        "-name": f"refit-{secrets.token_hex(8)}",
        "-ip": "127.0.0.1",
        # This one binds REST; `-ip` is for other nodes.
        "-web_ip": "127.0.0.1",
        "-port": str(port),
        "-nthreads": str(settings.threads),
        "-ice_root": str(folder / "ice"),
        "-log_dir": str(folder / "logs"),
        "-flow_dir": str(folder / "flow"),
        "-log_level": "WARN",
        "-login_conf": str(folder / "login"),
        "-rest_api_ping_timeout": ping_ms,
    }
    flags = [f"-Xmx{settings.memory_mib}m", f"-Djava.io.tmpdir={folder / 'tmp'}"]
    if settings.threads <= _FEW_THREADS:
        # Nobody collects beside them: trees grow a tenth faster than with G1, which java prefers.
        flags.append("-XX:+UseSerialGC")
    if not settings.xgboost:
        flags.append("-Dsys.ai.h2o.ext.core.toggle.XGBoost=False")
    pairs = [text for option in options.items() for text in option]
    return [str(settings.java), *flags, "-jar", str(settings.jar), "-hash_login", *pairs]


def _free_port() -> int:
    """Find a port that is free together with the next one, which H2O takes for itself."""
    for _ in range(100):
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            port = int(first.getsockname()[1])
            try:
                second.bind(("127.0.0.1", port + 1))
            except (OSError, OverflowError):
                continue
            return port
    message = "no two neighbouring ports are free on 127.0.0.1"
    raise SetupError(message)


def _end_on_sigterm() -> "_Undo":
    """Turn SIGTERM into SystemExit, so that `finally` runs, unless somebody else handles it."""
    is_main = threading.current_thread() is threading.main_thread()
    if not is_main or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        return _Undo(installed=False)
    signal.signal(signal.SIGTERM, _exit)
    return _Undo(installed=True)


@dataclass(frozen=True, kw_only=True)
class _Undo:
    installed: bool

    def __call__(self) -> None:
        is_main = threading.current_thread() is threading.main_thread()
        if self.installed and is_main and signal.getsignal(signal.SIGTERM) is _exit:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _exit(_signal: int, _frame: FrameType | None) -> None:
    sys.exit(_SIGTERM_EXIT)
