"""SparkJobSpec: everything that the YAML of a Spark job can say, with every default.

Frozen values and their contradictions; no I/O, no Dagster. What a model's YAML says is `spec`'s.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Annotated

from pydantic import Field, model_validator

from refit_assets.spec import Cadence, Part, SparkSize

Key = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*(/[A-Za-z_][A-Za-z0-9_]*)*$")]
Coordinates = Annotated[str, Field(pattern=r"^[\w.-]+:[\w.-]+:[\w.-]+$")]

PLACES: Mapping[str, str] = {
    "partition": "key of the partition that is made",
    "folder": "folder of the script, on every machine that runs a part of it",
    "landing": "address of the landing zone",
    "output": "address below which this job may keep what it makes",
}
"""What `{name}` stands for in arguments and environment."""

# Words alone: an argument may hold JSON, whose braces stay.
_PLACE = re.compile(r"\{([a-z_]+)\}")


class JobPartitions(Part):
    """One run of the script a day, week (from Monday) or month; the key is its first day."""

    every: Cadence
    start: date = Field(description="First partition.")
    end: date | None = Field(default=None, description="First day without one; None: goes on.")


class JobCompute(Part):
    """Sizes per deployment."""

    embedded: SparkSize = SparkSize()
    kubernetes: SparkSize = SparkSize()


class SparkJobSpec(Part):
    """A PySpark script, unchanged, as an asset."""

    key: Key = Field(description="Key of the asset; `/` divides its parts.")
    script: str = Field(
        pattern=r"^\w[\w.-]*(/\w[\w.-]*)*\.py$",
        description="Beside defs.yaml, or in a folder there.",
    )
    description: str = ""
    group: str = Field(default="jobs", pattern=r"^[A-Za-z0-9_]+$")
    owners: tuple[str, ...] = Field(default=(), description="An e-mail address or team:name.")
    deps: tuple[Key, ...] = Field(default=(), description="Keys of assets that it reads.")
    arguments: tuple[str, ...] = Field(
        default=(),
        description="What the script is called with. `{partition}`, `{folder}`, `{landing}` and "
        "`{output}` are filled in; other braces stay.",
    )
    environment: dict[str, str] = Field(
        default_factory=dict, description="Variables of the driver; filled in as `arguments` are."
    )
    packages: tuple[Coordinates, ...] = Field(
        default=(), description="Jars that it needs, as group:artifact:version."
    )
    settings: dict[str, str] = Field(
        default_factory=dict,
        description="Spark's own settings. They are on a logged command line: no secrets.",
    )
    metadata: dict[str, str] = Field(
        default_factory=dict,
        description="Name: pattern with one group. The last line printed that matches is shown "
        "with the asset, as a number where it is one.",
    )
    partitions: JobPartitions | None = None
    schedule: str | None = Field(
        default=None, description="Cron, in UTC. With partitions it makes the latest whole one."
    )
    compute: JobCompute = JobCompute()

    @property
    def name(self) -> str:
        """The key as one word."""
        return self.key.replace("/", "__")

    @model_validator(mode="after")
    def _consistent(self) -> "SparkJobSpec":
        problems = [*_unknown_places(self), *_wrong_patterns(self.metadata)]
        if problems:
            raise ValueError("; ".join(problems))
        return self


def fill_in(text: str, places: Mapping[str, str]) -> str:
    """Put values where `{name}` stands; the spec has refused every name that is not there."""
    return _PLACE.sub(lambda found: places[found[1]], text)


def _unknown_places(spec: SparkJobSpec) -> Iterable[str]:
    known = {*PLACES} if spec.partitions else {*PLACES} - {"partition"}
    for text in (*spec.arguments, *spec.environment.values()):
        for name in _PLACE.findall(text):
            if name == "partition" and name not in known:
                yield f"{text!r} asks for the partition, and there are no partitions"
            elif name not in known:
                yield f"{text!r}: {{{name}}} is none of {', '.join(sorted(known))}"


def _wrong_patterns(metadata: Mapping[str, str]) -> Iterable[str]:
    for name, pattern in metadata.items():
        try:
            groups = re.compile(pattern).groups
        except re.error as error:
            yield f"metadata.{name}: {pattern!r} is no pattern: {error}"
            continue
        if groups != 1:
            yield f"metadata.{name}: {pattern!r} has {groups} groups, and needs one"
