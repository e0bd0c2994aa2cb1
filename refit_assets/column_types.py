"""Types of columns, as they land (Spark SQL's) and as features (those that H2O reads exactly).

No I/O, and no Arrow: specs are read often. What Arrow makes of them is `features.cells`.
"""

import re
from typing import Literal

from pydantic import BaseModel, ConfigDict

MOST_DECIMAL_DIGITS = 18
"""H2O imports DECIMAL up to 18 digits exactly; doubles it does not (up to 7 ulp off)."""

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


class ColumnType(BaseModel):
    """`int`, `decimal(p,s)`, `category`, or `number` (a double: only for a stranger's MOJO)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["int", "decimal", "category", "number"]
    precision: int = 0
    scale: int = 0

    @classmethod
    def parse(cls, text: str) -> "ColumnType":
        """Read the notation of the YAML.

        Raises:
            ValueError: it is none of the notations above, or has more than 18 digits.

        """
        bare = str(text).strip().lower()
        if bare in {"int", "category", "number"}:
            return cls.model_validate({"kind": bare})
        digits = read_decimal(bare)
        if digits is None:
            message = f"{text!r} is no type; write int, decimal(precision, scale) or category"
            raise ValueError(message)
        precision, scale = digits
        if not scale <= precision <= MOST_DECIMAL_DIGITS or not precision:
            message = f"{text!r}: 1 to {MOST_DECIMAL_DIGITS} digits, no more after the point"
            raise ValueError(message)
        return cls(kind="decimal", precision=precision, scale=scale)

    def __str__(self) -> str:
        """Render as `parse` reads it."""
        return f"decimal({self.precision},{self.scale})" if self.kind == "decimal" else self.kind
