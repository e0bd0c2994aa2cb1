"""The Maven project of a scoring jar: MOJO + contract + golden rows -> sources, resources, pom.

Belongs here: what is generated and what is copied. The Java that is the same for every model lies
in `java/` and is copied into the model's own package, so that a jar is self-contained and two
models share one JVM in peace. Does not: building (`package`), running Maven (`maven`).
"""

import csv
import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from refit_assets.column_types import ColumnType
from refit_assets.errors import DataError, SpecError
from refit_assets.features.contract import Column, InputContract
from refit_assets.packaging.identifiers import (
    field_names,
    is_class_name,
    is_package_name,
    java_string,
    javadoc,
    probability_names,
)
from refit_assets.packaging.model_facts import ModelFacts, derive_contract, read_model_facts
from refit_assets.packaging.parity import is_prediction, opened_table
from refit_assets.training.mojo import canonical_mojo, mojo_digest, mojo_for_scoring

LIBRARY = Path(__file__).parent / "java"
LIBRARY_PACKAGE = "refit.scoring"
MOST_GOLDEN_ROWS = 1000
"""Packaged in the jar; the build compares all examples, however many there are."""

_SHARED_TESTS = ("AdversarialRows.java", "ModelChecks.java")
"""Test sources of the library that test every model, too."""
_WIDE_INPUTS = 100
"""A record's constructor has room for 254 arguments, and a double takes two."""
_WIDE_CLASSES = 50
_MOST_EXPLAINED_BYTES = 1 << 22
"""H2O makes an object of every node before the first contribution: seconds for a large forest."""
_NUMBER_TYPES = {"int", "decimal", "number"}
_COORDINATE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")


@dataclass(frozen=True, kw_only=True)
class Coordinates:
    """Where a jar stands in a Maven repository."""

    group: str
    artifact: str
    version: str

    def __str__(self) -> str:
        """Render as Maven writes them: `group:artifact:version`."""
        return f"{self.group}:{self.artifact}:{self.version}"

    @classmethod
    def parse(cls, text: str) -> "Coordinates":
        """Read `group:artifact:version`.

        Raises:
            SpecError: it is something else.

        """
        parts = text.split(":")
        if len(parts) != 3 or not all(map(_COORDINATE.fullmatch, parts)):  # noqa: PLR2004
            message = f"{text!r} are no coordinates; write group:artifact:version"
            raise SpecError(message)
        return cls(group=parts[0], artifact=parts[1], version=parts[2])

    @property
    def stem(self) -> str:
        """Beginning of the file names: `artifact-version`."""
        return f"{self.artifact}-{self.version}"


@dataclass(frozen=True, kw_only=True)
class PackagingRequest:
    """All that a scoring jar is made of; equal requests make equal bytes."""

    mojo: Path
    examples: Path
    """CSV: inputs by name and, where known, `predict`, `p:<class>` and `cal:<class>`."""
    coordinates: Coordinates
    class_name: str
    """Such as `FlightDelay`, which makes `FlightDelayRow` and `FlightDelayScorer`."""
    package: str
    """Java package of the model's classes."""
    contract: InputContract | None
    """None where there is none: derived from the MOJO."""
    description: str
    timestamp: str
    """ISO instant that all files of the jars carry: the refit's as-of date, not the clock's."""
    provenance: Mapping[str, str]
    """Training set, snapshot and so on; goes into `about()`."""


@dataclass(frozen=True, kw_only=True)
class InputField:
    """One field of the row class."""

    name: str
    java: str
    kind: str
    """`number`, `category` or `offset`."""
    column: Column
    slot: int | None
    """Its place in the row that the model reads; None where that is not known, or not read."""

    @property
    def is_category(self) -> bool:
        """Whether the field is a String."""
        return self.kind == "category"

    @property
    def java_type(self) -> str:
        """Type of the field in Java."""
        return "String" if self.is_category else "double"


def build_project(request: PackagingRequest, folder: Path) -> "WrittenModel":
    """Write the Maven project into `folder`, which is created.

    Raises:
        SpecError: the request contradicts the model (a column or class that it does not have).
        DataError: the MOJO or the examples can't be read.

    """
    return finish_project(request, folder, begin_project(request, folder))


