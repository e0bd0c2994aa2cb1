"""The input contract: the columns a model reads, their types and what is allowed in them.

The feature table, H2O's import and the scoring jar's typed row are all made from it.
Belongs here: what a column is. Does not: reading data (`landing`, `table`), versions of
contracts (`packaging.versions`).
"""

import hashlib
import json
from dataclasses import dataclass

from refit_assets.column_types import ColumnType
from refit_assets.spec import Feature, ModelSpec


@dataclass(frozen=True, kw_only=True)
class Column:
    """One input of a model."""

    name: str
    type: ColumnType
    nullable: bool = False
    minimum: str | None = None
    """Smallest allowed number, as exact decimal text."""
    maximum: str | None = None
    levels: tuple[str, ...] | None = None
    """Allowed levels of a category; None where any level may come."""
    description: str = ""


@dataclass(frozen=True, kw_only=True)
class InputContract:
    """What a model reads and what it answers; order of `columns` carries no meaning."""

    columns: tuple[Column, ...]
    target: str
    classes: tuple[str, ...] = ()
    """Labels of a classification, sorted; empty for regression."""

    def column(self, name: str) -> Column:
        """Return the column of that name; KeyError if there is none."""
        found = {column.name: column for column in self.columns}
        return found[name]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the inputs, in the order of the YAML."""
        return tuple(column.name for column in self.columns)

    @property
    def digest(self) -> str:
        """Sixteen hex digits over names, types and classes; the order of columns is left out."""
        # Without ranges and levels: days under others are due by the recipe (`features.recipe`).
        columns = sorted((c.name, str(c.type), c.nullable) for c in self.columns)
        content = json.dumps({"columns": columns, "classes": sorted(self.classes)})
        return hashlib.sha256(content.encode()).hexdigest()[:16]


def build_contract(spec: ModelSpec) -> InputContract:
    """Make the contract of a model from its YAML."""
    columns = tuple(_column(name, feature) for name, feature in spec.features.columns.items())
    return InputContract(columns=columns, target=spec.target.column, classes=spec.target.classes)


def _column(name: str, feature: Feature) -> Column:
    return Column(
        name=name,
        type=feature.column_type,
        nullable=feature.nullable,
        minimum=None if feature.minimum is None else str(feature.minimum),
        maximum=None if feature.maximum is None else str(feature.maximum),
        levels=feature.levels,
        description=feature.description,
    )
