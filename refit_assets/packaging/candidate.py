"""The scoring jar of a refit: fetch the candidate, give the jar its version, build, store.

Joins `package` (a function of MOJO, examples and coordinates) to the artefact store. A jar whose
inputs did not change is not built again.
"""

import hashlib
import json
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from refit_assets.artefacts import ArtefactStore, jar_name
from refit_assets.features.contract import InputContract, build_contract
from refit_assets.packaging.maven import Maven
from refit_assets.packaging.package import ScoringJar, package
from refit_assets.packaging.project import Coordinates, PackagingRequest
from refit_assets.packaging.versions import PublishedVersion, next_version
from refit_assets.spec import ModelSpec
from refit_assets.training.trial import Candidate

Tell = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class PackagedJar:
    """A jar in the store: what it was made of, and what came out."""

    refit: str
    as_of: date
    inputs: str
    """Digest of all that went in but the version; equal inputs make equal bytes."""
    contract: InputContract
    mojo_sha256: str
    training_set_digest: str
    jar: ScoringJar


def package_candidate(
    spec: ModelSpec,
    refit: str,
    store: ArtefactStore,
    find: Callable[[], Maven],
    tell: Tell,
) -> PackagedJar:
    """Package a refit's candidate; the files lie below `models/<model>/jars/<version>/`.

    Raises:
        ParityError: the jar does not predict what the cluster predicted; nothing is stored.
        DataError: there is no candidate yet.

    """
    files = store.refit(spec.name, refit)
    candidate = store.need_record(
        Candidate, files.name("candidate/candidate.json"), made_by=f"{spec.name}/candidate"
    )
    contract = build_contract(spec)
    inputs = _digest_inputs(spec, contract, candidate, refit)
    packaged = read_packaged(store, spec.name)
    done = next((one for one in packaged if one.inputs == inputs), None)
    if done is None:
        version = _next_version(packaged, contract, date.fromisoformat(refit))
        tell(f"building {spec.jar.group}:{spec.artifact}:{version}")
        making = _Making(
            spec=spec, refit=refit, candidate=candidate, inputs=inputs, version=version
        )
        # Found only here: where nothing is to be built, there need be no Maven.
        done = _build(making, store, find())
    else:
        tell(f"{done.jar.coordinates} is built already")
    store.write_record(files.name("scoring_jar.json"), done)
    return done


def read_packaged(store: ArtefactStore, model: str) -> Sequence[PackagedJar]:
    """All jars of a model that were ever packaged, by refit."""
    names = [name for name in store.storage.names(f"models/{model}/jars/") if _is_record(name)]
    found = [store.read_record(PackagedJar, name) for name in names]
    return sorted((one for one in found if one), key=lambda one: (one.as_of, one.jar.version))


def _is_record(name: str) -> bool:
    return name.endswith("/packaged.json")


def _digest_inputs(
    spec: ModelSpec, contract: InputContract, candidate: Candidate, refit: str
) -> str:
    content = json.dumps(
        [
            refit,
            contract.digest,
            # The contract's digest leaves out ranges and descriptions, which the jar has.
            [repr(column) for column in contract.columns],
            candidate.mojo_sha256,
            candidate.golden_sha256,
            candidate.training_set_digest,
            [spec.jar.group, spec.artifact, spec.class_name, spec.description],
            _own_digest(),
        ]
    )
    return hashlib.sha256(content.encode()).hexdigest()


def _own_digest() -> str:
    """Digest of everything that this package puts into a jar: its Java files and templates."""
    # After any edit here, of a comment too, jars are built anew: which edits change a jar is not
    # guessed.
    digest = hashlib.sha256()
    folder = Path(__file__).parent
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix in {".java", ".xml", ".jinja", ".py"}:
            digest.update(path.relative_to(folder).as_posix().encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


def _next_version(packaged: Sequence[PackagedJar], contract: InputContract, as_of: date) -> str:
    # Only older refits say what a version follows: a backfill must not depend on what came later.
    before = [one for one in packaged if one.as_of <= as_of]
    published = [PublishedVersion(version=one.jar.version, contract=one.contract) for one in before]
    return next_version(published, contract, as_of)


@dataclass(frozen=True, kw_only=True)
class _Making:
    """One jar that is to be."""

    spec: ModelSpec
    refit: str
    candidate: Candidate
    inputs: str
    version: str

    def request(self, folder: Path) -> PackagingRequest:
        spec = self.spec
        return PackagingRequest(
            mojo=folder / "model.zip",
            examples=folder / "golden.csv",
            coordinates=Coordinates(
                group=spec.jar.group, artifact=spec.artifact, version=self.version
            ),
            class_name=spec.class_name,
            package=f"{spec.jar.group}.{spec.name.replace('_', '')}",
            contract=build_contract(spec),
            description=spec.description,
            timestamp=f"{self.refit}T00:00:00Z",
            provenance={
                "model": spec.name,
                "refit": self.refit,
                "training_set": self.candidate.training_set_digest,
                "trial": self.candidate.trial_key,
            },
        )


def _build(making: _Making, store: ArtefactStore, maven: Maven) -> PackagedJar:
    model, version = making.spec.name, making.version
    files = store.refit(model, making.refit)
    with tempfile.TemporaryDirectory(prefix="refit-package-") as name:
        folder = Path(name)
        for part in ("model.zip", "golden.csv"):
            store.storage.download(files.name(f"candidate/{part}"), folder / part)
        jar = package(making.request(folder), folder / "out", maven)
        for path in sorted(path for path in (folder / "out").iterdir() if path.is_file()):
            store.storage.upload(path, jar_name(model, version, path.name))
    record = PackagedJar(
        refit=making.refit,
        as_of=date.fromisoformat(making.refit),
        inputs=making.inputs,
        contract=build_contract(making.spec),
        mojo_sha256=making.candidate.mojo_sha256,
        training_set_digest=making.candidate.training_set_digest,
        jar=jar,
    )
    # Last, so that a jar half stored is no jar.
    store.write_record(jar_name(model, version, "packaged.json"), record)
    return record