def begin_project(request: PackagingRequest, folder: Path) -> "WrittenModel":
    """Write the pom, the sources and what else is known before the MOJO is made canonical.

    Raises:
        SpecError, DataError: as for `build_project`.

    """
    layout = _Layout(folder=folder, package=request.package)
    written = _write_inputs(request, layout.resource)
    layout.copy_library(xgboost=written.facts.uses_xgboost)
    variables = _variables(request, written)
    for template, path in layout.generated(request.class_name).items():
        _write(path, _render(template, variables))
    _permit(folder)
    return written


def finish_project(
    request: PackagingRequest, folder: Path, begun: "WrittenModel"
) -> "WrittenModel":
    """Write the MOJO; of a large forest that takes a second."""
    layout = _Layout(folder=folder, package=request.package)
    written = _write_mojo(request, layout.resource, begun)
    _permit(layout.resource("."))
    return written


def _permit(folder: Path) -> None:
    """Give all files the permissions that a jar may record, whatever the caller's umask."""
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)


@dataclass(frozen=True, kw_only=True)
class WrittenModel:
    """What was found on the way to a model's files."""

    facts: ModelFacts
    """Their digest is the canonical MOJO's once that is written, before that the file's."""
    contract: InputContract
    """The request's, else the one that the MOJO tells."""
    fields: Sequence[InputField]
    example: Mapping[str, str]
    """A row's inputs by name."""


def write_model(request: PackagingRequest, place: Callable[[str], Path]) -> WrittenModel:
    """Write the files that the Java library loads; `place` says where a file of a name lies.

    Raises:
        SpecError, DataError: as for `build_project`.

    """
    return _write_mojo(request, place, _write_inputs(request, place))


def _write_inputs(request: PackagingRequest, place: Callable[[str], Path]) -> WrittenModel:
    facts = read_model_facts(request.mojo)
    contract = request.contract or derive_contract(facts)
    _check(request, facts, contract)
    fields = input_fields(facts, contract)
    _write_json(place("contract.json"), contract_json(contract, fields))
    example = write_golden_rows(request.examples, place("golden.csv"), fields, facts)
    return WrittenModel(facts=facts, contract=contract, fields=fields, example=example)


def _write_mojo(
    request: PackagingRequest, place: Callable[[str], Path], begun: WrittenModel
) -> WrittenModel:
    # Without clock and chance: the same model makes the same jar, whenever it was exported.
    mojo = canonical_mojo(request.mojo.read_bytes())
    facts = replace(begun.facts, sha256=mojo_digest(mojo))
    place("model.mojo").write_bytes(mojo_for_scoring(mojo))
    if _needs_whole(facts):
        place("whole.mojo").write_bytes(mojo)
    _write_json(place("about.json"), about_json(request, facts, begun.contract))
    return replace(begun, facts=facts)


def _needs_whole(facts: ModelFacts) -> bool:
    """Whether contributions need more of the MOJO than scoring; XGBoost has all in its trees."""
    return facts.explains and not facts.uses_xgboost


def input_fields(facts: ModelFacts, contract: InputContract) -> list[InputField]:
    """The fields of the row class: the contract's columns in their order, then an offset."""
    columns = list(contract.columns)
    if facts.offset_column is not None and facts.offset_column not in contract.names:
        columns.append(Column(name=facts.offset_column, type=ColumnType(kind="number")))
    names = field_names([column.name for column in columns])
    slots = {name: at for at, name in enumerate(facts.features)}
    return [
        InputField(
            name=column.name,
            java=java,
            kind=_kind(column, facts),
            column=column,
            slot=None if facts.encoded else slots.get(column.name),
        )
        for column, java in zip(columns, names, strict=True)
    ]


def _kind(column: Column, facts: ModelFacts) -> str:
    if column.name == facts.offset_column:
        return "offset"
    return "number" if column.type.kind in _NUMBER_TYPES else "category"


def _check(request: PackagingRequest, facts: ModelFacts, contract: InputContract) -> None:
    problems: list[str] = []
    if not is_class_name(request.class_name):
        problems.append(f"{request.class_name!r} is no name for a Java class, such as FlightDelay")
    if not is_package_name(request.package):
        problems.append(f"{request.package!r} is no name for a Java package, such as org.acme.late")
    missing = sorted(set(facts.features) - set(contract.names))
    if missing:
        problems.append(f"the model reads {', '.join(missing)}, which the contract does not have")
    problems += [
        f"the contract says {name} is a {kind}, the model knows it as a {known}"
        for name, kind, known in _kinds(facts, contract)
        if kind != known
    ]
    if problems:
        message = "\n  ".join([f"{request.mojo} does not fit {request.coordinates}:", *problems])
        raise SpecError(message)


