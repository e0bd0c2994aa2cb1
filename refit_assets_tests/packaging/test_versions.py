"""Contracts compared, and the versions that follow from the comparison."""

from datetime import date
from itertools import pairwise

import pytest

from refit_assets.column_types import ColumnType
from refit_assets.errors import PublishError
from refit_assets.features.contract import Column, InputContract
from refit_assets.packaging.versions import (
    JarVersion,
    PublishedVersion,
    compare_contracts,
    next_version,
    render_contract_diff,
)

JUNE_3 = date(2013, 6, 3)
JUNE_10 = date(2013, 6, 10)


def column(name: str, kind: str = "int", **settings: object) -> Column:
    return Column(name=name, type=ColumnType.parse(kind), **settings)  # pyright: ignore[reportArgumentType]


def contract(*columns: Column, classes: tuple[str, ...] = ("late", "on_time")) -> InputContract:
    return InputContract(columns=columns, target="arrived_late", classes=classes)


HOUR = column("hour", minimum="0", maximum="23")
CARRIER = column("carrier", "category", levels=("AA", "UA"))
WIND = column("wind", "decimal(6,2)", nullable=True)
BASE = contract(HOUR, CARRIER, WIND)


def published(*versions: str, of: InputContract = BASE) -> list[PublishedVersion]:
    return [PublishedVersion(version=version, contract=of) for version in versions]


@pytest.mark.parametrize(
    ("new", "kind", "line"),
    [
        (contract(HOUR, CARRIER), "major", "wind (decimal(6,2)) is gone"),
        (contract(HOUR, CARRIER, WIND, column("gate")), "major", "gate (int) is new and required"),
        (
            contract(HOUR, CARRIER, WIND, column("gate", nullable=True)),
            "minor",
            "gate (int) is new and may be missing",
        ),
        (
            contract(HOUR, CARRIER, column("gust", "decimal(6,2)", nullable=True)),
            "major",
            "wind (decimal(6,2)) is gone; renamed to gust, by the look of it",
        ),
        (
            contract(HOUR, CARRIER, column("wind", "decimal(8,2)", nullable=True)),
            "major",
            "wind was decimal(6,2), is decimal(8,2)",
        ),
        (
            contract(HOUR, CARRIER, column("wind", "decimal(6,2)")),
            "major",
            "wind could be missing, is now required",
        ),
        (
            contract(column("hour", minimum="0", maximum="23", nullable=True), CARRIER, WIND),
            "minor",
            "hour was required, may now be missing",
        ),
        (
            contract(HOUR, CARRIER, WIND, classes=("early", "late")),
            "major",
            (
                "the answer was one of the classes 'late', 'on_time', "
                "is one of the classes 'early', 'late'"
            ),
        ),
        (
            contract(HOUR, CARRIER, WIND, classes=()),
            "major",
            "the answer was one of the classes 'late', 'on_time', is a number",
        ),
        (
            InputContract(columns=BASE.columns, target="cancelled", classes=BASE.classes),
            "major",
            "the target was arrived_late, is cancelled: the scores mean something else",
        ),
    ],
)
def test_a_change_is_major_as_soon_as_a_consumer_has_to_act(
    new: InputContract, kind: str, line: str
) -> None:
    change = compare_contracts(BASE, new)
    assert (change.kind, change.lines) == (kind, (line,))


@pytest.mark.parametrize(
    ("limits", "kind", "line"),
    [
        (("0", "22"), "major", "hour: the largest allowed value was 23, is 22"),
        (("0", "24"), "minor", "hour: the largest allowed value was 23, is 24"),
        (("-1", "23"), "minor", "hour: the smallest allowed value was 0, is -1"),
        (("5", "23"), "major", "hour: the smallest allowed value was 0, is 5"),
        (
            (None, "23"),
            "minor",
            "hour: the smallest allowed value was 0, is no longer limited",
        ),
    ],
)
def test_a_narrower_range_is_major_and_a_wider_one_minor(
    limits: tuple[str | None, str], kind: str, line: str
) -> None:
    hour = column("hour", minimum=limits[0], maximum=limits[1])
    change = compare_contracts(BASE, contract(hour, CARRIER, WIND))
    assert (change.kind, change.lines) == (kind, (line,))


def test_a_limit_where_there_was_none_is_major() -> None:
    wind = column("wind", "decimal(6,2)", nullable=True, maximum="9.50")
    change = compare_contracts(BASE, contract(HOUR, CARRIER, wind))
    assert change.kind == "major"
    assert change.lines == ("wind: the largest allowed value was not limited, is 9.50",)


def test_limits_are_compared_as_numbers() -> None:
    hour = column("hour", minimum="0.0", maximum="23.00")
    assert compare_contracts(BASE, contract(hour, CARRIER, WIND)).kind == "same"


@pytest.mark.parametrize(
    ("levels", "kind", "lines"),
    [
        (("AA", "DL", "UA"), "minor", ("carrier now also takes 'DL'",)),
        (("AA",), "major", ("carrier no longer takes 'UA'",)),
        (
            ("AA", "DL"),
            "major",
            ("carrier no longer takes 'UA'", "carrier now also takes 'DL'"),
        ),
        (("UA", "AA"), "same", ()),
        (None, "minor", ("carrier took only 'AA', 'UA', now any level",)),
    ],
)
def test_levels_are_a_set_that_may_grow_but_not_shrink(
    levels: tuple[str, ...] | None, kind: str, lines: tuple[str, ...]
) -> None:
    carrier = column("carrier", "category", levels=levels)
    change = compare_contracts(BASE, contract(HOUR, carrier, WIND))
    assert (change.kind, change.lines) == (kind, lines)


