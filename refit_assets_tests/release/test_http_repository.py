"""Publishing over real HTTP, with what goes wrong there."""

from collections.abc import Generator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from refit_assets.errors import PublishError
from refit_assets.release.http_repository import PASSWORD, USERNAME
from refit_assets.release.publish import Publication, publish
from refit_assets.release.repository import read_versions
from refit_assets_tests.fakes.jar_folder import write_jar_folder
from refit_assets_tests.fakes.maven_repository import Fault, MavenServer, serve_maven

pytestmark = pytest.mark.maven

FIRST = "com.example.models:flight-delay:1.0.20130603"
STEM = "flight-delay-1.0.20130603"
FOLDER = f"com/example/models/flight-delay/1.0.20130603/{STEM}"
METADATA = "com/example/models/flight-delay/maven-metadata.xml"
NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[MavenServer]:
    # A proxy of the machine is not for loopback.
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with serve_maven(tmp_path / "served") as running:
        yield running


@pytest.fixture
def jars(tmp_path: Path) -> Path:
    return write_jar_folder(tmp_path / "jars", FIRST)


def publish_to(server: MavenServer, jars: Path, **environment: str) -> Publication:
    return publish(jars, FIRST, server.url, environment=environment, now=NOW)


def resolves(server: MavenServer) -> bool:
    return (server.root / f"{FOLDER}.jar").exists()


def once(method: str, end: str, fault: Fault) -> "Once":
    return Once(method, end, fault)


class Once:
    """A fault that strikes the first matching request only."""

    def __init__(self, method: str, end: str, fault: Fault) -> None:
        self.method, self.end = method, end
        self.left: list[Fault] = [fault]

    def __call__(self, method: str, path: str) -> Fault:
        if self.left and method == self.method and path.endswith(self.end):
            return self.left.pop()
        return None


def test_everything_arrives_and_the_list_of_versions_last(server: MavenServer, jars: Path) -> None:
    done = publish_to(server, jars)
    assert not done.was_there
    for path in jars.glob(f"{STEM}*"):
        assert (server.root / FOLDER).with_name(path.name).read_bytes() == path.read_bytes()
    assert read_versions((server.root / METADATA).read_bytes()) == ["1.0.20130603"]
    artefacts = [name for name in server.uploads if not name.endswith(("md5", "sha1", "sha256"))]
    assert artefacts[-3:] == [f"{STEM}.pom", f"{STEM}.jar", "maven-metadata.xml"]
    assert server.uploads.index(f"{STEM}.pom.sha1") < server.uploads.index(f"{STEM}.jar")


def test_the_same_bytes_again_upload_nothing(server: MavenServer, jars: Path) -> None:
    publish_to(server, jars)
    server.requests.clear()
    assert publish_to(server, jars).was_there
    assert server.uploads == []


def test_an_existing_version_with_other_bytes_is_refused_before_anything_is_sent(
    server: MavenServer, jars: Path
) -> None:
    publish_to(server, jars)
    server.requests.clear()
    write_jar_folder(jars, FIRST, content="other")
    server.overwrites, server.knows_if_none_match = True, False
    with pytest.raises(PublishError, match=r"published .* with other bytes"):
        publish_to(server, jars)
    assert server.uploads == []


class Rival:
    """Somebody who uploads a file of the same name just after we looked."""

    def __init__(self, server: MavenServer, name: str, content: bytes) -> None:
        self.file, self.content = (server.root / FOLDER).with_name(name), content

    def __call__(self, method: str, path: str) -> Fault:
        if method == "PUT" and path.endswith(self.file.name) and not self.file.exists():
            self.file.parent.mkdir(parents=True, exist_ok=True)
            self.file.write_bytes(self.content)
        return None


@pytest.mark.parametrize("knows_if_none_match", [True, False])
def test_one_who_was_faster_during_the_upload_wins(
    server: MavenServer, jars: Path, *, knows_if_none_match: bool
) -> None:
    # One of the two protects: a server that overwrites has to know If-None-Match.
    server.knows_if_none_match = server.overwrites = knows_if_none_match
    server.fault = Rival(server, f"{STEM}-javadoc.jar", b"rival")
    with pytest.raises(PublishError, match=r"-javadoc\.jar is there with other bytes"):
        publish_to(server, jars)
    assert (server.root / f"{FOLDER}-javadoc.jar").read_bytes() == b"rival"
    assert not resolves(server)


