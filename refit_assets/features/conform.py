"""What features.py answers, cast to the input contract, with every misfit marked.

A cast must not change a value: what would be rounded, cut or lost is a finding. One marked column
says whether a row is bad, so that the pass over the good case pays for one flag; only a bad frame
is asked which rule it broke.
Belongs here: types, ranges, levels, keys, days of the model's own columns. Does not: raw files
(`reading`), digests (`digest`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from refit_assets.errors import DataError, Finding
from refit_assets.features.landing import MOST_FINDINGS
from refit_assets.spec import Feature, ModelSpec

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

LARGEST_KEY = 2**53
"""Beyond it a double, which H2O computes with, cannot tell two keys apart."""
BAD = "_bad"
_NUMBERS = ("tinyint", "smallint", "int", "bigint", "float", "double", "decimal")


@dataclass(frozen=True, kw_only=True)
class Rule:
    """What a cell must be; `broken` is Spark's SQL, and never null."""

    column: str
    expected: str
    broken: str


@dataclass(frozen=True, kw_only=True)
class Field:
    """One column of the feature table: its value in Spark's SQL, the rules that it must keep."""

    name: str
    sql_type: str
    value: str
    rules: tuple[Rule, ...]


@dataclass(frozen=True, kw_only=True)
class Conformed:
    """The rows to write, with the mark `_bad`, and the rows that they were made from."""

    spec: ModelSpec
    frame: "DataFrame"
    answered: "DataFrame"
    rules: tuple[Rule, ...]


def table_types(spec: ModelSpec) -> dict[str, str]:
    """Names and Spark SQL types of the table's columns, in its order."""
    features = {name: _sql_type(feature.type) for name, feature in spec.features.columns.items()}
    target = "string" if spec.classification else _sql_type(spec.target.type)
    return {
        "day": "date",
        spec.features.key: "bigint",
        spec.features.knowledge_time: "timestamp",
        **features,
        spec.target.column: target,
    }


def conform(answered: "DataFrame", spec: ModelSpec, first: date, last: date) -> Conformed:
    """Cast what features.py answered; rows of the days that it looked back to are left out.

    Raises:
        DataError: a column is missing, or of a kind that cannot be cast without guessing.

    """
    from pyspark.sql import functions as f

    _refuse_columns(answered, spec)
    begin = max(spec.start, first - timedelta(days=spec.look_back_days))
    day = f.col("day")
    if begin < first:
        # Only days looked back to go; a day that is null or elsewhere stays, and is refused.
        answered = answered.where(day.isNull() | (day < f.lit(begin)) | (day >= f.lit(first)))
    fields = _fields(answered, spec, begin, last)
    rules = tuple(rule for field in fields for rule in field.rules)
    bad = " or ".join(rule.broken for rule in rules)
    # As texts: a column object is made by dozens of calls into the JVM, a text by one.
    values = [f"{field.value} as `{field.name}`" for field in fields]
    frame = answered.selectExpr(*values, f"{bad} as {BAD}")
    return Conformed(spec=spec, frame=frame, answered=answered, rules=rules)


def broken_rules(conformed: Conformed) -> list[Finding]:
    """Name what is wrong, up to twenty rows in all."""
    # One pass over all rules; only broken ones are asked for rows.
    counts = [f"count_if({rule.broken})" for rule in conformed.rules]
    broken = conformed.answered.selectExpr(*counts).collect()[0]
    findings: list[Finding] = []
    for rule, rows in zip(conformed.rules, broken, strict=True):
        if rows and len(findings) < MOST_FINDINGS:
            findings += _samples(conformed, rule, MOST_FINDINGS - len(findings))
    return findings


def twice(conformed: Conformed) -> list[Finding]:
    """Name keys that stand more than once, up to twenty."""
    from pyspark.sql import functions as f

    key = conformed.spec.features.key
    # Among these days; over all days of a window `training_set` looks.
    groups = conformed.frame.groupBy(key).agg(
        f.count("*").alias("rows"), f.min("day").alias("first"), f.max("day").alias("last")
    )
    rows = groups.where("rows > 1").limit(MOST_FINDINGS).collect()
    return [
        Finding(
            where=_where(conformed.spec),
            column=key,
            expected="one row a key",
            found=f"{row['rows']} rows of key {row[key]}, days {row['first']} to {row['last']}",
        )
        for row in sorted(rows, key=lambda row: row[key])
    ]


def _where(spec: ModelSpec) -> str:
    return f"features of {spec.name}"


def _samples(conformed: Conformed, rule: Rule, most: int) -> list[Finding]:
    from pyspark.sql import functions as f

    spec = conformed.spec
    column = rule.column
    shown = (f.col(name).cast("string") for name in ("day", spec.features.key, column))
    rows = conformed.answered.where(rule.broken).select(*shown).limit(most).collect()
    found = ((f"{'null' if v is None else repr(v)} (day {d}, key {k})") for d, k, v in rows)
    return [
        Finding(where=_where(spec), column=column, expected=rule.expected, found=text)
        for text in sorted(found)
    ]


