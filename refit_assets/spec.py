"""ModelSpec: everything that a model's owner can say in one YAML file, with every default.

Frozen values and their contradictions; no I/O, no Dagster. The reference in `docs/reference` is
generated from the descriptions here. A new setting belongs here first; what to do about it
belongs to the stage that reads it.
"""

import math
from datetime import date
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from refit_assets.column_types import ColumnType, landed_type

Cadence: TypeAlias = Literal["daily", "weekly", "monthly"]
Algorithm: TypeAlias = Literal[
    "gbm", "drf", "glm", "xgboost", "deep_learning", "stacked_ensemble", "automl"
]
Metric: TypeAlias = Literal[
    "auc", "pr_auc", "log_loss", "brier", "ks", "calibration_error", "rmse", "mae", "r2"
]
CLASSIFICATION_METRICS = ("auc", "pr_auc", "log_loss", "brier", "ks", "calibration_error")
REGRESSION_METRICS = ("rmse", "mae", "r2")
HIGHER_IS_BETTER = frozenset({"auc", "pr_auc", "ks", "r2"})

# Names also become values of Kubernetes labels, of 63 letters at most.
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=63)]


class Part(BaseModel):
    """A part of the spec: frozen, and unknown keys are refused."""

    # A key that is misspelt would else be silently its default.
    model_config = ConfigDict(frozen=True, extra="forbid")


def _feature_from_text(value: Any) -> Any:  # noqa: ANN401 - whatever the YAML holds
    return {"type": value} if isinstance(value, str) else value


def _feature_type(value: Any) -> Any:  # noqa: ANN401
    if not isinstance(value, str):
        return value
    parsed = ColumnType.parse(value)
    if parsed.kind == "number":
        message = "features are int, decimal(p,s) or category: H2O changes doubles on import"
        raise ValueError(message)
    return str(parsed)


class Known(Part):
    """When columns of a source become known, where that is later than the row itself."""

    columns: tuple[str, ...] = Field(description="Columns that become known at this instant.")
    at: str = Field(description="Spark SQL over the source's columns: a timestamp, in UTC.")


class Source(Part):
    """Raw data as it lands: one file a day, or one file in all."""

    path: str = Field(
        description="Below the landing zone; `{day}` stands for YYYY-MM-DD. "
        "Without it the source has one file that changes slowly."
    )
    format: Literal["csv", "json_lines", "parquet"] = "csv"
    columns: dict[str, Annotated[str, BeforeValidator(landed_type)]] = Field(
        description="Name: Spark SQL type (int, bigint, double, string, timestamp, date, "
        "decimal(p,s), boolean), in the order of the file."
    )
    nulls: tuple[str, ...] = Field(
        default=("",), description="Texts that mean a missing value, in CSV."
    )
    required: tuple[str, ...] = Field(
        default=(), description="Columns in which a missing value is refused."
    )
    unique: tuple[str, ...] = Field(
        default=(), description="Columns that together identify a row of a day; empty: not checked."
    )
    look_back_days: int = Field(
        default=0,
        ge=0,
        le=366,
        description="How many days before D the features of day D read. "
        "A changed day makes that many days after it due as well.",
    )
    known: tuple[Known, ...] = Field(
        default=(),
        description="Columns known later than the rest. A column that is not named is known "
        "when `row_known` says.",
    )
    row_known: str | None = Field(
        default=None,
        description="Spark SQL timestamp at which a row as such is known; None: from the start.",
    )

    @property
    def daily(self) -> bool:
        """Whether a file lands every day."""
        return "{day}" in self.path

    @model_validator(mode="after")
    def _consistent(self) -> "Source":
        known = [name for known in self.known for name in known.columns]
        unknown = sorted({*known, *self.required, *self.unique} - set(self.columns))
        if unknown:
            message = f"not among the source's columns: {', '.join(unknown)}"
            raise ValueError(message)
        if self.look_back_days and not self.daily:
            message = "look_back_days is for sources with {day} in their path"
            raise ValueError(message)
        return self


class Feature(Part):
    """One input of the model."""

    type: Annotated[str, BeforeValidator(_feature_type)] = Field(
        description="int, decimal(p,s) or category."
    )
    nullable: bool = Field(default=False, description="Whether a missing value is allowed.")
    minimum: float | int | None = None
    maximum: float | int | None = None
    levels: tuple[str, ...] | None = Field(
        default=None, description="The levels that a category may have; None: any."
    )
    unknown_level: Literal["refuse", "missing"] = Field(
        default="refuse",
        description="What to do with a level that is not in `levels`: refuse the day, "
        "or store a missing value.",
    )
    description: str = ""

    @property
    def column_type(self) -> ColumnType:
        """The type, parsed."""
        return ColumnType.parse(self.type)

    @model_validator(mode="after")
    def _consistent(self) -> "Feature":
        number = self.column_type.kind != "category"
        if number and self.levels is not None:
            message = "levels are for categories"
            raise ValueError(message)
        if not number and (self.minimum, self.maximum) != (None, None):
            message = "minimum and maximum are for numbers"
            raise ValueError(message)
        if self.unknown_level == "missing" and not (self.nullable and self.levels):
            message = "unknown_level: missing needs levels, and nullable: true"
            raise ValueError(message)
        return self


