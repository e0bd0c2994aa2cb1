"""A scoring jar as Spark needs to know it: the class that scores, and the inputs it asks for.

Read from the jar itself, so that a version of years ago is used as it was made.
"""

import json
import zipfile
from dataclasses import dataclass
from pathlib import Path

from refit_assets.errors import DataError


@dataclass(frozen=True, kw_only=True)
class SparkFunction:
    """The function that a scoring jar has for Spark."""

    class_name: str
    inputs: tuple[str, ...]
    """Names of the columns that it reads, in the order of the contract."""


def read_function(jar: Path) -> SparkFunction:
    """Find the function in a runnable jar.

    Raises:
        DataError: the jar has none: it was packaged before there was one.

    """
    with zipfile.ZipFile(jar) as inside:
        found = [name for name in inside.namelist() if name.endswith("/ScoreUdf.class")]
        if not found:
            message = f"{jar.name} has no function for Spark: package its refit again"
            raise DataError(message)
        folder = found[0].rpartition("/")[0]
        contract = json.loads(inside.read(f"{folder}/contract.json"))
    return SparkFunction(
        class_name=found[0].removesuffix(".class").replace("/", "."),
        inputs=tuple(column["name"] for column in contract["columns"]),
    )