def _sql_type(declared: str) -> str:
    return "string" if declared == "category" else declared


def _refuse_columns(answered: "DataFrame", spec: ModelSpec) -> None:
    """A text is no number and a number no text, even where Spark would cast it."""
    types = {field.name: field.dataType.simpleString() for field in answered.schema}
    findings: list[Finding] = []
    for name, wanted in table_types(spec).items():
        found = types.get(name)
        if found is None or not _castable(found, wanted):
            finding = Finding(
                where=f"features.py of {spec.name}",
                column=name,
                expected=wanted,
                found="no such column" if found is None else found,
            )
            findings.append(finding)
    if findings:
        summary = f"features.py of {spec.name} answers other columns than its contract"
        raise DataError(summary, findings, cure="Nothing was replaced: change one of the two.")


def _castable(found: str, wanted: str) -> bool:
    if wanted in {"date", "timestamp", "string"}:
        return found == wanted
    return found.startswith(_NUMBERS)


def _fields(answered: "DataFrame", spec: ModelSpec, begin: date, last: date) -> Sequence[Field]:
    types = {field.name: field.dataType.simpleString() for field in answered.schema}
    wanted = table_types(spec)
    fields: list[Field] = []
    for name, sql_type in wanted.items():
        value, rules = _cast(name, types[name], sql_type)
        if name == "day":
            rules += _day_rules(begin, last)
        elif name == spec.features.key:
            rules += _key_rules(name)
        elif name == spec.features.knowledge_time:
            rules.append(_present(name))
        elif name == spec.target.column:
            rules += _label_rules(spec)
        else:
            feature = spec.features.columns[name]
            value, more = _feature_rules(name, value, feature)
            rules += more
        fields.append(Field(name=name, sql_type=sql_type, value=value, rules=tuple(rules)))
    return fields


def _cast(name: str, found: str, wanted: str) -> tuple[str, list[Rule]]:
    raw = f"`{name}`"
    if found == wanted:
        return raw, []
    # Under ANSI a plain cast that fails would end the job, and name no row.
    value = f"try_cast({raw} as {wanted})"
    broken = f"({raw} is not null and ({value} is null or coalesce({value} != {raw}, false)))"
    return value, [Rule(column=name, expected=f"{wanted}, exactly", broken=broken)]


def _present(name: str) -> Rule:
    return Rule(column=name, expected="a value", broken=f"`{name}` is null")


def _rule(name: str, expected: str, broken: str) -> Rule:
    # A missing value breaks no rule but `_present`: compared with anything it is null.
    return Rule(column=name, expected=expected, broken=f"coalesce({broken}, false)")


def _day_rules(begin: date, last: date) -> list[Rule]:
    outside = f"day not between date'{begin}' and date'{last}'"
    return [_present("day"), _rule("day", f"a day from {begin} to {last}", outside)]


def _key_rules(name: str) -> list[Rule]:
    outside = f"`{name}` not between {-LARGEST_KEY} and {LARGEST_KEY}"
    return [_present(name), _rule(name, "a key within ±2^53", outside)]


def _label_rules(spec: ModelSpec) -> list[Rule]:
    target = spec.target
    if not target.classes:
        return []
    expected = f"{target.positive!r}, {target.negative!r} or null"
    unknown = f"`{target.column}` not in ({_texts(target.classes)})"
    return [_rule(target.column, expected, unknown)]


def _feature_rules(name: str, value: str, feature: Feature) -> tuple[str, list[Rule]]:
    rules = [] if feature.nullable else [_present(name)]
    # Of what was answered, not of the cast: findings are looked up in those rows.
    raw = f"`{name}`"
    if feature.minimum is not None:
        below = f"{raw} < {_bound(feature.minimum)}"
        rules.append(_rule(name, f"at least {feature.minimum}", below))
    if feature.maximum is not None:
        above = f"{raw} > {_bound(feature.maximum)}"
        rules.append(_rule(name, f"at most {feature.maximum}", above))
    if feature.levels is None:
        return value, rules
    known = f"{raw} in ({_texts(feature.levels)})"
    if feature.unknown_level == "missing":
        return f"case when {known} then {value} end", rules
    rules.append(_rule(name, f"one of {', '.join(feature.levels)}", f"not {known}"))
    return value, rules


def _bound(value: float) -> str:
    # Beside a double Spark would compare decimals as doubles, inexactly at the bound itself.
    return f"{value}" if isinstance(value, int) else f"{Decimal(str(value)):f}BD"


def _texts(values: Sequence[str]) -> str:
    quoted = (value.replace("\\", "\\\\").replace("'", "\\'") for value in values)
    return ", ".join(f"'{value}'" for value in quoted)