class Features(Part):
    """What features.py answers: one row a thing to score."""

    key: Name = Field(description="A BIGINT, unique over all days, within ±2^53.")
    knowledge_time: Name = Field(
        description="A timestamp column: what became known later may not be used in the row."
    )
    columns: dict[Name, Annotated[Feature, BeforeValidator(_feature_from_text)]] = Field(
        min_length=1
    )
    module: str | None = Field(
        default=None,
        description="Python module with `features`; None: refit_assets.defs.<model>.features.",
    )


class Target(Part):
    """What is predicted: two labels, or a number."""

    column: Name
    positive: str | None = Field(default=None, description="Label whose probability is the score.")
    negative: str | None = None
    type: Annotated[str, BeforeValidator(_feature_type)] = Field(
        default="int", description="Of a number: int or decimal(p,s)."
    )

    @property
    def classes(self) -> tuple[str, ...]:
        """Both labels in H2O's order, which is the alphabet's; empty for a number."""
        if self.positive is None or self.negative is None:
            return ()
        return tuple(sorted((self.positive, self.negative)))

    @model_validator(mode="after")
    def _consistent(self) -> "Target":
        if (self.positive is None) != (self.negative is None):
            message = "a classification names both labels: positive and negative"
            raise ValueError(message)
        if self.positive is not None and self.positive == self.negative:
            message = f"positive and negative are both {self.positive!r}"
            raise ValueError(message)
        return self


class Refit(Part):
    """Windows, in units of the cadence; the as-of date is the start of the refit's partition."""

    cadence: Cadence = "weekly"
    train: int = Field(ge=1, description="Length of the training window.")
    holdout: int = Field(ge=1, description="Length of the holdout, which follows it.")
    label_delay_days: int = Field(
        default=0, ge=0, description="The holdout ends so many days before the as-of date."
    )
    missing_days: int = Field(
        default=0, ge=0, description="How many days of the window may be missing."
    )


Values: TypeAlias = Annotated[tuple[Any, ...], Field(min_length=1)]


class Random(Part):
    """A seeded random search."""

    models: int = Field(ge=1)
    space: dict[str, Values] = Field(min_length=1)


class Search(Part):
    """One algorithm and the parameters to try: a grid, a random search, or just one trial."""

    algorithm: Algorithm
    parameters: dict[str, Any] = Field(default_factory=dict, description="Fixed parameters.")
    grid: dict[str, Values] = Field(default_factory=dict)
    random: Random | None = None
    models: int | None = Field(default=None, ge=1, description="AutoML: how many models.")
    base: tuple[Algorithm, ...] = Field(
        default=(), description="Stacked ensemble: algorithms whose trials it stacks; empty: all."
    )

    @model_validator(mode="after")
    def _consistent(self) -> "Search":
        if self.grid and self.random:
            message = "a search is a grid or random, not both"
            raise ValueError(message)
        if (self.models is not None) != (self.algorithm == "automl"):
            message = "models is for automl, and automl needs it: a time limit can't reproduce"
            raise ValueError(message)
        twice = set(self.space) & set(self.parameters)
        if twice:
            message = f"fixed and searched at once: {', '.join(sorted(twice))}"
            raise ValueError(message)
        return self

    @property
    def space(self) -> dict[str, Values]:
        """Parameters to try, with their values; empty where it is just one trial, or AutoML."""
        return self.random.space if self.random else self.grid

    @property
    def trial_count(self) -> int:
        """How many trials it asks for."""
        if self.models is not None:
            return self.models
        combinations = math.prod(len(values) for values in self.space.values())
        return min(self.random.models, combinations) if self.random else combinations


