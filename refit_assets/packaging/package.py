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
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from refit_assets.errors import ParityError, WorkloadFailed
from refit_assets.packaging.maven import Maven
from refit_assets.packaging.model_facts import ModelFacts, derive_contract
from refit_assets.packaging.parity import ParityReport, compare_predictions
from refit_assets.packaging.project import Coordinates, PackagingRequest, build_project
from refit_assets.packaging.score import ask_jar, score_csv

CLASSIFIERS = ("", "all", "sources", "javadoc", "serve")


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
        facts = build_project(request, project)
        _build(request.coordinates, project, maven)
        files = _collect(request.coordinates, project, folder)
        jar = _describe(request, facts, folder, files)
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
        maven.run(project, "package")
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
    request: PackagingRequest, facts: ModelFacts, folder: Path, files: tuple[JarFile, ...]
) -> ScoringJar:
    runnable = folder / next(file.name for file in files if file.classifier == "all")
    about = json.loads(ask_jar(runnable, "--about"))
    contract = request.contract or derive_contract(facts)
    jar = ScoringJar(
        coordinates=str(request.coordinates),
        version=request.coordinates.version,
        files=files,
        contract_digest=contract.digest,
        mojo_sha256=facts.sha256,
        scoring_path=about["scoring_path"],
        # The finished jar over all examples: its own test has a thousand of them at most.
        parity=prove_parity(request.examples, runnable, folder),
        java="17",
    )
    if jar.parity.differing:
        summary = (
            f"{jar.coordinates}: {jar.parity.differing} of {jar.parity.golden_rows} rows differ "
            "from the training cluster's predictions; there is no jar:"
        )
        raise ParityError(summary, jar.parity.differences)
    return jar


def prove_parity(examples: Path, runnable: Path, folder: Path) -> ParityReport:
    """Score all examples with the finished jar and compare; add what its own test counted."""
    predictions = folder / "predictions.csv"
    try:
        score_csv(runnable, examples, predictions)
        report = compare_predictions(examples, predictions)
    finally:
        predictions.unlink(missing_ok=True)
    counted: dict[str, Any] = json.loads((folder / "project/target/parity.json").read_text())
    return replace(report, adversarial_rows=counted["adversarial_rows"])


def _write_json(path: Path, content: object) -> None:
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
