"""The decision cut-off as H2O keeps it: on the probability of the label that comes second.

Belongs here: turning a cut-off on the positive label's probability into H2O's, exactly. Does not:
choosing it (`metrics`).
"""

import math
import struct


def threshold_of_h2o(
    threshold: float, *, positive_first: bool, largest_second: float = -1.0
) -> float:
    """Return H2O's threshold that calls rows positive from `threshold` on.

    H2O answers its second label where that label's probability p1 is at least the threshold. If
    the positive label is the first, with probability fl(1 - p1), the least p1 is sought for which
    it is below `threshold`. DRF, XGBoost and deep learning round otherwise: `largest_second`, the
    largest p1 among rows known to be positive, stays below what is returned.
    """
    if not positive_first:
        return threshold
    return max(_least_second(threshold), math.nextafter(largest_second, math.inf))


def _least_second(threshold: float) -> float:
    low, high = 0, _ordinal(1.0)
    if 1.0 - _double(high) >= threshold:
        # Every row is positive, even where p1 is 1: H2O has to see a threshold above all.
        return _double(high + 1)
    while low < high:
        middle = (low + high) // 2
        if 1.0 - _double(middle) < threshold:
            high = middle
        else:
            low = middle + 1
    return _double(low)


def _ordinal(value: float) -> int:
    """Number the doubles from 0.0 on in their order."""
    return int(struct.unpack("<q", struct.pack("<d", value))[0])


def _double(ordinal: int) -> float:
    return float(struct.unpack("<d", struct.pack("<q", ordinal))[0])
