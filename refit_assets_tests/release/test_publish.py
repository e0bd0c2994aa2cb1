"""Publishing into a folder, and everything about publishing that needs no socket."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from refit_assets.errors import PublishError
from refit_assets.release.file_repository import FileRepository
from refit_assets.release.http_repository import (
    PASSWORD,
    USERNAME,
    Credentials,
    HttpRepository,
    open_credentials,
)
from refit_assets.release.publish import Publication, open_repository, publish, read_version_files
from refit_assets.release.repository import Layout, VersionFiles, read_versions
from refit_assets_tests.fakes.jar_folder import write_jar_folder

FIRST = "com.example.models:flight-delay:1.0.20130603"
SECOND = "com.example.models:flight-delay:1.0.20130610"
NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "repository"


@pytest.fixture
def jars(tmp_path: Path) -> Path:
    return write_jar_folder(tmp_path / "jars", FIRST)


def publish_to(root: Path, jars: Path, coordinates: str = FIRST) -> Publication:
    return publish(jars, coordinates, root.as_uri(), environment={}, now=NOW)


def content_of(root: Path) -> dict[str, bytes]:
    files = (path for path in root.rglob("*") if path.is_file())
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in files}


def test_a_version_is_published_with_checksums_and_a_list_of_versions(
    root: Path, jars: Path
) -> None:
    done = publish_to(root, jars)
    there = content_of(root)
    folder = "com/example/models/flight-delay/1.0.20130603"
    for name, digest in done.files.items():
        assert there[f"{folder}/{name}"] == (jars / name).read_bytes()
        assert there[f"{folder}/{name}.sha256"] == digest.encode()
        assert len(there[f"{folder}/{name}.sha1"]) == 40
    metadata = "com/example/models/flight-delay/maven-metadata.xml"
    assert read_versions(there[metadata]) == ["1.0.20130603"]
    assert f"{metadata}.sha1" in there
    assert len(done.files) == 6
    assert (root / folder).stat().st_mode & 0o777 == 0o755
    assert not any("parity" in name for name in there)
    assert (done.coordinates, done.repository, done.was_there) == (FIRST, root.as_uri(), False)


def test_the_same_bytes_again_change_nothing(root: Path, jars: Path) -> None:
    publish_to(root, jars)
    before = content_of(root)
    assert publish_to(root, jars).was_there
    assert content_of(root) == before


def test_other_bytes_under_a_published_version_are_refused(root: Path, jars: Path) -> None:
    publish_to(root, jars)
    before = content_of(root)
    write_jar_folder(jars, FIRST, content="other")
    with pytest.raises(PublishError, match=r"with other bytes \(.*-all\.jar.*\): .* next version"):
        publish_to(root, jars)
    assert content_of(root) == before


def test_another_commit_in_the_provenance_is_no_other_version(root: Path, jars: Path) -> None:
    provenance = jars / "flight-delay-1.0.20130603-provenance.json"
    provenance.write_text('{"git_commit": "a"}')
    publish_to(root, jars)
    provenance.write_text('{"git_commit": "b"}')
    assert publish_to(root, jars).was_there
    assert b'{"git_commit": "a"}' in content_of(root).values()


def test_versions_gather_in_the_list_in_their_own_order(root: Path, jars: Path) -> None:
    publish_to(root, write_jar_folder(jars, SECOND), SECOND)
    publish_to(root, jars)
    metadata = content_of(root)["com/example/models/flight-delay/maven-metadata.xml"]
    assert read_versions(metadata) == ["1.0.20130603", "1.0.20130610"]
    assert b"<latest>1.0.20130610</latest>" in metadata


def test_further_builds_of_a_day_in_the_same_folder_stay_apart(root: Path, jars: Path) -> None:
    write_jar_folder(jars, FIRST + "-2")
    assert not any("-2" in name for name in publish_to(root, jars).files)


class Interrupted(VersionFiles):
    """Files of which the last cannot be read any more."""

    def with_checksums(self) -> Iterator[tuple[str, bytes]]:
        yield from list(super().with_checksums())[:-1]
        raise KeyboardInterrupt


def test_an_interrupted_publication_leaves_nothing_behind(root: Path, jars: Path) -> None:
    files = read_version_files(jars, Layout.parse(FIRST))
    repository = FileRepository(root=root)
    with pytest.raises(KeyboardInterrupt):
        repository.put_version(Interrupted(layout=files.layout, files=files.files))
    assert content_of(root) == {}
    assert not publish_to(root, jars).was_there


def test_what_a_killed_publication_left_is_no_version(root: Path, jars: Path) -> None:
    left = root / "com/example/models/flight-delay/.1.0.20130610-x2z/flight-delay-1.0.20130610.pom"
    left.parent.mkdir(parents=True)
    left.write_text("half")
    publish_to(root, jars)
    metadata = content_of(root)["com/example/models/flight-delay/maven-metadata.xml"]
    assert read_versions(metadata) == ["1.0.20130603"]


class Overtaken(VersionFiles):
    """Files that somebody else publishes while we assemble ours."""

    def with_checksums(self) -> Iterator[tuple[str, bytes]]:
        yield from super().with_checksums()
        root = Path(self.files["root"].decode())
        # What is being assembled can't be taken for a version.
        assert not list(root.glob(f"{self.layout.artifact_folder}/[!.]*"))
        mine = {name: content for name, content in self.files.items() if name != "root"}
        FileRepository(root=root).put_version(VersionFiles(layout=self.layout, files=mine))


def test_of_two_publishers_at_once_one_wins_whole(root: Path, jars: Path) -> None:
    files = read_version_files(jars, Layout.parse(FIRST))
    with_root = {**files.files, "root": str(root).encode()}
    with pytest.raises(PublishError, match=r"could not be put there, .* not empty") as caught:
        FileRepository(root=root).put_version(Overtaken(layout=files.layout, files=with_root))
    assert caught.value.transient
    assert publish_to(root, jars).was_there
    assert not list(root.rglob(".*"))


def test_a_version_folder_without_its_jar_is_refused(root: Path, jars: Path) -> None:
    half = root / "com/example/models/flight-delay/1.0.20130603/flight-delay-1.0.20130603.pom"
    half.parent.mkdir(parents=True)
    half.write_text("of mvn deploy")
    with pytest.raises(PublishError, match=r"is there without its main jar.* remove it"):
        publish_to(root, jars)


def test_the_pom_and_then_the_jar_come_last(jars: Path) -> None:
    names = list(read_version_files(jars, Layout.parse(FIRST)).files)
    assert [name.removeprefix("flight-delay-1.0.20130603") for name in names] == [
        "-all.jar",
        "-cyclonedx.json",
        "-sources.jar",
        "-javadoc.jar",
        ".pom",
        ".jar",
    ]


def test_a_folder_without_pom_or_jar_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PublishError, match=r"holds no .*\.pom and no .*\.jar: package"):
        publish(tmp_path, FIRST, tmp_path.as_uri())


def test_a_pom_of_other_coordinates_is_refused(root: Path, jars: Path) -> None:
    pom = jars / "flight-delay-1.0.20130603.pom"
    pom.write_text("<project><artifactId>flight-delay</artifactId></project>")
    with pytest.raises(PublishError, match=r"says \?:flight-delay:\?, expected com\.example"):
        publish_to(root, jars)


def test_a_plain_path_is_a_repository_too(root: Path, jars: Path) -> None:
    assert publish(jars, FIRST, str(root), environment={}).repository == root.as_uri()


def test_a_folder_with_a_space_in_its_address_is_found(tmp_path: Path) -> None:
    root = tmp_path / "our models"
    assert open_repository(root.as_uri()) == FileRepository(root=root)


@pytest.mark.parametrize("url", ["s3://bucket/x", "ftp://host/x", "file://elsewhere/x"])
def test_another_kind_of_repository_is_refused(url: str) -> None:
    with pytest.raises(PublishError, match=r"is no repository: expected file:///path or http"):
        open_repository(url)


def test_credentials_in_the_address_are_refused_without_telling_them() -> None:
    with pytest.raises(PublishError, match=rf"set {USERNAME} and {PASSWORD}") as caught:
        open_repository("https://ada:secret@repo.example/models", {})
    assert "secret" not in str(caught.value)


def test_an_address_without_a_host_is_refused() -> None:
    with pytest.raises(PublishError, match=r"names no host"):
        open_repository("http:///models", {})


def test_credentials_come_from_the_environment_and_hide_the_password() -> None:
    environment = {USERNAME: "ada", PASSWORD: "secret"}
    repository = open_repository("https://repo.example/models/", environment)
    assert repository == HttpRepository(
        url="https://repo.example/models",
        credentials=Credentials(username="ada", password="secret"),
    )
    assert "secret" not in repr(repository)
    assert open_credentials({}) is None


@pytest.mark.parametrize(("given", "missing"), [(USERNAME, PASSWORD), (PASSWORD, USERNAME)])
def test_half_of_the_credentials_is_refused(given: str, missing: str) -> None:
    with pytest.raises(PublishError, match=rf"{missing} is not set"):
        open_repository("https://repo.example/models", {given: "x"})
