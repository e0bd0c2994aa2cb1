"""The digest of a day's rows: the same for the same rows, in whatever order and partitioning.

Two independent 64-bit hashes a row, summed exactly by halves (a sum of halves cannot overflow
below 2^31 rows a day), then SHA-256 over the sums, the number of rows and the input contract.
Belongs here: how rows become a digest. Does not: which rows (`job`).
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, Row

_HASHES = ("_hash_a", "_hash_b")
SUMS = {
    f"sum{name.removeprefix('_hash')}_{half}": f"sum({bits})"
    for name in _HASHES
    for half, bits in (("high", f"shiftright({name}, 32)"), ("low", f"{name} & {0xFFFFFFFF}"))
}
"""What a day's digest is made of, as aggregates of `_hashed` rows in Spark's SQL."""


def aggregate_days(
    rows: "DataFrame", columns: Sequence[str], aggregates: Mapping[str, str]
) -> "list[Row]":
    """Aggregate the rows of each `day`, in one pass: their number as `rows`, `SUMS`, and others.

    Args:
        rows: At least `day`, and what is named below.
        columns: Those that the digest is over.
        aggregates: Spark's SQL by name.

    """
    from pyspark.sql import functions as f

    asked = {"rows": "count(*)", **aggregates, **SUMS}
    named = [f.expr(f"{aggregate} as `{name}`") for name, aggregate in asked.items()]
    return _hashed(rows, columns).groupBy("day").agg(*named).collect()


def _hashed(rows: "DataFrame", columns: Sequence[str]) -> "DataFrame":
    """Add two hashes over columns to every row."""
    # A column that moved in the YAML is no other content.
    names = [f"`{name}`" for name in sorted(columns)]
    # Spark's hash skips nulls, so that (null, 5) would equal (5, null): these tell them apart.
    content = ", ".join([*(f"{name} is null" for name in names), *names])
    # In a step of their own: each is summed twice, and is planned and computed once.
    return rows.selectExpr("*", *(f"xxhash64('{name}', {content}) as {name}" for name in _HASHES))


def digest_of_day(
    *, rows: int, sums: Sequence[int], types: Mapping[str, str], contract_digest: str
) -> str:
    """Return 64 hex digits; `types` are the table's columns, their order is left out."""
    content = {
        "rows": rows,
        "sums": [str(value) for value in sums],
        "types": sorted(types.items()),
        "contract": contract_digest,
    }
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()