def _kinds(facts: ModelFacts, contract: InputContract) -> list[tuple[str, str, str]]:
    read = [column for column in contract.columns if column.name in facts.features]
    return [
        (
            column.name,
            _kind(column, facts),
            "category" if column.name in facts.levels else "number",
        )
        for column in read
    ]


def contract_json(contract: InputContract, fields: Sequence[InputField]) -> dict[str, Any]:
    """The contract as the jar carries it."""
    columns = [
        {
            "name": field.name,
            "field": field.java,
            "kind": field.kind,
            "type": str(field.column.type),
            "required": not field.column.nullable,
            "minimum": field.column.minimum,
            "maximum": field.column.maximum,
            "description": field.column.description,
        }
        for field in fields
    ]
    return {
        "digest": contract.digest,
        "target": contract.target,
        "classes": list(contract.classes),
        "columns": columns,
    }


def about_json(
    request: PackagingRequest, facts: ModelFacts, contract: InputContract
) -> dict[str, Any]:
    """What the jar tells about itself."""
    return {
        "name": request.class_name,
        "coordinates": str(request.coordinates),
        "version": request.coordinates.version,
        "description": request.description,
        "algorithm": facts.algorithm,
        "category": facts.category,
        "h2o_version": facts.h2o_version,
        "mojo_sha256": facts.sha256,
        "contract_digest": contract.digest,
        "as_of": request.timestamp,
        "default_threshold": facts.default_threshold,
        # In an order of its own: the caller's would be part of the jar's bytes.
        "provenance": dict(sorted(request.provenance.items())),
    }


