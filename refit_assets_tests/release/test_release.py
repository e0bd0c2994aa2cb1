"""What a release does once the verdict is there: publish, record, and in that order."""

import hashlib
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from refit_assets.artefacts import ArtefactStore, Folder, jar_name
from refit_assets.errors import DataError, LedgerError, PublishError
from refit_assets.features.contract import build_contract
from refit_assets.packaging.candidate import PackagedJar
from refit_assets.packaging.package import JarFile, ScoringJar
from refit_assets.packaging.parity import ParityReport
from refit_assets.release.ledger import (
    Challenger,
    LedgerEvent,
    Plan,
    append,
    plan_release,
    plan_rollback,
    read_events,
)
from refit_assets.release.provenance import read_provenance
from refit_assets.release.release import ReleaseTarget, approve_refit, carry_out
from refit_assets_tests.fakes.jar_folder import write_jar_folder
from refit_assets_tests.release.test_provenance import BILL, SPEC, pinned

REFIT = "2013-06-03"
NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)


@pytest.fixture
def target(tmp_path: Path) -> ReleaseTarget:
    store = ArtefactStore(storage=Folder(root=tmp_path / "artefacts"))
    repository = tmp_path / "repository"
    store.write_record(store.refit(SPEC.name, REFIT).name("training_set.json"), pinned())
    return ReleaseTarget(store=store, repository_url=repository.as_uri())


def store_jar(target: ReleaseTarget, tmp_path: Path, version: str) -> PackagedJar:
    """Store a packaged jar as packaging does; small texts stand for its files."""
    coordinates = f"com.example.models:flight-delay:{version}"
    folder = write_jar_folder(tmp_path / f"jars-{version}", coordinates, content=version)
    stem = f"flight-delay-{version}"
    (folder / f"{stem}-cyclonedx.json").write_text(str(BILL).replace("'", '"'))
    files: list[JarFile] = []
    for path in sorted(folder.glob(f"{stem}*")):
        target.store.storage.upload(path, jar_name(SPEC.name, version, path.name))
        classifier = "pom" if path.suffix == ".pom" else path.stem.removeprefix(stem).lstrip("-")
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        size = path.stat().st_size
        files.append(JarFile(classifier=classifier, name=path.name, sha256=digest, bytes=size))
    packaged = PackagedJar(
        refit=REFIT,
        as_of=date(2013, 6, 3),
        inputs=version,
        contract=build_contract(SPEC),
        mojo_sha256="mojo",
        training_set_digest="set-digest",
        jar=ScoringJar(
            coordinates=coordinates,
            version=version,
            files=tuple(files),
            contract_digest="c",
            mojo_sha256="mojo",
            scoring_path="fast",
            parity=ParityReport(proven=True, golden_rows=1, adversarial_rows=1, differing=0),
            java="17",
        ),
    )
    target.store.write_record(jar_name(SPEC.name, version, "packaged.json"), packaged)
    return packaged


def judged(packaged: PackagedJar, *, promote: bool) -> Plan:
    challenger = Challenger(
        model=SPEC.name,
        refit=packaged.refit,
        as_of=packaged.as_of,
        version=packaged.jar.version,
        coordinates="com.example.models:flight-delay",
        mojo_sha256=packaged.mojo_sha256,
        training_set_digest=packaged.training_set_digest,
    )

    def plan(known: Sequence[LedgerEvent]) -> LedgerEvent | None:
        return plan_release(
            known, challenger, promote=promote, reason="better", against=None, by="run", now=NOW
        )

    return plan


def published(target: ReleaseTarget) -> list[str]:
    root = Path(target.repository_url.removeprefix("file://"))
    return sorted(path.parent.name for path in root.rglob("*.pom"))


def kinds(target: ReleaseTarget) -> list[str]:
    return [event.kind for event in read_events(target.store.storage, SPEC.name)]


def test_a_promotion_publishes_the_jar_with_its_provenance(
    target: ReleaseTarget, tmp_path: Path
) -> None:
    packaged = store_jar(target, tmp_path, "1.0.20130603")
    assert carry_out(SPEC, packaged, target, judged(packaged, promote=True))
    assert (published(target), kinds(target)) == (["1.0.20130603"], ["promoted"])
    told = next((tmp_path / "repository").rglob("*-provenance.json"))
    assert read_provenance(told).training_set_digest == "set-digest"


