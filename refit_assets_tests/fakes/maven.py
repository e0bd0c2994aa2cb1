"""Maven's and Java's seam without either: the runnable jar is the curve of `fakes.h2o` itself."""

import csv
import hashlib
import json
import math
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from refit_assets.artefacts import ArtefactStore, jar_name
from refit_assets.errors import DataError
from refit_assets.features.contract import build_contract
from refit_assets.packaging.candidate import PackagedJar, read_packaged
from refit_assets.packaging.package import JarFile, ScoringJar
from refit_assets.packaging.parity import ParityReport
from refit_assets.packaging.stored import ScoringTime, time_name
from refit_assets.packaging.versions import PublishedVersion, next_version
from refit_assets.spec import ModelSpec
from refit_assets.training.trial import Candidate
from refit_assets_tests.fakes.h2o import HEADER, read_curve, write_csv
from refit_assets_tests.fakes.jar_folder import write_jar_folder

BILL = {"bomFormat": "CycloneDX", "specVersion": "1.6", "components": [{"purl": "pkg:maven/a/a@1"}]}


@dataclass(kw_only=True)
class FakeMaven:
    """Packages and scores in this process."""

    differs: bool = False
    """Whether each answer of the jar differs from the cluster's, by one unit in the last place."""
    refuses: tuple[str, ...] = ()
    """Versions whose jars cannot score."""
    proven: bool = True
    scored: list[str] = field(default_factory=list)
    """Jars that scored something, in order."""

    def package(
        self, spec: ModelSpec, refit: str, store: ArtefactStore, tell: Callable[[str], None]
    ) -> PackagedJar:
        files = store.refit(spec.name, refit)
        candidate = store.need_record(
            Candidate, files.name("candidate/candidate.json"), made_by=f"{spec.name}/candidate"
        )
        said = [refit, candidate.mojo_sha256, candidate.training_set_digest]
        inputs = hashlib.sha256("".join(said).encode()).hexdigest()
        known = {one.inputs: one for one in read_packaged(store, spec.name)}
        made = known.get(inputs) or self._build(spec, refit, store, candidate, inputs)
        tell(f"{made.jar.coordinates} is there")
        store.write_record(files.name("scoring_jar.json"), made)
        return made

    def score(self, store: ArtefactStore, jar: str, rows: str, predictions: str) -> None:
        self.scored.append(jar)
        if any(f"/{version}/" in jar for version in self.refuses):
            message = f"{jar} asks for columns that {rows} lacks"
            raise DataError(message)
        curve = read_curve(store.storage.read(jar) or b"")
        lines = (store.storage.read(rows) or b"").decode().splitlines()
        answers = [curve.answer(int(row["size"])) for row in csv.DictReader(lines)]
        shifted = [(label, self._shift(one), self._shift(other)) for label, one, other in answers]
        store.storage.write(predictions, write_csv(HEADER, shifted).encode())
        store.write_record(time_name(predictions), ScoringTime(seconds=0.5))

    def _shift(self, value: float) -> float:
        return math.nextafter(value, 2) if self.differs else value

    def _build(
        self, spec: ModelSpec, refit: str, store: ArtefactStore, candidate: Candidate, inputs: str
    ) -> PackagedJar:
        contract, as_of = build_contract(spec), date.fromisoformat(refit)
        before = [one for one in read_packaged(store, spec.name) if one.as_of <= as_of]
        published = [PublishedVersion(version=b.jar.version, contract=b.contract) for b in before]
        version = next_version(published, contract, as_of)
        model = store.storage.read(store.refit(spec.name, refit).name("candidate/model.zip"))
        coordinates = f"{spec.jar.group}:{spec.artifact}:{version}"
        made = PackagedJar(
            refit=refit,
            as_of=as_of,
            inputs=inputs,
            contract=contract,
            mojo_sha256=candidate.mojo_sha256,
            training_set_digest=candidate.training_set_digest,
            jar=ScoringJar(
                coordinates=coordinates,
                version=version,
                files=_store_files(store, spec, coordinates, model or b""),
                contract_digest=contract.digest,
                mojo_sha256=candidate.mojo_sha256,
                scoring_path="a curve",
                parity=ParityReport(
                    proven=self.proven, golden_rows=4, adversarial_rows=9, differing=0
                ),
                java="17",
            ),
        )
        store.write_record(jar_name(spec.name, version, "packaged.json"), made)
        return made


def _store_files(
    store: ArtefactStore, spec: ModelSpec, coordinates: str, model: bytes
) -> tuple[JarFile, ...]:
    version = coordinates.rpartition(":")[2]
    stem = f"{spec.artifact}-{version}"
    files: list[JarFile] = []
    with tempfile.TemporaryDirectory() as name:
        folder = write_jar_folder(Path(name), coordinates, content=version)
        (folder / f"{stem}-all.jar").write_bytes(model)
        (folder / f"{stem}-cyclonedx.json").write_text(json.dumps(BILL))
        for path in sorted(folder.glob(f"{stem}*")):
            content = path.read_bytes()
            store.storage.write(jar_name(spec.name, version, path.name), content)
            classifier = "pom" if path.suffix == ".pom" else path.stem[len(stem) :].lstrip("-")
            digest = hashlib.sha256(content).hexdigest()
            files.append(
                JarFile(classifier=classifier, name=path.name, sha256=digest, bytes=len(content))
            )
    return tuple(files)