def test_levels_where_any_was_taken_are_major() -> None:
    free = contract(column("carrier", "category"))
    assert compare_contracts(free, contract(CARRIER)).lines == (
        "carrier took any level, now only 'AA', 'UA'",
    )


def test_order_and_descriptions_change_nothing() -> None:
    told = column("wind", "decimal(6,2)", nullable=True, description="metres a second")
    change = compare_contracts(BASE, contract(told, CARRIER, HOUR))
    assert (change.kind, change.lines) == ("same", ())


def test_two_columns_alike_are_not_guessed_to_be_a_renaming() -> None:
    change = compare_contracts(contract(column("a")), contract(column("b"), column("c")))
    assert "a (int) is gone" in change.lines
    assert "b (int) is new and required" in change.lines

    change = compare_contracts(contract(column("a"), column("b")), contract(column("c")))
    assert change.lines[:2] == ("a (int) is gone", "b (int) is gone")


def test_the_major_differences_come_first() -> None:
    more = contract(HOUR, WIND, column("age", nullable=True))
    assert compare_contracts(BASE, more).lines == (
        "carrier (category) is gone",
        "age (int) is new and may be missing",
    )


def test_the_difference_reads_as_a_headline_and_a_list() -> None:
    text = render_contract_diff(BASE, contract(HOUR, CARRIER), old_name="1.0", new_name="2.0")
    headline, line = text.splitlines()
    assert headline == "1.0 → 2.0: a major change: a consumer has to look at its code"
    assert line == "  - wind (decimal(6,2)) is gone"


def test_the_same_contract_says_so() -> None:
    assert render_contract_diff(BASE, BASE) == "old → new: the same contract"


def test_the_first_version_of_a_model_is_one_zero_and_its_day() -> None:
    assert next_version([], BASE, JUNE_3) == "1.0.20130603"


@pytest.mark.parametrize(
    ("new", "expected"),
    [
        (BASE, "3.2.20130610"),
        (contract(HOUR, CARRIER, WIND, column("gate", nullable=True)), "3.3.20130610"),
        (contract(HOUR, CARRIER), "4.0.20130610"),
    ],
)
def test_the_next_version_follows_the_contract(new: InputContract, expected: str) -> None:
    assert next_version(published("3.2.20130603"), new, JUNE_10) == expected


def test_another_build_for_the_same_day_is_numbered() -> None:
    given = published("1.0.20130603", "1.0.20130603-9", "1.0.20130603-10", "1.0.20130610")
    assert next_version(given, BASE, JUNE_3) == "1.0.20130603-11"
    assert next_version(published("1.0.20130603"), BASE, JUNE_3) == "1.0.20130603-1"


def test_the_newest_contract_is_the_one_compared_with_whatever_was_published_last() -> None:
    old = contract(HOUR, CARRIER)
    given = [*published("1.0.20130610", of=old), *published("2.0.20130603")]
    assert next_version([*given, *published("1.0.20130617", of=old)], BASE, JUNE_3).startswith(
        "2.0.20130603"
    )


def test_going_back_to_an_older_contract_is_a_new_major() -> None:
    given = [*published("1.0.20130603"), *published("2.0.20130603", of=contract(HOUR))]
    assert next_version(given, BASE, JUNE_10) == "3.0.20130610"


def test_the_last_published_of_equal_contracts_is_the_base() -> None:
    grown = contract(HOUR, CARRIER, WIND, column("gate", nullable=True))
    given = [*published("1.0.20130603"), *published("1.0.20130610", of=grown)]
    assert next_version(given, grown, JUNE_10) == "1.0.20130610-1"


def test_the_same_mojo_for_the_same_day_gets_the_version_it_has() -> None:
    known = PublishedVersion(version="1.0.20130603", contract=BASE, mojo_sha256="ab")
    assert next_version([known], BASE, JUNE_3, mojo_sha256="ab") == "1.0.20130603"
    assert next_version([known], BASE, JUNE_3, mojo_sha256="cd") == "1.0.20130603-1"
    assert next_version([known], BASE, JUNE_10, mojo_sha256="ab") == "1.0.20130610"


def test_a_mojo_of_another_contract_gets_a_version_of_its_own() -> None:
    known = PublishedVersion(version="1.0.20130603", contract=BASE, mojo_sha256="ab")
    again = next_version([known], contract(HOUR), JUNE_3, mojo_sha256="ab")
    assert again == "2.0.20130603"


@pytest.mark.parametrize("text", ["1.0.20130603", "12.3.20131231-4"])
def test_a_version_reads_back_as_written(text: str) -> None:
    assert str(JarVersion.parse(text)) == text


def test_versions_order_by_number_and_not_by_letter() -> None:
    texts = ["1.0.20130603", "1.0.20130603-2", "1.0.20130603-10", "1.10.20130101", "2.0.20120101"]
    versions = [JarVersion.parse(text) for text in texts]
    assert all(older < newer for older, newer in pairwise(versions))


@pytest.mark.parametrize(
    "text", ["1.0", "0.1.20130603", "1.0.20131301", "1.0.20130603-0", "01.0.20130603", "latest"]
)
def test_a_version_in_another_shape_is_refused(text: str) -> None:
    with pytest.raises(PublishError, match=r"is no version of a scoring jar: expected <contract"):
        JarVersion.parse(text)