def test_one_who_was_faster_with_the_same_bytes_is_no_rival(
    server: MavenServer, jars: Path
) -> None:
    pom = (jars / f"{STEM}.pom").read_bytes()
    server.fault = Rival(server, f"{STEM}.pom", pom)
    publish_to(server, jars)
    assert resolves(server)


@pytest.mark.parametrize("fault", ["cut", "lose answer"])
def test_a_connection_cut_at_any_file_leaves_nothing_that_resolves_and_can_be_resumed(
    server: MavenServer, jars: Path, fault: Fault
) -> None:
    for classifier in ("-javadoc.jar", "-sources.jar", "-cyclonedx.json"):
        (jars / f"{STEM}{classifier}").unlink()
    publish_to(server, jars)
    names = list(server.uploads)
    assert len(names) == 16
    for name in names:
        for path in sorted(server.root.rglob("*.*"), reverse=True):
            if path.is_file():
                path.unlink()
        server.fault = once("PUT", f"/{name}", fault)
        with pytest.raises(PublishError, match=r"publish again, it goes on") as caught:
            publish_to(server, jars)
        assert caught.value.transient
        before_jar = names.index(name) < names.index(f"{STEM}.jar")
        cut_jar = name == f"{STEM}.jar" and fault == "cut"
        assert resolves(server) is not (before_jar or cut_jar)
        publish_to(server, jars)
        assert len(list((server.root / FOLDER).parent.iterdir())) == 12
        assert read_versions((server.root / METADATA).read_bytes()) == ["1.0.20130603"]
        assert (server.root / f"{METADATA}.sha256").exists()


def test_remains_of_another_build_are_not_mixed_with_ours(server: MavenServer, jars: Path) -> None:
    remains = server.root / f"{FOLDER}-sources.jar"
    remains.parent.mkdir(parents=True)
    remains.write_bytes(b"of yesterday")
    with pytest.raises(PublishError, match=r"-sources\.jar is there .* remove the version"):
        publish_to(server, jars)
    assert not resolves(server)


def test_credentials_of_the_environment_open_the_repository(
    server: MavenServer, jars: Path
) -> None:
    server.credentials = ("ada", "pä:ss")
    publish_to(server, jars, **{USERNAME: "ada", PASSWORD: "pä:ss"})
    assert resolves(server)


def test_wrong_credentials_are_told_but_not_the_password(server: MavenServer, jars: Path) -> None:
    server.credentials = ("ada", "right")
    with pytest.raises(PublishError, match=r"401 .*credentials of 'ada' were sent") as caught:
        publish_to(server, jars, **{USERNAME: "ada", PASSWORD: "wrong"})
    assert "wrong" not in str(caught.value)
    assert not caught.value.transient
    assert not any(path.is_file() for path in server.root.rglob("*"))


def test_missing_credentials_are_told(server: MavenServer, jars: Path) -> None:
    server.credentials = ("ada", "right")
    with pytest.raises(PublishError, match=rf"no credentials were sent: set {USERNAME}"):
        publish_to(server, jars)


def test_a_redirect_to_another_host_does_not_carry_the_password_there(
    server: MavenServer, jars: Path, tmp_path: Path
) -> None:
    with serve_maven(tmp_path / "elsewhere") as other:
        server.moved_to = other.url
        server.fault = lambda _method, _path: 302
        with pytest.raises(PublishError, match=r"PUT .*: 302 "):
            publish_to(server, jars, **{USERNAME: "ada", PASSWORD: "secret"})
        assert None not in server.authorizations
        assert other.requests
        assert set(other.authorizations) == {None}


def test_what_reads_back_otherwise_is_taken_back(server: MavenServer, jars: Path) -> None:
    server.fault = once("PUT", f"{STEM}.jar", "damage")
    with pytest.raises(PublishError, match=r"\.jar read back as sha256 .*; it was removed"):
        publish_to(server, jars)
    assert not resolves(server)
    assert not (server.root / METADATA).exists()