def write_golden_rows(
    examples: Path, golden: Path, fields: Sequence[InputField], facts: ModelFacts
) -> dict[str, str]:
    """Write up to a thousand examples, evenly spread, for the jar's own test.

    Returns a row's inputs by name, for the documentation's example: the first without a hole.

    Raises:
        DataError: the examples lack an input, or have some predictions of the model, not all.

    """
    with opened_table(examples) as (header, rows):
        names = [field.name for field in fields]
        given = [name for name in header if is_prediction(name)]
        wanted = [*names, *(facts.output_names if given else ())]
        _check_header(examples, header, names, given, facts)
        columns = [header.index(name) for name in wanted]
        table = [[row[at] for at in columns] for row in rows]
    # From all over the file: rows lie by kind or by day, and its head may be all of one.
    step = max(1, -(-len(table) // MOST_GOLDEN_ROWS))
    chosen = table[::step]
    with golden.open("w", newline="", encoding="utf-8") as stream:
        out = csv.writer(stream, lineterminator="\n")
        out.writerows([wanted, *chosen])
    whole = [row for row in chosen if all(row[: len(names)])] or chosen or [[""] * len(names)]
    return dict(zip(names, whole[0], strict=False))


def _check_header(
    examples: Path,
    header: Sequence[str],
    names: Sequence[str],
    given: Sequence[str],
    facts: ModelFacts,
) -> None:
    missing = [name for name in names if name not in header]
    if missing:
        message = f"{examples} lacks the inputs {', '.join(missing)}; it has {', '.join(header)}"
        raise DataError(message)
    # Some of them would leave the other answers unproven, and nobody would notice.
    if given and set(given) != set(facts.output_names):
        message = (
            f"{examples} has the predictions {', '.join(given)}; this model answers "
            f"{', '.join(facts.output_names)}: give all of them, or none"
        )
        raise DataError(message)


@dataclass(frozen=True, kw_only=True)
class _Layout:
    """Where files lie in a Maven project."""

    folder: Path
    package: str

    @property
    def _path(self) -> str:
        return self.package.replace(".", "/")

    def source(self, name: str) -> Path:
        return self.folder / "src/main/java" / self._path / name

    def test(self, name: str) -> Path:
        return self.folder / "src/test/java" / self._path / name

    def resource(self, name: str) -> Path:
        return self.folder / "src/main/resources" / self._path / name

    def generated(self, class_name: str) -> dict[str, Path]:
        """Path of what every template makes."""
        return {
            "pom.xml.jinja": self.folder / "pom.xml",
            "Row.java.jinja": self.source(f"{class_name}Row.java"),
            "Columns.java.jinja": self.source(f"{class_name}Columns.java"),
            "Prediction.java.jinja": self.source(f"{class_name}Prediction.java"),
            "Scorer.java.jinja": self.source(f"{class_name}Scorer.java"),
            "ParityTest.java.jinja": self.test("ParityTest.java"),
            "ScorerTest.java.jinja": self.test(f"{class_name}ScorerTest.java"),
        }

    def copy_library(self, *, xgboost: bool) -> None:
        """Copy the Java that all models share into the model's package.

        What reads XGBoost's trees goes only where XGBoost's libraries are.
        """
        home = LIBRARY_PACKAGE.replace(".", "/")
        for source in sorted((LIBRARY / "src/main/java" / home).glob("*.java")):
            if xgboost or not source.name.startswith("Xgboost"):
                _write(self.source(source.name), self._moved(source))
        for source in sorted((LIBRARY / "src/main/no-xgboost" / home).glob("*.java")):
            if not xgboost:
                _write(self.source(source.name), self._moved(source))
        for name in _SHARED_TESTS:
            _write(self.test(name), self._moved(LIBRARY / "src/test/java" / home / name))

    def _moved(self, source: Path) -> str:
        text = source.read_text(encoding="utf-8")
        return text.replace(LIBRARY_PACKAGE, self.package)


def _variables(request: PackagingRequest, written: WrittenModel) -> dict[str, Any]:
    facts, fields = written.facts, written.fields
    calls = _example(fields, written.example)
    probabilities = probability_names(facts.classes, "p")
    calibrated = probability_names(facts.classes, "calibrated") if facts.calibrated else []
    return {
        "request": request,
        "facts": facts,
        "name": request.class_name,
        "fields": fields,
        "has_whole": _needs_whole(facts),
        "explains_quickly": request.mojo.stat().st_size <= _MOST_EXPLAINED_BYTES,
        "has_levels": any(field.is_category for field in fields),
        "wide": len(fields) > _WIDE_INPUTS,
        "wide_prediction": len(facts.classes) > _WIDE_CLASSES,
        "offset": next((at for at, field in enumerate(fields) if field.kind == "offset"), None),
        "classes": list(zip(facts.classes, probabilities, strict=True)),
        "calibrated": list(zip(facts.classes, calibrated, strict=False)),
        "example": calls,
        "session": _session(request.class_name, calls, facts),
    }


def _example(fields: Sequence[InputField], row: Mapping[str, str]) -> list[tuple[str, str]]:
    """Calls of the builder for the documentation: what must be set, and a few more."""
    # It is there to be copied: of a hundred inputs a few show how.
    few = 8
    calls: list[tuple[str, str]] = []
    for at, field in enumerate(fields):
        cell = row.get(field.name, "")
        if not cell and not field.column.nullable:
            cell = "0"
        if cell and (at < few or not field.column.nullable):
            calls.append((field.java, java_string(cell) if field.is_category else _number(cell)))
    return calls


def _number(cell: str) -> str:
    value = float(cell)
    return repr(value) if math.isfinite(value) else "0.0"


def _session(name: str, calls: Sequence[tuple[str, str]], facts: ModelFacts) -> list[str]:
    """Lines of the documented example; the jar's own test compiles and runs the same lines."""
    answer = "label" if facts.classes else "value"
    answer = "cluster" if facts.category == "Clustering" else answer
    return [
        f"{name}Scorer scorer = {name}Scorer.load();",
        f"{name}Row row = scorer.row()",
        *(f"        .{field}({literal})" for field, literal in calls),
        "        .build();",
        "try {",
        f"    {name}Prediction prediction = scorer.score(row);",
        f"    System.out.println(prediction.{answer}());",
        "} catch (BadRowException e) {",
        '    System.err.println("skipped: " + e.getMessage());',
        "}",
    ]


@cache
def _environment() -> Environment:
    """Kept, since it keeps the compiled templates."""
    environment = Environment(  # noqa: S701 - Java, not HTML; the pom escapes by itself
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update({"java": java_string, "doc": javadoc})
    return environment


def _render(template: str, variables: Mapping[str, Any]) -> str:
    return _environment().get_template(template).render(**variables)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _write_json(path: Path, content: Mapping[str, Any]) -> None:
    _write(path, json.dumps(content, indent=1, ensure_ascii=False) + "\n")