def test_a_held_jar_is_not_published(target: ReleaseTarget, tmp_path: Path) -> None:
    packaged = store_jar(target, tmp_path, "1.0.20130603")
    assert not carry_out(SPEC, packaged, target, judged(packaged, promote=False))
    assert (published(target), kinds(target)) == ([], ["held"])


def test_without_a_published_jar_there_is_no_event(target: ReleaseTarget, tmp_path: Path) -> None:
    packaged = store_jar(target, tmp_path, "1.0.20130603")
    taken = tmp_path / "repository/com/example/models/flight-delay/1.0.20130603"
    taken.mkdir(parents=True)
    (taken / "flight-delay-1.0.20130603.jar").write_text("somebody else's")
    with pytest.raises(PublishError, match=r"with other bytes"):
        carry_out(SPEC, packaged, target, judged(packaged, promote=True))
    assert kinds(target) == []


def test_releasing_again_publishes_and_records_nothing(
    target: ReleaseTarget, tmp_path: Path
) -> None:
    packaged = store_jar(target, tmp_path, "1.0.20130603")
    for _ in range(2):
        assert carry_out(SPEC, packaged, target, judged(packaged, promote=True))
    assert kinds(target) == ["promoted"]


def test_a_model_that_was_rolled_back_is_not_even_published_in_another_jar(
    target: ReleaseTarget, tmp_path: Path
) -> None:
    first = store_jar(target, tmp_path, "1.0.20130603")
    second = store_jar(target, tmp_path, "1.0.20130603-1")
    for packaged in (first, second):
        carry_out(SPEC, packaged, target, judged(packaged, promote=True))
    append(
        target.store.storage,
        SPEC.name,
        lambda known: plan_rollback(known, "1.0.20130603", by="Ada", reason="slow", now=NOW),
    )
    third = store_jar(target, tmp_path, "1.0.20130603-2")
    assert not carry_out(SPEC, third, target, judged(third, promote=True))
    assert published(target) == ["1.0.20130603", "1.0.20130603-1"]


def test_an_approval_publishes_the_jar_that_was_held(target: ReleaseTarget, tmp_path: Path) -> None:
    held = store_jar(target, tmp_path, "1.0.20130603")
    carry_out(SPEC, held, target, judged(held, promote=False))
    store_jar(target, tmp_path, "1.0.20130603-1")
    event = approve_refit(SPEC, REFIT, target, by="Ada", reason="holiday")
    assert event is not None
    assert (event.kind, event.version) == ("approved", "1.0.20130603")
    assert published(target) == ["1.0.20130603"]
    assert approve_refit(SPEC, REFIT, target, by="Ada", reason="holiday") is None


def test_what_may_not_be_approved_is_not_published(target: ReleaseTarget, tmp_path: Path) -> None:
    store_jar(target, tmp_path, "1.0.20130603")
    with pytest.raises(LedgerError, match=r"nothing to approve"):
        approve_refit(SPEC, REFIT, target, by="Ada", reason="holiday")
    assert published(target) == []


def test_an_approval_of_a_jar_that_is_gone_is_refused(
    target: ReleaseTarget, tmp_path: Path
) -> None:
    held = store_jar(target, tmp_path, "1.0.20130603")
    carry_out(SPEC, held, target, judged(held, promote=False))
    (tmp_path / "artefacts" / jar_name(SPEC.name, "1.0.20130603", "packaged.json")).unlink()
    with pytest.raises(LedgerError, match=r"held jar 1\.0\.20130603 is gone: materialise"):
        approve_refit(SPEC, REFIT, target, by="Ada", reason="holiday")


def test_a_jar_of_another_training_set_is_not_published(
    target: ReleaseTarget, tmp_path: Path
) -> None:
    packaged = store_jar(target, tmp_path, "1.0.20130603")
    name = target.store.refit(SPEC.name, REFIT).name("training_set.json")
    content = target.store.storage.read(name) or b""
    target.store.storage.write(name, content.replace(b"set-digest", b"new-digest"))
    with pytest.raises(DataError, match=r"training set .* changed since its jar was packaged"):
        carry_out(SPEC, packaged, target, judged(packaged, promote=True))
    assert (published(target), kinds(target)) == ([], [])