@pytest.mark.parametrize("fault", [405, "cut"])
def test_where_it_cannot_be_taken_back_a_person_is_asked_to(
    server: MavenServer, jars: Path, fault: Fault
) -> None:
    def strike(method: str, path: str) -> Fault:
        if method == "DELETE":
            return fault
        return "damage" if path.endswith("-all.jar") and method == "PUT" else None

    server.fault = strike
    with pytest.raises(PublishError, match=r"REMOVE IT in the repository"):
        publish_to(server, jars)
    assert not resolves(server)


def test_an_upload_that_vanishes_is_told(server: MavenServer, jars: Path) -> None:
    def vanish(method: str, path: str) -> Fault:
        gone = method == "GET" and path.endswith("-all.jar")
        return 404 if gone else None

    server.fault = vanish
    with pytest.raises(PublishError, match=r"-all\.jar read back as nothing"):
        publish_to(server, jars)


def test_damage_after_the_upload_is_found_by_reading_everything_back(
    server: MavenServer, jars: Path
) -> None:
    def rot(method: str, path: str) -> Fault:
        # Once the last file of the version is asked for, the first rots.
        if method == "GET" and path.endswith(f"{STEM}.jar.sha256"):
            (server.root / f"{FOLDER}-all.jar").write_bytes(b"rotten")
            (server.root / f"{FOLDER}-all.jar.sha1").write_bytes(b"rotten")
        return None

    server.fault = rot
    with pytest.raises(PublishError, match=r"otherwise .*-all\.jar, .*-all\.jar\.sha1; REMOVE"):
        publish_to(server, jars)
    assert not (server.root / METADATA).exists()


@pytest.mark.parametrize(
    ("status", "transient"), [(500, True), (503, True), (429, True), (400, False), (302, False)]
)
def test_a_refused_upload_tells_the_status(
    server: MavenServer, jars: Path, status: int, *, transient: bool
) -> None:
    server.fault = once("PUT", f"{STEM}.pom", status)
    with pytest.raises(PublishError, match=rf"PUT .*\.pom: {status} ") as caught:
        publish_to(server, jars)
    assert caught.value.transient is transient
    assert not resolves(server)


def test_a_refused_look_tells_the_status(server: MavenServer, jars: Path) -> None:
    server.fault = once("GET", f"{STEM}.jar", 500)
    with pytest.raises(PublishError, match=r"GET .*\.jar: 500"):
        publish_to(server, jars)


def test_a_server_that_is_not_there_is_told(tmp_path: Path, jars: Path) -> None:
    with serve_maven(tmp_path) as gone:
        pass
    with pytest.raises(PublishError, match=r"ConnectionRefusedError") as caught:
        publish_to(gone, jars)
    assert caught.value.transient


def test_the_list_of_versions_keeps_what_others_published(server: MavenServer, jars: Path) -> None:
    second = FIRST.replace("0603", "0610")
    publish(write_jar_folder(jars, second), second, server.url, environment={}, now=NOW)
    publish_to(server, jars)
    metadata = (server.root / METADATA).read_bytes()
    assert read_versions(metadata) == ["1.0.20130603", "1.0.20130610"]


def test_a_list_that_another_overwrote_is_merged_again(server: MavenServer, jars: Path) -> None:
    class Overwrite(Once):
        def __call__(self, method: str, path: str) -> Fault:
            if super().__call__(method, path) is not None:
                text = "<versions><version>1.0.20130527</version></versions>"
                (server.root / METADATA).write_text(text)
            return None

    # The first checksum follows the list at once: just then a rival writes its own list.
    server.fault = Overwrite("PUT", "metadata.xml.md5", 1)
    publish_to(server, jars)
    metadata = (server.root / METADATA).read_bytes()
    assert read_versions(metadata) == ["1.0.20130527", "1.0.20130603"]


def test_a_list_that_never_keeps_the_version_is_told(server: MavenServer, jars: Path) -> None:
    def forget(method: str, path: str) -> Fault:
        return 404 if method == "GET" and path.endswith("metadata.xml") else None

    server.fault = forget
    with pytest.raises(PublishError, match=r"does not keep 1\.0\.20130603: .* resolves"):
        publish_to(server, jars)


def test_a_list_that_cannot_be_written_is_told(server: MavenServer, jars: Path) -> None:
    server.fault = once("PUT", "metadata.xml", 507)
    with pytest.raises(PublishError, match=r"PUT .*maven-metadata\.xml: 507"):
        publish_to(server, jars)
