"""Types of columns that land, in Spark SQL's spelling. No I/O, and no Arrow: specs are read often.

What Arrow makes of them is `features.cells`; types of features, which H2O limits, are the spec's.
"""

import re

LANDED_TYPES = ("int", "bigint", "double", "string", "timestamp", "date", "boolean")
_MOST_DIGITS = 38
_DECIMAL = re.compile(r"decimal\(\s*(\d+)\s*,\s*(\d+)\s*\)")


def read_decimal(declared: str) -> tuple[int, int] | None:
    """Digits in all and after the point of a `decimal(p,s)`; None where it is none."""
    match = _DECIMAL.fullmatch(declared)
    return (int(match[1]), int(match[2])) if match else None


def landed_type(declared: object) -> str:
    """Return a declared type in its one spelling, e.g. `decimal(12,2)`.

    Raises:
        ValueError: Spark has no such type, or landed files have no such values.

    """
    bare = re.sub(r"\s", "", str(declared)).lower()
    digits, scale = read_decimal(bare) or (0, 0)
    if bare not in LANDED_TYPES and not 0 < max(digits, scale) == digits <= _MOST_DIGITS:
        known = ", ".join(LANDED_TYPES)
        message = f"{declared!r} is no type of a source's column; write {known} or decimal(p,s)"
        raise ValueError(message)
    return bare
