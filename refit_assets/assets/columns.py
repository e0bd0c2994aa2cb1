"""Columns of what the assets make: their types, and the columns that each comes from.

Lineage is told twice. `dagster/column_lineage` is for programs and for Dagster+, which draws it;
the open source UI hides it, so each column's description in the schema says it in words as well.
Belongs here: schemas and lineage as Dagster's metadata. Does not: finding out what a feature is
computed from (`features.lineage`).
"""

from collections.abc import Iterable, Mapping
from typing import Any

import dagster as dg

from refit_assets.features.lineage import Lineage
from refit_assets.spec import Feature, ModelSpec

SCHEMA, LINEAGE = "dagster/column_schema", "dagster/column_lineage"


def features_columns(spec: ModelSpec) -> list[dg.TableColumn]:
    """Columns of the feature table, and of a training set, which is some of its rows."""
    features, target = spec.features, spec.target
    kind = "category" if spec.classification else target.type
    must = dg.TableColumnConstraints(nullable=False)
    once = dg.TableColumnConstraints(nullable=False, unique=True)
    return [
        dg.TableColumn("day", "date", "The day of the table's partition.", must),
        dg.TableColumn(features.key, "bigint", "Unique over all days.", once),
        dg.TableColumn(features.knowledge_time, "timestamp", "Nothing known later is used.", must),
        *_inputs(spec),
        dg.TableColumn(target.column, kind, "The target; missing where there is no label."),
    ]


def features_lineage(spec: ModelSpec, lineage: Lineage) -> dict[str, Any]:
    """Metadata of a feature table whose columns come from the landing zone like this."""
    # A feature of which Spark's plan does not tell everything has no origins here: some of them
    # would pass for all.
    sources = {
        name: [(dg.AssetKey(["landing", source]), column) for source, column in lineage[name]]
        for name in (column.name for column in features_columns(spec))
        if name in lineage
    }
    return _metadata(features_columns(spec), sources)


def training_set_lineage(spec: ModelSpec) -> dict[str, Any]:
    """Metadata of a training set: rows of the feature table, as they are."""
    columns = features_columns(spec)
    features = dg.AssetKey([spec.name, "features"])
    return _metadata(columns, {column.name: [(features, column.name)] for column in columns})


def candidate_lineage(spec: ModelSpec) -> dict[str, Any]:
    """Metadata of a candidate: it answers predictions, each made from all inputs."""
    training_set = dg.AssetKey([spec.name, "training_set"])
    inputs = [(training_set, name) for name in spec.features.columns]
    columns = _predictions(spec)
    return _metadata(columns, {column.name: inputs for column in columns}, said="all features")


def scoring_jar_lineage(spec: ModelSpec) -> dict[str, Any]:
    """Metadata of a scoring jar: a row of the contract in, the candidate's predictions out."""
    key = dg.AssetKey([spec.name, "candidate"])
    training_set = dg.AssetKey([spec.name, "training_set"])
    answers = {column.name: [(key, column.name)] for column in _predictions(spec)}
    inputs = {name: [(training_set, name)] for name in spec.features.columns}
    return _metadata([*_inputs(spec), *_predictions(spec)], {**inputs, **answers})


def evaluation_lineage(spec: ModelSpec) -> dict[str, Any]:
    """Metadata of an evaluation: the holdout's predictions, made by the jar."""
    key = dg.AssetKey([spec.name, "scoring_jar"])
    columns = _predictions(spec)
    return _metadata(columns, {column.name: [(key, column.name)] for column in columns})


def _inputs(spec: ModelSpec) -> list[dg.TableColumn]:
    return [_input(name, feature) for name, feature in spec.features.columns.items()]


def _input(name: str, feature: Feature) -> dg.TableColumn:
    limits = [
        f"{sign} {limit}"
        for sign, limit in ((">=", feature.minimum), ("<=", feature.maximum))
        if limit is not None
    ]
    levels = [f"one of {', '.join(feature.levels)}"] if feature.levels else []
    constraints = dg.TableColumnConstraints(nullable=feature.nullable, other=[*limits, *levels])
    return dg.TableColumn(name, feature.type, feature.description or None, constraints)


def _predictions(spec: ModelSpec) -> list[dg.TableColumn]:
    """What the jar's `score` writes, by the names that it writes."""
    must = dg.TableColumnConstraints(nullable=False)
    if not spec.classification:
        return [dg.TableColumn("predict", "double", f"Predicted {spec.target.column}.", must)]
    label = f"The label of {spec.target.column} by the candidate's threshold."
    return [
        dg.TableColumn("predict", "string", label, must),
        *(
            dg.TableColumn(f"p:{name}", "double", f"Probability of {name}.", must)
            for name in spec.target.classes
        ),
    ]


def _metadata(
    columns: Iterable[dg.TableColumn],
    sources: Mapping[str, list[tuple[dg.AssetKey, str]]],
    *,
    said: str | None = None,
) -> dict[str, Any]:
    """Schema with its origins in words, and the lineage; a column without origins has neither."""
    described = [_described(column, sources.get(column.name, []), said) for column in columns]
    deps = {
        name: [dg.TableColumnDep(asset_key=key, column_name=column) for key, column in found]
        for name, found in sources.items()
        if found
    }
    return {SCHEMA: dg.TableSchema(described), LINEAGE: dg.TableColumnLineage(deps)}


def _described(
    column: dg.TableColumn, sources: list[tuple[dg.AssetKey, str]], said: str | None
) -> dg.TableColumn:
    if not sources:
        return column
    names = said or ", ".join(f"`{key.path[-1]}.{name}`" for key, name in sources)
    text = f"{column.description or ''} From {names}.".strip()
    return dg.TableColumn(column.name, column.type, text, column.constraints)