class Trials(Part):
    """Which models are fitted, and how the best is chosen."""

    search: tuple[Search, ...] = Field(min_length=1)
    search_every: int = Field(
        default=1,
        ge=1,
        description="N: every Nth refit of the cadence, counted from the first, searches; those "
        "between fit what that search chose, the same in every folder. One trial has nothing to "
        "choose: every refit fits it.",
    )
    choose_by: Metric = Field(description="Computed exactly by us, from predictions.")
    validation: int | None = Field(
        default=None,
        ge=1,
        description="The last so many units of the training window validate; or use folds.",
    )
    folds: int | None = Field(default=None, ge=2, description="Cross-validation instead.")
    max_parallel: int = Field(default=4, ge=1)
    seed: int = 7
    max_seconds: int = Field(default=3600, ge=1, description="Deadline of all trials together.")
    threshold: Literal["f1", "youden"] | float = Field(
        default="f1", description="Decision cut-off: maximise this, or a fixed probability."
    )

    @model_validator(mode="after")
    def _consistent(self) -> "Trials":
        if (self.validation is None) == (self.folds is None):
            message = "give either validation (units of the cadence) or folds"
            raise ValueError(message)
        return self

    @property
    def refits_per_search(self) -> int:
        """`search_every`; 1 where there is only one trial, and so nothing to choose."""
        return self.search_every if sum(one.trial_count for one in self.search) > 1 else 1


class SliceGate(Part):
    """No slice may be worse than this."""

    columns: tuple[Name, ...]
    metric: Metric
    floor: float | None = None
    ceiling: float | None = None
    minimum_rows: int = Field(default=500, ge=1, description="Smaller slices are not judged.")


class ChampionGate(Part):
    """Challenger against champion, on the same holdout, by paired bootstrap."""

    metric: Metric
    margin: float = Field(
        default=0.0, ge=0, description="How much worse the challenger may be and still be promoted."
    )
    confidence: float = Field(default=0.9, gt=0.5, lt=1)
    resamples: int = Field(default=1000, ge=100)


class MigrationGate(Part):
    """How many decisions may flip at the cut-off when the challenger replaces the champion."""

    largest_share: float = Field(gt=0, le=1)


class JarGate(Part):
    """What serving can bear."""

    largest_mib: float | None = None
    fewest_rows_a_second: float | None = Field(
        default=None,
        description="Scoring the whole holdout by the jar, its start included: what a busy "
        "machine reaches, or a good refit is held because others were at work.",
    )


class Gates(Part):
    """What must hold before a jar is released; a gate that cannot be computed fails."""

    floors: dict[Metric, float] = Field(default_factory=dict)
    ceilings: dict[Metric, float] = Field(default_factory=dict)
    slices: tuple[SliceGate, ...] = ()
    champion: ChampionGate | None = None
    migration: MigrationGate | None = None
    jar: JarGate = JarGate()


class Monitoring(Part):
    """What is watched by day; a breach is a failed check and a reason to refit."""

    stretch_days: int = Field(
        default=7,
        ge=1,
        description="A day is judged together with the days before it, so many in all: a week "
        "has every weekday.",
    )
    # The customary limit (Siddiqi, Credit Risk Scorecards, 2006); docs/decisions/0028 on weeks.
    score_psi: float = Field(default=0.25, gt=0)
    input_psi: float = Field(default=0.25, gt=0)
    missing_share: float = Field(default=0.05, gt=0, le=1, description="Above the training's.")
    unseen_share: float = Field(default=0.01, ge=0, le=1)
    live_metric: Metric | None = None
    live_floor: float | None = None
    live_ceiling: float | None = None


class When(Part):
    """What leads to a refit, and what holds it back."""

    every: int = Field(
        default=1,
        ge=1,
        description="Refit every so many windows; drift or a poor live metric refits sooner.",
    )
    late_rows_share: float = Field(
        default=0.0, ge=0, le=1, description="Share of a window's rows changed by late data."
    )
    cool_down_hours: int = Field(default=0, ge=0)
    approval: Literal["automatic", "manual"] = "automatic"


