"""A Maven repository over real HTTP on loopback, with the faults of the real ones.

Files lie in a folder; a PUT is whole or did not happen, a release is never overwritten. A test
hands in a `fault` that answers for the server when something is to go wrong.
"""

import base64
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Literal, TypeAlias

Fault: TypeAlias = Literal["cut", "lose answer", "damage"] | int | None
"""Cut the upload half-way; store it but hang up; store other bytes; answer a status."""


@dataclass(kw_only=True)
class MavenServer:
    """What the server is told, and what it saw."""

    root: Path
    url: str = ""
    credentials: tuple[str, str] | None = None
    knows_if_none_match: bool = True
    overwrites: bool = False
    fault: Callable[[str, str], Fault] = lambda _method, _path: None
    moved_to: str = "/elsewhere"
    """Where an answer of 3xx points to."""
    requests: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    authorizations: list[str | None] = field(default_factory=list[str | None])

    @property
    def uploads(self) -> list[str]:
        """Names of the files sent, in order."""
        return [path.rpartition("/")[2] for method, path in self.requests if method == "PUT"]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    @property
    def _told(self) -> MavenServer:
        assert isinstance(self.server, _Server)
        return self.server.told

    @property
    def _file(self) -> Path:
        return self._told.root / self.path.lstrip("/")

    def do_GET(self) -> None:
        if self._begin():
            self._send_file(with_body=True)

    def do_HEAD(self) -> None:
        if self._begin():
            self._send_file(with_body=False)

    def do_DELETE(self) -> None:
        if self._begin():
            self._file.unlink()
            self._answer(204)

    def do_PUT(self) -> None:
        length = int(self.headers["Content-Length"])
        fault = self._fault()
        if fault == "cut":
            self.rfile.read(length // 2)
            self._hang_up()
            return
        content = self.rfile.read(length)
        status = fault if isinstance(fault, int) else self._refusal()
        if status:
            self._answer(status)
            return
        self._file.parent.mkdir(parents=True, exist_ok=True)
        self._file.write_bytes(b"damaged" if fault == "damage" else content)
        if fault == "lose answer":
            self._hang_up()
        else:
            self._answer(201)

    def _refusal(self) -> int | None:
        told = self._told
        if not self._is_known():
            return 401
        if self._file.name.startswith("maven-metadata") or not self._file.exists():
            return None
        if told.knows_if_none_match and self.headers["If-None-Match"]:
            return 412
        return None if told.overwrites else 409

    def _begin(self) -> bool:
        fault = self._fault()
        if isinstance(fault, int):
            self._answer(fault)
        elif fault:
            self._hang_up()
        return fault is None

    def _fault(self) -> Fault:
        self._told.requests.append((self.command, self.path))
        self._told.authorizations.append(self.headers["Authorization"])
        return self._told.fault(self.command, self.path)

    def _is_known(self) -> bool:
        if self._told.credentials is None:
            return True
        pair = ":".join(self._told.credentials).encode()
        return self.headers["Authorization"] == f"Basic {base64.b64encode(pair).decode()}"

    def _send_file(self, *, with_body: bool) -> None:
        if not self._file.is_file():
            self._answer(404)
            return
        content = self._file.read_bytes()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if with_body:
            self.wfile.write(content)

    def _answer(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        if 300 <= status < 400:
            self.send_header("Location", self._told.moved_to + self.path)
        self.end_headers()

    def _hang_up(self) -> None:
        self.close_connection = True
        self.connection.close()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, told: MavenServer) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.told = told

    def handle_error(self, request: object, client_address: object) -> None:
        """A cut connection is what the test wanted."""


@contextmanager
def serve_maven(root: Path) -> Generator[MavenServer]:
    """Serve a folder until the block ends."""
    told = MavenServer(root=root)
    server = _Server(told)
    told.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield told
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
