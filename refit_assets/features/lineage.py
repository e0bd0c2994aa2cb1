"""Which landed columns a feature is computed from, read off the plan that Spark analysed.

Nobody declares it, so it cannot lie. A column counts whose value enters the feature's; one that
only chooses rows (a filter, a join's key, a group) does not. Where values travel together in a
struct, all of them count. A feature of which the plan does not tell everything is left out.
Belongs here: reading a plan. Does not: running one (`job`), Dagster's picture of it (`assets`).
"""

import json
import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from refit_assets.features.reading import DAY

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

Lineage: TypeAlias = dict[str, tuple[tuple[str, str], ...]]
"""Column of the feature table -> (source, column) of the landing zone, sorted."""
_Node: TypeAlias = dict[str, Any]

_log = logging.getLogger(__name__)

_MARK = "landing/"
_PLANS = frozenset({"ScalarSubquery", "ListQuery", "Exists", "LateralSubquery", "InSubquery"})
"""Expressions with a plan of their own, which the JSON does not hold."""
# No column has this number: whatever is made of it cannot be told.
_UNKNOWN = -1


def marked(frame: "DataFrame", source: str) -> "DataFrame":
    """Name a landed frame within every plan that reads it; costs nothing when it runs."""
    return frame.alias(_MARK + source)


def read_lineage(answered: "DataFrame") -> Lineage:
    """Read the lineage of what features.py answered, made of marked frames."""
    java: Any = answered._jdf  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
    # As analysed: the optimiser leaves out and merges what a column was made of.
    plan = java.queryExecution().analyzed().toJSON()
    try:
        return lineage_of_plan(json.loads(plan))
    except (LookupError, TypeError, ValueError, RecursionError):
        # A picture of the features is not worth a run of them.
        _log.warning("the plan of these features cannot be read", exc_info=True)
        return {}


def lineage_of_plan(nodes: list[_Node]) -> Lineage:
    """Read the lineage from Spark's JSON of a logical plan: its nodes, parents first."""
    plan = _Plan()
    answered, _ = plan.walk(nodes, 0, None)
    found = {name: plan.landed(column) for name, column in answered}
    return {name: tuple(sorted(columns)) for name, columns in found.items() if columns is not None}


@dataclass
class _Plan:
    """What is known of every column of a plan, by the number that Spark gives it."""

    sources: dict[int, tuple[str, str]] = field(default_factory=dict)
    made_of: dict[int, set[int]] = field(default_factory=dict)

    def landed(self, column: int) -> set[tuple[str, str]] | None:
        """Landed columns that a column is made of; None where the plan does not tell."""
        found: set[tuple[str, str]] = set()
        seen: set[int] = set()
        left = [column]
        while left:
            one = left.pop()
            if one in seen:
                continue
            seen.add(one)
            if one in self.sources:
                found.add(self.sources[one])
            elif one in self.made_of:
                left += self.made_of[one]
            else:
                return None
        # The day of a file is in its name.
        return {(source, name) for source, name in found if name != DAY}

    def walk(
        self, nodes: list[_Node], at: int, source: str | None
    ) -> tuple[list[tuple[str, int]], int]:
        """Learn from the node at a place and all below it; return its columns, and what is next."""
        node = nodes[at]
        if _kind(node) == "SubqueryAlias" and node["identifier"]["name"].startswith(_MARK):
            source = node["identifier"]["name"].removeprefix(_MARK)
        below: list[list[tuple[str, int]]] = []
        at += 1
        for _ in range(node["num-children"]):
            columns, at = self.walk(nodes, at, source)
            below.append(columns)
        self._learn(node, below)
        answered = [*_columns(node, below)]
        if source is not None:
            # Below a mark, whatever a relation answers has landed so.
            self.sources |= {column: (source, name) for name, column in answered}
        return answered, at

    def _learn(self, node: _Node, below: list[list[tuple[str, int]]]) -> None:
        for expression in _expressions([*node.values()]):
            for place, part in enumerate(expression):
                if _kind(part) == "Alias":
                    uses = _references(_subtree(expression, place + 1))
                    self.made_of.setdefault(part["exprId"]["id"], set()).update(uses)
        if _kind(node) == "Generate":
            uses = set(_references(node["generator"]))
            for _, column in _attributes(node["generatorOutput"]):
                self.made_of.setdefault(column, set()).update(uses)
        if _kind(node) == "Union":
            self._learn_union(below)

    def _learn_union(self, below: list[list[tuple[str, int]]]) -> None:
        """A union answers its first part's columns, which hold the other parts' values as well."""
        first, *others = below
        for other in others:
            for (_, column), (_, added) in zip(first, other, strict=True):
                if column in self.sources:
                    # Landed as it is: Spark's numbers are not below zero, so this one is free.
                    own = -2 - column
                    self.sources[own] = self.sources.pop(column)
                    self.made_of[column] = {own}
                self.made_of.setdefault(column, set()).add(added)


def _columns(
    node: Mapping[str, Any], below: list[list[tuple[str, int]]]
) -> Iterator[tuple[str, int]]:
    """Names and numbers of the columns that a node answers."""
    match _kind(node):
        case "Project":
            yield from _attributes(node["projectList"])
        case "Aggregate":
            yield from _attributes(node["aggregateExpressions"])
        case "Union":
            yield from below[0]
        # The query itself is its last child, after all that it names.
        case "WithCTE":
            yield from below[-1]
        case "Join" if any(kind in str(node["joinType"]) for kind in ("Semi", "Anti")):
            yield from below[0]
        case "Window":
            yield from below[0]
            yield from _attributes(node["windowExpressions"])
        case "Generate":
            yield from below[0]
            yield from _attributes(node["generatorOutput"])
        case _ if not below:
            yield from _attributes(node.get("output") or [])
        case _:
            # Joins answer both sides; filters, sorts, hints and aliases what they read.
            for columns in below:
                yield from columns


def _attributes(expressions: Iterable[list[_Node]]) -> Iterator[tuple[str, int]]:
    for expression in expressions:
        yield expression[0]["name"], expression[0]["exprId"]["id"]


def _references(expression: Iterable[_Node]) -> set[int]:
    used: set[int] = set()
    for part in expression:
        if _kind(part) == "AttributeReference":
            used.add(part["exprId"]["id"])
        elif _kind(part) in _PLANS:
            used.add(_UNKNOWN)
    return used


def _expressions(value: object) -> Iterator[list[_Node]]:
    """All expressions that a node holds, whatever it calls them and however deep."""
    if isinstance(value, list) and value:
        if isinstance(value[0], dict) and "class" in value[0]:
            yield value
        else:
            for one in value:
                yield from _expressions(one)


def _subtree(expression: list[_Node], at: int) -> list[_Node]:
    """Cut out the expression that begins at a place: parents stand before their children."""
    end, open_ends = at, 1
    while open_ends:
        open_ends += expression[end]["num-children"] - 1
        end += 1
    return expression[at:end]


def _kind(node: Mapping[str, Any]) -> str:
    return node["class"].rsplit(".", 1)[-1]
