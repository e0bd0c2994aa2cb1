"""What a spec refuses: every contradiction that no single value shows."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from pydantic import ValidationError

from refit_assets.column_types import ColumnType
from refit_assets.spec import ModelSpec
from refit_assets_tests.specs import ATTRIBUTES, build_spec

THINGS = ATTRIBUTES["sources"]["things"]
SEARCH = {"algorithm": "gbm"}


def source(**changes: Any) -> dict[str, Any]:  # noqa: ANN401
    return {"sources": {"things": {**THINGS, **changes}}}


def feature(**changes: Any) -> dict[str, Any]:  # noqa: ANN401
    columns = {"size": "int", "kind": {"type": "category", **changes}}
    return {"features": {**ATTRIBUTES["features"], "columns": columns}}


def columns(*names: str) -> dict[str, Any]:
    return {"features": {**ATTRIBUTES["features"], "columns": dict.fromkeys(names, "int")}}


def trials(**changes: Any) -> dict[str, Any]:  # noqa: ANN401
    return {"trials": {**ATTRIBUTES["trials"], **changes}}


def search(**changes: Any) -> dict[str, Any]:  # noqa: ANN401
    return trials(search=[{**SEARCH, **changes}])


CONTRADICTIONS: Sequence[tuple[dict[str, Any], str]] = [
    ({"colour": "red"}, r"colour\n  Extra inputs"),
    ({"name": "Late"}, r"name\n  String should match"),
    (source(required=["weight"]), "not among the source's columns: weight"),
    (source(unique=["weight"]), "not among the source's columns: weight"),
    (source(known=[{"columns": ["weight"], "at": "x"}]), "not among the source's columns: weight"),
    (source(columns={"size": "text"}), "'text' is no type of a source's column; write int, bigint"),
    (source(columns={"size": "decimal(3,5)"}), r"'decimal\(3,5\)' is no type of a source's"),
    (source(columns={"size": "decimal(39,2)"}), r"'decimal\(39,2\)' is no type of a source's"),
    (source(path="things.csv"), "look_back_days is for sources with {day}"),
    (source(look_back_days=-1), "greater than or equal to 0"),
    (feature(type="text"), "'text' is no type; write int"),
    (feature(type="number"), "H2O changes doubles on import"),
    (feature(type="decimal(19,2)"), "1 to 18 digits"),
    (feature(type="decimal(2,3)"), "no more after the point"),
    (feature(type="decimal(0,0)"), "1 to 18 digits"),
    (feature(type="int", levels=["a"]), "levels are for categories"),
    (feature(minimum=0), "minimum and maximum are for numbers"),
    (feature(maximum=9), "minimum and maximum are for numbers"),
    (feature(nullable=True, unknown_level="missing"), "unknown_level: missing needs levels"),
    (feature(levels=["a"], unknown_level="missing"), "unknown_level: missing needs levels"),
    (columns(), "at least 1 item"),
    (columns("thing"), "thing is key, and can't be a feature too"),
    (columns("known_at"), "known_at is knowledge_time, and can't be a feature too"),
    (columns("arrival"), "arrival is the target, and can't be a feature too"),
    (columns("day"), "day is the day, and can't be a feature too"),
    ({"target": {"column": "arrival", "positive": "late"}}, "names both labels"),
    ({"target": {"column": "a", "positive": "x", "negative": "x"}}, "negative are both 'x'"),
    (search(grid={"a": [1]}, random={"models": 1, "space": {"b": [1]}}), "a grid or random"),
    (search(models=3), "models is for automl"),
    (search(algorithm="automl"), "automl needs it"),
    (search(parameters={"a": 1}, grid={"a": [1]}), "fixed and searched at once: a"),
    (
        search(parameters={"a": 1}, random={"models": 1, "space": {"a": [1]}}),
        "fixed and searched at once: a",
    ),
    (search(grid={"a": []}), r"grid.a\n  Tuple should have at least 1 item"),
    (search(random={"models": 1, "space": {"a": []}}), "at least 1 item"),
    (search(algorithm="magic"), "Input should be 'gbm'"),
    (trials(search=[]), "at least 1 item"),
    (trials(folds=3), "either validation .* or folds"),
    (trials(validation=None), "either validation .* or folds"),
    (trials(validation=2), "validation takes the whole training window"),
    (trials(choose_by="rmse"), "rmse does not measure a model of two labels"),
    ({"slices": ["weight"]}, "slice column weight is no feature"),
    ({"gates": {"slices": [{"columns": ["weight"], "metric": "auc"}]}}, "column weight is no"),
    ({"gates": {"floors": {"r2": 1}}}, "r2 does not measure a model of two labels"),
    ({"gates": {"ceilings": {"mae": 1}}}, "mae does not measure a model of two labels"),
    ({"gates": {"slices": [{"columns": ["size"], "metric": "mae"}]}}, "mae does not measure"),
    ({"gates": {"champion": {"metric": "mae"}}}, "mae does not measure"),
    ({"monitoring": {"live_metric": "mae"}}, "mae does not measure"),
    ({"end": "2013-01-01"}, "end 2013-01-01 is not after start 2013-01-01"),
    (
        {"compute": {"kubernetes": {"spark": {"executors": 3, "most_executors": 2}}}},
        r"most_executors \(2\) < executors \(3\)",
    ),
    ({"jar": {"group": "Com.Example"}}, r"jar.group\n  String should match"),
]
NUMBER = {"target": {"column": "delay"}, **trials(choose_by="rmse")}


@pytest.mark.parametrize(("changes", "message"), CONTRADICTIONS)
def test_a_contradiction_is_refused_in_a_sentence(changes: Mapping[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        build_spec(**changes)


@pytest.mark.parametrize("declared", ["DECIMAL(38, 0)", "decimal(38,0)"])
def test_the_type_of_a_source_s_column_has_one_spelling(declared: str) -> None:
    things = build_spec(**source(columns={"size": declared})).sources["things"]
    assert things.columns == {"size": "decimal(38,0)"}


def test_a_model_of_a_number_has_no_decisions_that_could_migrate() -> None:
    with pytest.raises(ValidationError, match=r"gates\.migration is for two labels"):
        build_spec(**NUMBER, gates={"migration": {"largest_share": 0.1}})


def test_a_metric_of_labels_does_not_measure_a_number() -> None:
    with pytest.raises(ValidationError, match="auc does not measure a model of a number"):
        build_spec(**NUMBER, gates={"floors": {"auc": 0.6}})


def test_all_contradictions_between_parts_are_told_at_once() -> None:
    with pytest.raises(ValidationError, match=r"slice column weight .*; end 2012-01-01"):
        build_spec(slices=["weight"], end="2012-01-01")


@pytest.mark.parametrize(
    ("text", "shown"),
    [(" INT ", "int"), ("decimal( 5 , 2 )", "decimal(5,2)"), ("category", "category")],
)
def test_a_type_is_shown_as_it_is_read(text: str, shown: str) -> None:
    assert str(ColumnType.parse(text)) == shown
    assert ColumnType.parse(shown) == ColumnType.parse(text)


def test_classes_stand_in_the_order_of_the_alphabet() -> None:
    assert build_spec().target.classes == ("late", "on_time")
    assert build_spec(**NUMBER).target.classes == ()


def test_names_of_the_jar_follow_from_the_models_unless_they_are_given() -> None:
    assert [build_spec(name="so_late").class_name, build_spec(name="so_late").artifact] == [
        "SoLate",
        "so-late",
    ]
    jar = {"group": "org.example", "artifact": "punctual", "class_name": "Punctual"}
    given = build_spec(jar=jar)
    assert [given.class_name, given.artifact] == ["Punctual", "punctual"]


def test_a_model_looks_back_as_far_as_its_farthest_source() -> None:
    spec = build_spec()
    assert spec.look_back_days == 1
    assert [source.daily for source in spec.sources.values()] == [True, False]


def test_a_spec_survives_json() -> None:
    spec = build_spec(gates={"migration": {"largest_share": 0.5}})
    assert ModelSpec.model_validate_json(spec.model_dump_json()) == spec


def test_a_spec_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        build_spec().name = "other"