class Jar(Part):
    """Maven coordinates; the version follows the input contract."""

    group: str = Field(pattern=r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*$")
    artifact: str | None = Field(default=None, pattern=r"^[a-z][a-z0-9-]*$")
    class_name: str | None = Field(default=None, pattern=r"^[A-Z][A-Za-z0-9]*$")


class Toleration(Part):
    """A taint of nodes that pods may be put on all the same, as Kubernetes spells it."""

    key: str
    operator: Literal["Equal", "Exists"] = "Exists"
    value: str | None = None
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = None


class SparkSize(Part):
    """Spark, per deployment; executors and nodes are for Kubernetes."""

    driver_memory_mib: int = Field(default=2048, ge=512)
    executors: int = Field(default=1, ge=1)
    most_executors: int | None = Field(
        default=None, ge=1, description="With it executors come and go, up to so many."
    )
    executor_cores: int = Field(default=1, ge=1)
    executor_memory_mib: int = Field(default=1024, ge=512)
    shuffle_partitions: int = Field(default=4, ge=1)
    driver_nodes: dict[str, str] = Field(
        default_factory=dict, description="Labels of the driver's node: of one that stays."
    )
    executor_nodes: dict[str, str] = Field(
        default_factory=dict, description="Labels of executors' nodes, e.g. of spot nodes."
    )
    executor_tolerations: tuple[Toleration, ...] = ()

    @model_validator(mode="after")
    def _check_executors(self) -> "SparkSize":
        if self.most_executors is not None and self.most_executors < self.executors:
            message = f"most_executors ({self.most_executors}) < executors ({self.executors})"
            raise ValueError(message)
        return self


class H2OSize(Part):
    """H2O, per deployment; nodes and clusters are for Kubernetes."""

    nodes: int = Field(default=1, ge=1)
    clusters: int = Field(default=1, ge=1)
    memory_mib: int = Field(default=3072, ge=512)
    threads: int = Field(default=2, ge=1)


class Sizes(Part):
    """How large the heavy steps are."""

    spark: SparkSize = SparkSize()
    h2o: H2OSize = H2OSize()
    maven_memory_mib: int = Field(default=1024, ge=256)
    run_memory_mib: int | None = Field(
        default=None, ge=512, description="Limit of a run's own pod; None: the instance's."
    )


class Compute(Part):
    """Sizes per deployment."""

    embedded: Sizes = Sizes()
    kubernetes: Sizes = Sizes()


class ModelSpec(Part):
    """One model in production, from its raw data to its release."""

    name: Name
    description: str = ""
    owners: tuple[str, ...] = Field(default=(), description="An e-mail address or team:name.")
    start: date = Field(description="First day with data.")
    end: date | None = Field(default=None, description="First day without data; None: goes on.")
    sources: dict[Name, Source] = Field(min_length=1)
    features: Features
    target: Target
    refit: Refit
    trials: Trials
    slices: tuple[Name, ...] = Field(default=(), description="Columns that metrics are split by.")
    gates: Gates = Gates()
    monitoring: Monitoring = Monitoring()
    when: When = When()
    jar: Jar
    compute: Compute = Compute()

    @property
    def classification(self) -> bool:
        """Whether labels are predicted, and not a number."""
        return bool(self.target.classes)

    @property
    def class_name(self) -> str:
        """Prefix of the Java classes."""
        return self.jar.class_name or "".join(word.capitalize() for word in self.name.split("_"))

    @property
    def artifact(self) -> str:
        """Maven's artifactId."""
        return self.jar.artifact or self.name.replace("_", "-")

    @property
    def look_back_days(self) -> int:
        """How far back the features of a day read, over all sources."""
        return max(source.look_back_days for source in self.sources.values())

    @model_validator(mode="after")
    def _consistent(self) -> "ModelSpec":
        # All at once, not one a correction.
        problems = [*_misplaced_columns(self), *_wrong_metrics(self), *_wrong_windows(self)]
        if problems:
            raise ValueError("; ".join(problems))
        return self


def _misplaced_columns(spec: ModelSpec) -> list[str]:
    features = spec.features
    reserved = {features.key: "key", features.knowledge_time: "knowledge_time", "day": "the day"}
    reserved[spec.target.column] = "the target"
    problems = [
        f"{name} is {role}, and can't be a feature too"
        for name, role in reserved.items()
        if name in features.columns
    ]
    sliced = {*spec.slices, *(name for gate in spec.gates.slices for name in gate.columns)}
    lost = sorted(sliced - set(features.columns))
    return problems + [f"slice column {name} is no feature" for name in lost]


def _wrong_metrics(spec: ModelSpec) -> list[str]:
    allowed = CLASSIFICATION_METRICS if spec.classification else REGRESSION_METRICS
    gates = spec.gates
    named = [spec.trials.choose_by, *gates.floors, *gates.ceilings]
    named += [gate.metric for gate in gates.slices]
    named += [gate.metric for gate in (gates.champion,) if gate]
    named += [metric for metric in (spec.monitoring.live_metric,) if metric]
    kind = "two labels" if spec.classification else "a number"
    return [
        f"{metric} does not measure a model of {kind} (it has {', '.join(allowed)})"
        for metric in sorted(set(named) - set(allowed))
    ]


def _wrong_windows(spec: ModelSpec) -> list[str]:
    problems: list[str] = []
    if spec.end is not None and spec.end <= spec.start:
        problems.append(f"end {spec.end} is not after start {spec.start}")
    if spec.trials.validation is not None and spec.trials.validation >= spec.refit.train:
        problems.append("trials.validation takes the whole training window")
    if spec.gates.migration and not spec.classification:
        problems.append("gates.migration is for two labels")
    return problems
