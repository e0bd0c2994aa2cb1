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
    from pyspark.sql import Column

SUMS = ("sum_a_high", "sum_a_low", "sum_b_high", "sum_b_low")
# A bigint has 63 bits beside its sign.
_FLAGS_A_WORD = 60


def build_digest_sums(columns: Sequence[str]) -> "list[Column]":
    """Build the aggregates, named as in `SUMS`, over columns of exact types (no doubles)."""
    from pyspark.sql import functions as f

    # A column that moved in the YAML is no other content.
    names = sorted(columns)
    hashes = {"a": _row_hash(names, salt="refit-a"), "b": _row_hash(names, salt="refit-b")}
    aggregates: list[Column] = []
    for letter, hashed in hashes.items():
        aggregates.append(f.sum(f.shiftright(hashed, 32)).alias(f"sum_{letter}_high"))
        low = hashed.bitwiseAND(f.lit(0xFFFFFFFF))
        aggregates.append(f.sum(low).alias(f"sum_{letter}_low"))
    return aggregates


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


def _row_hash(names: Sequence[str], *, salt: str) -> "Column":
    from pyspark.sql import functions as f

    # Spark's hash skips nulls, so that (null, 5) would equal (5, null): the marks tell them apart.
    marks = [
        _null_marks(names[begin : begin + _FLAGS_A_WORD])
        for begin in range(0, len(names), _FLAGS_A_WORD)
    ]
    return f.xxhash64(f.lit(salt), *marks, *(f.col(name) for name in names))


def _null_marks(names: Sequence[str]) -> "Column":
    from pyspark.sql import functions as f

    marks = f.lit(0).cast("bigint")
    for place, name in enumerate(names):
        flag = f.when(f.col(name).isNull(), f.lit(1 << place)).otherwise(f.lit(0))
        marks = marks.bitwiseOR(flag.cast("bigint"))
    return marks
