"""Java names for columns and classes that may be called anything."""

import pytest

from refit_assets.packaging.identifiers import (
    camel,
    field_names,
    is_class_name,
    is_package_name,
    java_string,
    javadoc,
    probability_names,
)


@pytest.mark.parametrize(
    ("name", "java"),
    [
        ("sched_dep_minute", "schedDepMinute"),
        ("AGE", "age"),
        ("Wind speed", "windSpeed"),
        ("depTime", "depTime"),
        ("2nd", "n2nd"),
        ("%", "column"),
        ("a__B", "aB"),
    ],
)
def test_a_column_is_spelt_as_java_spells_fields(name: str, java: str) -> None:
    assert camel(name) == java


def test_words_of_the_language_and_methods_of_records_get_an_underscore() -> None:
    assert field_names(["class", "hashCode", "build", "carrier"]) == [
        "class_",
        "hashCode_",
        "build_",
        "carrier",
    ]


def test_names_that_would_be_spelt_alike_are_kept_apart() -> None:
    assert field_names(["dep time", "dep_time", "dep-time"]) == [
        "depTime",
        "depTime_2",
        "depTime_3",
    ]


def test_probabilities_are_named_by_their_class() -> None:
    assert probability_names(["0", "on time", "???", "?"], "p") == [
        "p0",
        "pOnTime",
        "pClass",
        "pClass_2",
    ]


def test_a_string_literal_survives_quotes_line_ends_and_emoji() -> None:
    assert java_string('a"\\\n\r\té😀') == '"a\\"\\\\\\n\\r\\u0009\\u00e9\\ud83d\\ude00"'


def test_a_description_can_neither_end_the_comment_nor_start_a_tag() -> None:
    assert javadoc("a */ <b> {@link}\n\\u002a & @c") == (
        "a &#42;/ &lt;b&gt; &#123;&#64;link} &#92;u002a &amp; &#64;c"
    )


def test_class_and_package_names_are_checked() -> None:
    assert is_class_name("FlightDelay")
    assert not is_class_name("flight delay")
    assert is_package_name("org.acme.flight_delay")
    assert not is_package_name("org.class.x")
    assert not is_package_name("org..x")
