"""From MOJO and examples to a tested jar: the packaging step as a whole.

Belongs here: the order of things, collecting the files, judging parity. Does not: generating
(`project`), Maven (`maven`), versions (`versions`), uploading (`release.publish`).
"""

import hashlib
import json
import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from refit_assets.errors import ParityError, WorkloadFailed
from refit_assets.packaging.maven import Maven
from refit_assets.packaging.parity import ParityReport, compare_predictions
from refit_assets.packaging.project import (
    Coordinates,
    PackagingRequest,
    WrittenModel,
    begin_project,
    finish_project,
)
from refit_assets.packaging.score import score_csv

CLASSIFIERS = ("", "all", "sources", "javadoc", "serve")
# What reads the sources and the pom only, beside the tests. `mvn package` alone does the same.
_DOCUMENTS = (
    "org.apache.maven.plugins:maven-javadoc-plugin:jar",
    "org.apache.maven.plugins:maven-source-plugin:jar-no-fork",
    "org.cyclonedx:cyclonedx-maven-plugin:makeBom",
)
_JARS = ("package", "-P-documents")


@dataclass(frozen=True, kw_only=True)
class JarFile:
    """One file of a scoring jar in `out`."""

    classifier: str
    """`all`, `serve`, `sources`, `javadoc`, `pom`, `cyclonedx`; empty for the thin jar."""
    name: str
    sha256: str
    bytes: int


@dataclass(frozen=True, kw_only=True)
class ScoringJar:
    """A tested jar: what it is, and what was shown of it."""

    coordinates: str
    version: str
    files: tuple[JarFile, ...]
    contract_digest: str
    mojo_sha256: str
    scoring_path: str
    """How the jar scores, and why so."""
    parity: ParityReport
    java: str
    """Release of Java that the classes need."""

    def file(self, classifier: str) -> JarFile:
        """Return the file of that classifier; KeyError if there is none."""
        found = [file for file in self.files if file.classifier == classifier]
        if not found:
            raise KeyError(classifier)
        return found[0]


def package(request: PackagingRequest, out: Path, maven: Maven) -> ScoringJar:
    """Build the scoring jar into `out`, which appears whole or not at all.

    `out` receives the thin jar, `-all`, `-serve`, `-sources`, `-javadoc`, the pom, the SBOM,
    `parity.json` and the Maven project. What was there before is replaced.

    Raises:
        ParityError: the jar does not predict what the cluster predicted; carries all rows.
        SpecError, DataError: the request contradicts itself or the model.
        WorkloadFailed: Maven failed; its project is kept, and named.

    """
    out.parent.mkdir(parents=True, exist_ok=True)
    with _scaffold(out) as folder:
        project = folder / "project"
        begun = begin_project(request, project)
        with maven.beside(project, *_DOCUMENTS) as wait_for_documents:
            written = finish_project(request, project, begun)
            _build(request.coordinates, project, maven)
            parity = _prove(request, project)
            wait_for_documents()
        files = _collect(request.coordinates, project, folder)
        jar = _describe(request, written, project, files, parity)
        _write_json(folder / "parity.json", asdict(jar.parity))
        shutil.rmtree(project / "target")
        _publish(folder, out)
    return jar


@contextmanager
def _scaffold(out: Path) -> Generator[Path]:
    """Give a folder beside `out`; keep it only where Maven failed, for a look at the project."""
    folder = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    try:
        yield folder
    except WorkloadFailed:
        raise
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _publish(folder: Path, out: Path) -> None:
    # It was made as a temporary folder, which only its owner may enter.
    folder.chmod(0o755)
    if out.exists():
        before = Path(tempfile.mkdtemp(prefix=f".{out.name}-before-", dir=out.parent))
        out.replace(before / out.name)
        folder.rename(out)
        shutil.rmtree(before)
    else:
        folder.rename(out)


def _build(coordinates: Coordinates, project: Path, maven: Maven) -> None:
    try:
        maven.run(project, *_JARS)
    except WorkloadFailed:
        # Maven ends alike for a build that is broken and for a jar that differs; this file tells.
        differences = _differences(project)
        if differences:
            summary = f"{coordinates} differs from the model; there is no jar:"
            raise ParityError(summary, differences) from None
        raise


def _differences(project: Path) -> list[str]:
    found = project / "target" / "parity-differences.txt"
    return found.read_text(encoding="utf-8").splitlines() if found.exists() else []


def _collect(coordinates: Coordinates, project: Path, folder: Path) -> tuple[JarFile, ...]:
    """Copy what Maven made to its final names."""
    target = project / "target"
    sources = {"pom": (project / "pom.xml", f"{coordinates.stem}.pom")}
    sources["cyclonedx"] = (target / "sbom.json", f"{coordinates.stem}-cyclonedx.json")
    for classifier in CLASSIFIERS:
        name = f"{coordinates.stem}{'-' if classifier else ''}{classifier}.jar"
        sources[classifier] = (target / name, name)
    files: list[JarFile] = []
    for classifier, (source, name) in sorted(sources.items()):
        shutil.copyfile(source, folder / name)
        content = source.read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        file = JarFile(classifier=classifier, name=name, sha256=digest, bytes=len(content))
        files.append(file)
    return tuple(files)


def _describe(
    request: PackagingRequest,
    written: WrittenModel,
    project: Path,
    files: tuple[JarFile, ...],
    parity: ParityReport,
) -> ScoringJar:
    return ScoringJar(
        coordinates=str(request.coordinates),
        version=request.coordinates.version,
        files=files,
        contract_digest=written.contract.digest,
        mojo_sha256=written.facts.sha256,
        scoring_path=_tested(project)["scoring_path"],
        parity=parity,
        java="17",
    )


def _prove(request: PackagingRequest, project: Path) -> ParityReport:
    """Compare the finished jar over all examples: its own test has a thousand of them at most."""
    target = project / "target"
    predictions = target / "predictions.csv"
    score_csv(target / f"{request.coordinates.stem}-all.jar", request.examples, predictions)
    parity = compare_predictions(
        request.examples, predictions, adversarial_rows=_tested(project)["adversarial_rows"]
    )
    if parity.differing:
        summary = (
            f"{request.coordinates}: {parity.differing} of {parity.golden_rows} rows differ "
            "from the training cluster's predictions; there is no jar:"
        )
        raise ParityError(summary, parity.differences)
    return parity


def _tested(project: Path) -> dict[str, Any]:
    """Read what the jar's own parity test wrote."""
    return json.loads((project / "target" / "parity.json").read_text(encoding="utf-8"))


def _write_json(path: Path, content: object) -> None:
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
