"""The Maven 2 layout as names and texts."""

from datetime import UTC, datetime

import pytest

from refit_assets.errors import PublishError
from refit_assets.release.repository import (
    Layout,
    checksums,
    read_versions,
    render_metadata,
    sort_versions,
)

LAYOUT = Layout.parse("com.example.models:flight-delay:1.0.20130603")
NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)


def test_a_version_lies_below_its_group_and_artifact() -> None:
    assert LAYOUT.path(LAYOUT.jar) == (
        "com/example/models/flight-delay/1.0.20130603/flight-delay-1.0.20130603.jar"
    )
    assert LAYOUT.metadata == "com/example/models/flight-delay/maven-metadata.xml"
    assert str(LAYOUT) == "com.example.models:flight-delay:1.0.20130603"


@pytest.mark.parametrize("text", ["", "a:b", "a:b:c:d", "a:b:../c", "a b:c:d"])
def test_coordinates_in_another_shape_are_refused(text: str) -> None:
    with pytest.raises(PublishError, match=r"are no coordinates: expected group:artifact:version"):
        Layout.parse(text)


def test_checksums_are_those_of_the_bytes() -> None:
    assert dict(checksums("a.jar", b"abc")) == {
        "a.jar.md5": b"900150983cd24fb0d6963f7d28e17f72",
        "a.jar.sha1": b"a9993e364706816aba3e25717850c26c9cd0d89d",
        "a.jar.sha256": b"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    }


def test_the_list_of_versions_reads_back_and_keeps_what_was_there() -> None:
    first = render_metadata(LAYOUT, [], NOW)
    assert read_versions(first) == ["1.0.20130603"]
    newer = Layout.parse("com.example.models:flight-delay:1.0.20130610")
    second = render_metadata(newer, read_versions(first), NOW)
    assert read_versions(second) == ["1.0.20130603", "1.0.20130610"]
    assert b"<lastUpdated>20260105120000</lastUpdated>" in second


def test_a_backfilled_version_is_not_the_latest() -> None:
    text = render_metadata(LAYOUT, ["1.1.20130610"], NOW).decode()
    assert "<latest>1.1.20130610</latest>" in text
    assert "<release>1.1.20130610</release>" in text


def test_no_list_names_no_versions() -> None:
    assert read_versions(b"") == []
    assert read_versions(b"<metadata><version>1-SNAPSHOT</version></metadata>") == []


def test_versions_are_ordered_by_number_and_strangers_come_first() -> None:
    ours = ["2.0.20130101", "1.10.20130610", "1.2.20130610-10", "1.2.20130610-9"]
    assert sort_versions([*ours, "9.9-beta"]) == ["9.9-beta", *reversed(ours)]
