"""What landed is read once and told once, however many ticks the telling takes."""

import os
from datetime import date
from pathlib import Path

import pytest

from refit_assets.artefacts import Folder
from refit_assets.features.landed import Found, Seen, compare_with_seen, identify, list_landing, see
from refit_assets.features.landing import LandedFile
from refit_assets_tests.specs import build_spec

SPEC = build_spec()
NAMES = ("things/2013-01-01.csv", "things/2013-01-02.csv")


@pytest.fixture
def landing(tmp_path: Path) -> Folder:
    folder = Folder(root=tmp_path)
    for name in NAMES:
        folder.write(name, b"thing\n")
    return folder


def look(landing: Folder, known: Seen) -> tuple[list[Found], list[LandedFile], list[str]]:
    """What a tick finds of the things, and which of them it takes to have arrived."""
    seen = {"things": known, "kinds": Seen()}
    found = [one for one in list_landing(landing, SPEC) if one.source == "things"]
    files = [*identify(landing, found, seen)]
    arrived = compare_with_seen(found, files, seen)["things"].arrived
    return found, files, sorted(one.name for one in arrived)


def test_what_could_not_be_told_at_once_is_told_later_and_is_not_read_again(
    landing: Folder,
) -> None:
    found, files, arrived = look(landing, Seen())
    assert arrived == [*NAMES]
    known = see(Seen(), found, files, [one for one in files if one.day == date(2013, 1, 2)])
    # Other content under the same size and time: whoever reads the file again finds another digest.
    path = landing.path(NAMES[1])
    status = path.stat()
    path.write_bytes(b"think\n")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert look(landing, known)[1] == files
    assert look(landing, known)[2] == [NAMES[1]]
    assert look(landing, see(known, found, files, []))[2] == []


def test_a_file_with_another_content_arrives_again(landing: Folder) -> None:
    found, files, _ = look(landing, Seen())
    known = see(Seen(), found, files, [])
    landing.write(NAMES[1], b"thing,size\n")
    assert look(landing, known)[2] == [NAMES[1]]


def test_another_content_of_the_same_size_arrives_again(landing: Folder) -> None:
    found, files, _ = look(landing, Seen())
    known = see(Seen(), found, files, [])
    path = landing.path(NAMES[1])
    later = path.stat().st_mtime_ns + 1
    path.write_bytes(b"think\n")
    os.utime(path, ns=(later, later))
    assert look(landing, known)[2] == [NAMES[1]]


def test_a_file_that_was_not_identified_this_time_keeps_what_is_known(landing: Folder) -> None:
    found, files, _ = look(landing, Seen())
    known = see(Seen(), found, files, [])
    assert see(known, found, files[:1], []) == known


def test_a_file_grows_for_a_while_after_its_change_whichever_clock_is_ahead(
    landing: Folder,
) -> None:
    (one, _), _, _ = look(landing, Seen())
    changed, second = one.listed.modified, 10**9
    assert one.is_growing(changed + second)
    assert one.is_growing(changed - second)
    assert not one.is_growing(changed + 60 * second)
    assert not one.is_growing(changed - 3600 * second)
