"""Lineage read off plans as Spark renders them: nodes parents first, expressions likewise."""

import json
from collections.abc import Sequence
from typing import Any

from refit_assets.features.lineage import Lineage, lineage_of_plan, read_lineage

Expression = list[dict[str, Any]]
Plan = list[dict[str, Any]]


def node(kind: str, *below: Plan, **said: object) -> Plan:
    first = {"class": f"org.apache.spark.sql.{kind}", "num-children": len(below), **said}
    return [first, *(part for plan in below for part in plan)]


def column(name: str, number: int) -> Expression:
    return node("AttributeReference", name=name, exprId={"id": number})


def alias(name: str, number: int, *made_of: Expression) -> Expression:
    return node("Alias", node("Add", *made_of), name=name, exprId={"id": number})


def landed(source: str, **columns: int) -> Plan:
    output = [column(name, number) for name, number in columns.items()]
    relation = node("LogicalRelation", output=output)
    return node("SubqueryAlias", relation, identifier={"name": f"landing/{source}"})


def project(below: Plan, *answered: Expression) -> Plan:
    return node("Project", below, projectList=[*answered])


def told(plan: Plan) -> dict[str, Sequence[str]]:
    return {name: [".".join(one) for one in found] for name, found in lineage_of_plan(plan).items()}


FLIGHTS = landed("flights", delay=1, hour=2, landed_day=3)


def test_a_column_comes_from_all_that_enters_its_value() -> None:
    late = alias("late", 10, column("delay", 1), node("If", column("hour", 2)))
    plan = project(project(FLIGHTS, late, column("hour", 2)), alias("x", 11, column("late", 10)))
    assert told(plan) == {"x": ["flights.delay", "flights.hour"]}


def test_the_day_of_a_file_is_no_column_of_it() -> None:
    plan = project(FLIGHTS, alias("day", 10, column("landed_day", 3)), column("delay", 1))
    assert told(plan) == {"day": [], "delay": ["flights.delay"]}


def test_what_only_chooses_rows_does_not_count() -> None:
    weather = landed("weather", hour=20, temp=21)
    same = node("EqualTo", column("hour", 2), column("hour", 20))
    joined = node("Join", FLIGHTS, weather, joinType={"object": "LeftOuter$"}, condition=same)
    found = told(node("Filter", joined, condition=column("hour", 2)))
    assert found["temp"] == ["weather.temp"]
    assert found["delay"] == ["flights.delay"]


def test_a_semi_join_answers_its_left_side_alone() -> None:
    weather = landed("weather", temp=21)
    plan = node("Join", FLIGHTS, weather, joinType={"object": "LeftSemi$"})
    assert "temp" not in told(plan)


def test_a_window_and_an_aggregate_answer_what_they_sum() -> None:
    summed = alias("so_far", 10, column("delay", 1), column("hour", 2))
    window = node("Window", FLIGHTS, windowExpressions=[summed])
    plan = node("Aggregate", window, aggregateExpressions=[alias("sum", 11, column("so_far", 10))])
    assert told(window)["so_far"] == ["flights.delay", "flights.hour"]
    assert told(plan) == {"sum": ["flights.delay", "flights.hour"]}


def test_an_exploded_column_comes_from_what_was_exploded() -> None:
    generator = node("Explode", column("delay", 1))
    plan = node("Generate", FLIGHTS, generator=generator, generatorOutput=[column("each", 10)])
    assert told(plan)["each"] == ["flights.delay"]


def test_a_union_mixes_columns_by_their_place() -> None:
    one = project(FLIGHTS, column("delay", 1), alias("b", 10, column("hour", 2)))
    other = project(landed("trains", wait=30, at=31), column("wait", 30), column("at", 31))
    assert told(node("Union", one, other)) == {
        "delay": ["flights.delay", "trains.wait"],
        "b": ["flights.hour", "trains.at"],
    }


def test_a_column_of_which_the_plan_does_not_tell_everything_is_left_out() -> None:
    subquery = alias("mean", 10, column("delay", 1), node("ScalarSubquery"))
    stranger = alias("odd", 11, column("from_nowhere", 99))
    assert told(project(FLIGHTS, subquery, stranger, column("hour", 2))) == {
        "hour": ["flights.hour"]
    }


def test_a_named_query_answers_what_its_last_part_answers() -> None:
    plan = node("WithCTE", node("CTERelationDef", FLIGHTS), project(FLIGHTS, column("hour", 2)))
    assert told(plan) == {"hour": ["flights.hour"]}


def test_expressions_are_found_however_deep_they_lie() -> None:
    expand = node("Expand", FLIGHTS, projections=[[alias("copy", 10, column("delay", 1))]])
    assert told(project(expand, column("copy", 10))) == {"copy": ["flights.delay"]}


class Answered:
    """A frame as far as lineage goes: it has a plan."""

    def __init__(self, plan: object) -> None:
        self._jdf = self
        self.plan = plan

    def queryExecution(self) -> "Answered":  # noqa: N802 - Spark's name
        return self

    def analyzed(self) -> "Answered":
        return self

    def toJSON(self) -> str:  # noqa: N802
        return json.dumps(self.plan)


def test_a_plan_that_cannot_be_read_costs_its_picture_and_no_run() -> None:
    sound: Lineage = read_lineage(Answered(FLIGHTS))  # pyright: ignore[reportArgumentType]
    assert sound["delay"] == (("flights", "delay"),)
    broken = node("Project", projectList=[[{"class": "org.Nameless", "num-children": 0}]])
    assert read_lineage(Answered(broken)) == {}  # pyright: ignore[reportArgumentType]
