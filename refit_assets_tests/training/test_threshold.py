"""The cut-off that H2O keeps, where the positive label is the first of the two."""

import math

import pytest

from refit_assets.training.threshold import threshold_of_h2o

CUTS = [0.1, 0.25, 0.42770877657490136, 0.5, 0.9, 1.0, 5e-324, 1e-9, 1 / 3]


def test_a_positive_label_that_comes_second_keeps_its_threshold() -> None:
    assert threshold_of_h2o(0.3, positive_first=False) == 0.3


@pytest.mark.parametrize("cut", CUTS)
def test_the_first_label_is_answered_exactly_from_its_threshold_on(cut: float) -> None:
    kept = threshold_of_h2o(cut, positive_first=True)
    around = [kept, math.nextafter(kept, 0.0), math.nextafter(kept, 1.0), 0.0, 1.0, 1.0 - cut]
    for second in (value for value in around if 0.0 <= value <= 1.0):
        # H2O answers the second label where its probability is at least the threshold.
        is_first = not second >= kept
        assert is_first == (1.0 - second >= cut)


def test_a_threshold_of_zero_makes_every_row_positive() -> None:
    assert threshold_of_h2o(0.0, positive_first=True) > 1.0


def test_a_positive_row_that_h2o_rounded_otherwise_stays_positive() -> None:
    # DRF counts p0 and answers 1 - p0, from which p0 does not come back.
    first = 0.1
    second = 1.0 - first
    assert 1.0 - second < first
    assert threshold_of_h2o(first, positive_first=True) <= second
    assert threshold_of_h2o(first, positive_first=True, largest_second=second) > second
