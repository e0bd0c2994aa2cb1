"""Provenance: from which data, by which code, with which libraries a jar was made.

Written beside the jar and published with it, so that years later the jar alone tells what to look
at. No clock in it: the same refit tells the same story. Belongs here: the record, gathering it,
the summary of the jar's bill of materials. Does not: what happened to the jar (`ledger`).
"""

import hashlib
import json
import platform
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from importlib import metadata
from pathlib import Path
from typing import Any

from refit_assets.artefacts import record_from_json, record_to_json
from refit_assets.errors import DataError
from refit_assets.features.contract import InputContract, build_contract
from refit_assets.features.training_set import TrainingSet
from refit_assets.spec import ModelSpec

# Those whose arithmetic or formats could change what a refit makes.
LIBRARIES = ("refit_assets", "h2o", "pyspark", "pyiceberg", "pyarrow", "numpy", "scikit-learn")


@dataclass(frozen=True, kw_only=True)
class Component:
    """A library in the runnable jar."""

    purl: str
    """Package URL, such as pkg:maven/group/artifact@version?type=jar."""
    licences: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class BillOfMaterials:
    """What the jar's CycloneDX file lists."""

    format: str
    components: tuple[Component, ...]


@dataclass(frozen=True, kw_only=True)
class DayOfData:
    """A day of the feature table as the refit saw it."""

    day: date
    part: str
    """train, validation or holdout."""
    digest: str
    rows: int


@dataclass(frozen=True, kw_only=True)
class SearchData:
    """What the search of an earlier refit, which chose the settings, was made on."""

    refit: str
    training_set_digest: str
    days: tuple[DayOfData, ...]
    data_files: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """The story of one jar."""

    model: str
    refit: str
    as_of: date
    coordinates: str
    files: Mapping[str, str]
    """Name of each published file to its SHA-256 digest."""
    mojo_sha256: str
    contract: InputContract
    spec_sha256: str
    training_set_digest: str
    snapshot_id: int
    """Snapshot of the Iceberg table, kept by `tag`."""
    tag: str
    metadata_location: str
    days: tuple[DayOfData, ...]
    data_files: tuple[str, ...]
    search: SearchData | None
    """None where the refit searched by itself."""
    versions: Mapping[str, str]
    """Library to version, Python included."""
    git_commit: str | None
    """With `-dirty` where something was not committed; None outside a repository."""
    bill_of_materials: BillOfMaterials | None


def build_provenance(
    spec: ModelSpec,
    pinned: TrainingSet,
    *,
    coordinates: str,
    files: Mapping[str, str],
    mojo_sha256: str,
    versions: Mapping[str, str],
    git_commit: str | None,
    bill_of_materials: BillOfMaterials | None,
) -> Provenance:
    """Gather the story of a jar from the records of its refit."""
    return Provenance(
        model=pinned.model,
        refit=pinned.refit,
        as_of=pinned.as_of,
        coordinates=coordinates,
        files=dict(sorted(files.items())),
        mojo_sha256=mojo_sha256,
        contract=build_contract(spec),
        spec_sha256=digest_spec(spec),
        training_set_digest=pinned.digest,
        snapshot_id=pinned.snapshot_id,
        tag=pinned.tag,
        metadata_location=pinned.metadata_location,
        days=_days(pinned),
        data_files=_data_files(pinned),
        search=pinned.search
        and SearchData(
            refit=pinned.search.refit,
            training_set_digest=pinned.search.digest,
            days=_days(pinned.search),
            data_files=_data_files(pinned.search),
        ),
        versions=dict(sorted(versions.items())),
        git_commit=git_commit,
        bill_of_materials=bill_of_materials,
    )


def _days(pinned: TrainingSet) -> tuple[DayOfData, ...]:
    return tuple(
        DayOfData(day=pin.day, part=pin.part, digest=pin.digest, rows=pin.rows)
        for pin in pinned.days
    )


def _data_files(pinned: TrainingSet) -> tuple[str, ...]:
    return tuple(sorted(file for pin in pinned.days for file in pin.files))


def provenance_name(coordinates: str) -> str:
    """Name of the file, which Maven sees as the classifier `provenance`."""
    _, artifact, version = coordinates.split(":")
    return f"{artifact}-{version}-provenance.json"


def write_provenance(folder: Path, provenance: Provenance) -> Path:
    """Write the record beside the jar."""
    path = folder / provenance_name(provenance.coordinates)
    path.write_bytes(record_to_json(provenance))
    return path


def read_provenance(path: Path) -> Provenance:
    """Read a record.

    Raises:
        DataError: the file is no such record.

    """
    return record_from_json(Provenance, path.read_bytes(), str(path))


def read_bill_of_materials(path: Path) -> BillOfMaterials:
    """Summarise a CycloneDX file.

    Raises:
        DataError: the file is no CycloneDX JSON.

    """
    try:
        bill: dict[str, Any] = json.loads(path.read_bytes())
        components = [_read_component(one) for one in bill["components"]]
        named = f"{bill['bomFormat']} {bill['specVersion']}"
    except (ValueError, KeyError, TypeError) as error:
        message = f"{path} is no CycloneDX bill of materials ({error!r}): package the jar again"
        raise DataError(message) from error
    components.sort(key=lambda component: component.purl)
    return BillOfMaterials(format=named, components=tuple(components))


def digest_spec(spec: ModelSpec) -> str:
    """Digest of all that the YAML said, defaults included."""
    content = json.dumps(spec.model_dump(mode="json"), sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()


def read_versions_installed(names: Sequence[str] = LIBRARIES) -> dict[str, str]:
    """Versions of the libraries that are installed here, and of Python."""
    found = {"python": platform.python_version()}
    for name in names:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            # An image holds only what its step needs: the others are not part of the story.
            continue
    return found


def read_git_commit(folder: Path) -> str | None:
    """Commit that is checked out there; None where there is no repository or no git."""
    # One question for both: a process of git costs more than all else that is recorded.
    command = ["git", "-C", str(folder), "status", "--porcelain=v2", "--branch"]
    command += ["--untracked-files=no"]
    try:
        answer = subprocess.run(command, capture_output=True, check=True, text=True)  # noqa: S603
    except (OSError, subprocess.CalledProcessError):
        return None
    commit, *rest = answer.stdout.removeprefix("# branch.oid ").splitlines()
    if commit == "(initial)":
        return None
    changed = any(not line.startswith("# ") for line in rest)
    return f"{commit}-dirty" if changed else commit


def _read_component(component: Mapping[str, Any]) -> Component:
    # CycloneDX knows a licence by its id, by a name, or by an expression of several.
    told = [choice.get("license", choice) for choice in component.get("licenses", ())]
    names = [one.get("id") or one.get("name") or one.get("expression") for one in told]
    return Component(purl=component["purl"], licences=tuple(name for name in names if name))
