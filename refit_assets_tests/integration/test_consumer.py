"""A Java project resolves a released jar over real HTTP, compiles against it and scores."""

import csv
import shutil
import uuid
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path

import pytest

from refit_assets.errors import WorkloadFailed
from refit_assets.packaging.maven import Maven, find_maven
from refit_assets.packaging.package import package
from refit_assets.packaging.project import Coordinates, PackagingRequest
from refit_assets.release.http_repository import PASSWORD, USERNAME
from refit_assets.release.publish import publish
from refit_assets_tests.fakes.maven_repository import MavenServer, serve_maven
from refit_assets_tests.packaging.matrix import RECIPES, running_h2o, train

pytestmark = [
    pytest.mark.h2o,
    pytest.mark.maven,
    # h2o's own launcher leaves the log files of its JVM open.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]

CONSUMER_POM = """<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>com.example</groupId><artifactId>consumer</artifactId><version>1</version>
  <properties>
    <maven.compiler.release>17</maven.compiler.release>
    <project.build.sourceEncoding>UTF-8</project.build.sourceEncoding>
  </properties>
  <repositories><repository><id>models</id><url>{url}</url></repository></repositories>
  <dependencies>
    <dependency>
      <groupId>{group}</groupId><artifactId>prostate</artifactId><version>{version}</version>
    </dependency>
    <dependency>
      <groupId>org.junit.jupiter</groupId><artifactId>junit-jupiter</artifactId>
      <version>5.13.4</version><scope>test</scope>
    </dependency>
    <dependency>
      <groupId>org.junit.platform</groupId><artifactId>junit-platform-launcher</artifactId>
      <version>1.13.4</version><scope>test</scope>
    </dependency>
  </dependencies>
  <build><pluginManagement><plugins>
    <plugin><artifactId>maven-resources-plugin</artifactId><version>3.5.0</version></plugin>
    <plugin><artifactId>maven-compiler-plugin</artifactId><version>3.15.0</version></plugin>
    <plugin><artifactId>maven-surefire-plugin</artifactId><version>3.5.6</version></plugin>
  </plugins></pluginManagement></build>
</project>
"""
CONSUMER_TEST = """package com.example.consumer;

import static org.junit.jupiter.api.Assertions.assertEquals;

import {package}.ProstateRow;
import {package}.ProstateScorer;
import org.junit.jupiter.api.Test;

class ServesTest {{
    @Test
    void scoresTheRowAsTheClusterDid() {{
        ProstateRow row = ProstateRow.builder(){fields}.build();
        double score = ProstateScorer.load().score(row).probabilities().get("1");
        assertEquals({expected}, score, 0.0);
    }}
}}
"""


@pytest.fixture
def group() -> str:
    # Of its own in every run: Maven keeps what it resolved in the repository of the user.
    return f"test.u{uuid.uuid4().hex[:12]}"


@pytest.fixture
def maven(group: str) -> Generator[Maven]:
    found = replace(find_maven(), offline=False)
    yield found
    local = found.repository or Path.home() / ".m2" / "repository"
    shutil.rmtree(local / group.replace(".", "/"), ignore_errors=True)


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[MavenServer]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with serve_maven(tmp_path / "served") as running:
        running.credentials = ("ada", "secret")
        yield running


def package_prostate(folder: Path, coordinates: Coordinates, maven: Maven) -> Path:
    """Train a GBM, package it; `model/` gets the examples, the result is the folder of jars."""
    with running_h2o(folder) as h2o:
        trained = train(h2o, {"gbm_binomial": RECIPES["gbm_binomial"]}, folder / "model")
    request = PackagingRequest(
        mojo=trained["gbm_binomial"] / "model.zip",
        examples=trained["gbm_binomial"] / "examples.csv",
        coordinates=coordinates,
        class_name="Prostate",
        package=f"{coordinates.group}.prostate",
        contract=None,
        description="for a consumer",
        timestamp="2013-06-03T00:00:00Z",
        provenance={},
    )
    package(request, folder / "jars", maven)
    return folder / "jars"


def write_consumer(folder: Path, coordinates: Coordinates, url: str, examples: Path) -> Path:
    with examples.open(newline="") as file:
        whole = [row for row in csv.DictReader(file) if all(row.values())]
    row = whole[0]
    inputs = {name: text for name, text in row.items() if ":" not in name and name != "predict"}
    quoted = {"RACE", "DPROS", "DCAPS"}
    fields = "".join(
        f'.{name.lower()}("{text}")' if name in quoted else f".{name.lower()}({text})"
        for name, text in inputs.items()
    )
    source = folder / "src/test/java/com/example/consumer/ServesTest.java"
    source.parent.mkdir(parents=True)
    java_package = f"{coordinates.group}.prostate"
    source.write_text(
        CONSUMER_TEST.format(package=java_package, fields=fields, expected=row["p:1"])
    )
    version = coordinates.version
    pom = CONSUMER_POM.format(url=url, group=coordinates.group, version=version)
    (folder / "pom.xml").write_text(pom)
    return folder


def test_a_consumer_resolves_compiles_and_scores_what_was_released(
    tmp_path: Path, group: str, maven: Maven, server: MavenServer
) -> None:
    coordinates = Coordinates(group=group, artifact="prostate", version="1.0.20130603")
    jars = package_prostate(tmp_path, coordinates, maven)
    environment = {USERNAME: "ada", PASSWORD: "secret"}
    publish(jars, f"{group}:prostate:1.0.20130603", server.url, environment=environment)
    examples = tmp_path / "model/gbm_binomial/examples.csv"
    consumer = write_consumer(tmp_path / "consumer", coordinates, server.url, examples)
    log = maven.run(consumer, "test")
    assert "Tests run: 1, Failures: 0, Errors: 0, Skipped: 0" in log


def test_all_but_the_main_jar_resolves_nothing(
    tmp_path: Path, group: str, maven: Maven, server: MavenServer
) -> None:
    stem = f"{group.replace('.', '/')}/prostate/1.0.20130603/prostate-1.0.20130603"
    pom = server.root / f"{stem}.pom"
    pom.parent.mkdir(parents=True)
    pom.write_text(
        f"<project><modelVersion>4.0.0</modelVersion><groupId>{group}</groupId>"
        "<artifactId>prostate</artifactId><version>1.0.20130603</version></project>"
    )
    consumer = tmp_path / "consumer"
    consumer.mkdir()
    text = CONSUMER_POM.format(url=server.url, group=group, version="1.0.20130603")
    (consumer / "pom.xml").write_text(text)
    with pytest.raises(WorkloadFailed, match=r"prostate"):
        maven.run(consumer, "test")
    assert ("GET", f"/{stem}.jar") in server.requests
