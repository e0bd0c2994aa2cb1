"""A Maven repository behind HTTP: plain GET and PUT, as Nexus, Artifactory and their like speak.

A plain PUT has no transaction. So the order makes one: Maven resolves a jar that has no pom
(with a warning, and without its dependencies), but not a pom that has no jar. Hence the main jar
goes last, and each file is read back before the next is sent.
"""

import base64
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from http.client import HTTPException
from urllib.parse import quote, urlsplit

from refit_assets.errors import PublishError
from refit_assets.release.repository import (
    Layout,
    VersionFiles,
    checksums,
    read_versions,
    render_metadata,
    sha256,
)

USERNAME = "REFIT_MAVEN_USERNAME"
PASSWORD = "REFIT_MAVEN_PASSWORD"  # noqa: S105 - the variable's name

_ABSENT = frozenset({404, 410})
_DENIED = frozenset({401, 403, 407})
# Another writer of the list can come between our reading and our writing it.
_MOST_RACES = 5


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """Name and password, sent only to the repository's own address."""

    username: str
    password: str = field(repr=False)

    @property
    def header(self) -> str:
        """Value of the Authorization header."""
        pair = f"{self.username}:{self.password}".encode()
        return f"Basic {base64.b64encode(pair).decode()}"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a server said to a request."""

    request: str
    status: int
    reason: str
    body: bytes

    @property
    def ok(self) -> bool:
        """Whether it did what it was asked."""
        return 200 <= self.status < 300  # noqa: PLR2004 - HTTP's own


@dataclass(frozen=True, kw_only=True)
class HttpRepository:
    """A repository behind http: or https:."""

    url: str
    credentials: Credentials | None = None
    timeout_seconds: float = 60.0

    def read(self, path: str) -> bytes | None:
        """Return a file, or None where there is none.

        Raises:
            PublishError: the server refuses, or cannot be reached.

        """
        answer = self._request("GET", path)
        if answer.status in _ABSENT:
            return None
        if not answer.ok:
            raise self._refused(answer)
        return answer.body

    def put_version(self, files: VersionFiles) -> None:
        """Upload file by file, the main jar last; what an earlier attempt left is used again."""
        for path, content in files.with_checksums():
            self._put_new(path, content)

    def put_metadata(self, layout: Layout, now: datetime) -> None:
        """Merge the version into the list, and look whether it stayed there."""
        for _ in range(_MOST_RACES):
            found = self.read(layout.metadata) or b""
            versions = read_versions(found)
            if layout.version in versions and self._has_checksums(layout.metadata, found):
                return
            content = render_metadata(layout, versions, now)
            self._replace(layout.metadata, content)
            for path, text in checksums(layout.metadata, content):
                self._replace(path, text)
        message = (
            f"{self.url}/{layout.metadata} does not keep {layout.version}: the version is "
            "published and resolves, its list is not up to date; publish again"
        )
        raise PublishError(message)

    def finish(self, files: VersionFiles) -> None:
        """Add the checksums of the main jar where an upload was interrupted just before them."""
        jar = files.layout.jar
        for path, text in checksums(files.layout.path(jar), files.files[jar]):
            self._put_new(path, text)

    def _put_new(self, path: str, content: bytes) -> None:
        found = self.read(path)
        if found is None:
            found = self._send(path, content)
        if found != content:
            raise self._taken(path, content, found)

    def _send(self, path: str, content: bytes) -> bytes:
        """Upload a file that was not there; return what is there now."""
        # Servers that know If-None-Match refuse even one who came after our look.
        answer = self._request("PUT", path, content, {"If-None-Match": "*"})
        found = self.read(path)
        if answer.ok and found != content:
            raise self._damaged(path, content, found)
        # Each server has a status of its own for "exists": what counts is what lies there.
        if found is None:
            raise self._refused(answer)
        return found

    def _has_checksums(self, path: str, content: bytes) -> bool:
        return all(self.read(name) == text for name, text in checksums(path, content))

    def _replace(self, path: str, content: bytes) -> None:
        answer = self._request("PUT", path, content)
        if not answer.ok:
            raise self._refused(answer)

    def _request(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        place = f"{self.url}/{quote(path)}"
        # The scheme was checked when the address was read: http or https.
        request = urllib.request.Request(  # noqa: S310
            place, data=body, headers=dict(headers or {}), method=method
        )
        if self.credentials is not None:
            # Unredirected: a redirect to another host must not carry the password there.
            request.add_unredirected_header("Authorization", self.credentials.header)
        what = f"{method} {place}"
        try:
            with urllib.request.urlopen(request, timeout=self.timeout_seconds) as response:  # noqa: S310
                return Answer(request=what, status=response.status, reason="", body=response.read())
        except urllib.error.HTTPError as error:
            with error:
                return Answer(request=what, status=error.code, reason=error.reason, body=b"")
        except (OSError, HTTPException) as error:
            message = f"{what}: {error!r}; publish again, it goes on from there"
            raise PublishError(message, transient=True) from error

    def _refused(self, answer: Answer) -> PublishError:
        message = f"{answer.request}: {answer.status} {answer.reason}"
        if answer.status in _DENIED:
            message += f"; {self._told_credentials()}"
        # 5xx and 429 are about the server's state, not about what we ask of it.
        return PublishError(message, transient=answer.status >= 500 or answer.status == 429)  # noqa: PLR2004

    def _told_credentials(self) -> str:
        if self.credentials is None:
            return f"no credentials were sent: set {USERNAME} and {PASSWORD}"
        name = self.credentials.username
        return f"credentials of {name!r} were sent: look at {USERNAME}, {PASSWORD} and its rights"

    def _taken(self, path: str, content: bytes, found: bytes) -> PublishError:
        message = (
            f"{self.url}/{path} is there with other bytes (sha256 {sha256(found)}, "
            f"ours {sha256(content)}): a published file is never overwritten; if it is the rest "
            "of an interrupted upload, remove the version's folder in the repository"
        )
        return PublishError(message)

    def _damaged(self, path: str, content: bytes, found: bytes | None) -> PublishError:
        """Take back what arrived damaged: were it the main jar, it would resolve."""
        try:
            removed = self._request("DELETE", path).ok
        except PublishError:
            removed = False
        what = "nothing" if found is None else f"sha256 {sha256(found)}"
        message = f"{self.url}/{path} read back as {what}, sent was sha256 {sha256(content)}; " + (
            "it was removed" if removed else "REMOVE IT in the repository, then publish again"
        )
        return PublishError(message)


def open_credentials(environment: Mapping[str, str]) -> Credentials | None:
    """Read the credentials from the environment; None where none are set.

    Raises:
        PublishError: only one of the two is set.

    """
    username, password = environment.get(USERNAME), environment.get(PASSWORD)
    if not username and not password:
        return None
    if not username or not password:
        missing = PASSWORD if username else USERNAME
        message = f"{missing} is not set, the other half of the credentials is: set both or none"
        raise PublishError(message)
    return Credentials(username=username, password=password)


def open_http_repository(url: str, environment: Mapping[str, str]) -> HttpRepository:
    """Make the client of a repository, with the environment's credentials.

    Raises:
        PublishError: the address holds credentials, which would end in logs, or no host.

    """
    parts = urlsplit(url)
    if parts.username or parts.password:
        message = (
            f"the repository at {parts.hostname} has credentials in its address: "
            f"take them out, set {USERNAME} and {PASSWORD}"
        )
        raise PublishError(message)
    if not parts.hostname:
        message = f"{url!r} names no host: expected http(s)://host[:port]/path"
        raise PublishError(message)
    return HttpRepository(url=url.rstrip("/"), credentials=open_credentials(environment))
