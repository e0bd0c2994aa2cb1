"""Golden rows: a sample that follows from the keys, and every edge once."""

from typing import Any

import numpy as np
import pytest

from refit_assets.column_types import ColumnType
from refit_assets.features.contract import Column, InputContract
from refit_assets.training.golden import (
    UNSEEN_LEVEL,
    GoldenInputs,
    Row,
    build_golden_rows,
    cell_text,
    choose_sample,
)

CONTRACT = InputContract(
    columns=(
        Column(name="kind", type=ColumnType.parse("category")),
        Column(name="place", type=ColumnType.parse("category"), nullable=True),
        Column(name="size", type=ColumnType.parse("int")),
        Column(name="share", type=ColumnType.parse("decimal(5,4)"), nullable=True),
    ),
    target="arrival",
)
SAMPLE: tuple[Row, ...] = (
    {"kind": "a", "place": None, "size": "3", "share": None},
    {"kind": "b", "place": "x", "size": "4", "share": "0.5000"},
)


def test_a_sample_follows_from_the_keys_and_not_from_their_order() -> None:
    keys = np.arange(1000, dtype=np.int64) * 7
    shuffled = np.random.default_rng(1).permutation(keys)
    assert list(keys[choose_sample(keys, 20)]) == list(shuffled[choose_sample(shuffled, 20)])


def test_a_sample_is_spread_and_sorted() -> None:
    chosen = choose_sample(np.arange(10_000, dtype=np.int64), 100)
    assert list(chosen) == sorted(chosen)
    assert np.ptp(chosen) > 9000


def test_a_sample_of_few_rows_is_all_of_them() -> None:
    assert list(choose_sample(np.array([5, 3, -4]), 300)) == [2, 1, 0]


def test_the_sample_comes_first_and_no_row_comes_twice() -> None:
    rows = _rows(sample=(*SAMPLE, SAMPLE[0]))
    assert rows[:2] == SAMPLE
    assert len({tuple(row.items()) for row in rows}) == len(rows)


def test_all_that_may_be_missing_is_missing_at_once_and_one_by_one() -> None:
    rows = _rows()
    for place, share in ((None, None), (None, "0.5000"), ("x", None)):
        assert {"kind": "b", "place": place, "size": "4", "share": share} in rows


def test_what_the_contract_requires_is_never_missing() -> None:
    assert all(row["kind"] is not None and row["size"] is not None for row in _rows())


def test_every_level_and_an_unseen_one_of_every_category_are_there() -> None:
    rows = _rows()
    assert {row["kind"] for row in rows} == {"a", "b", "c", UNSEEN_LEVEL}
    assert {row["place"] for row in rows} == {None, "x", "y", UNSEEN_LEVEL}


def test_an_empty_level_is_left_out_because_a_cell_cannot_say_it() -> None:
    assert "" not in {row["kind"] for row in _rows(levels={"kind": ("", "a")})}


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("size", ("-2000000000", "-7", "0", "12", "2000000000")),
        ("share", ("-9.9999", "0.0100", "0.0000", "0.9000", "9.9999")),
    ],
)
def test_numbers_go_to_their_extremes_and_far_beyond(name: str, values: tuple[str, ...]) -> None:
    assert set(values) <= {row[name] for row in _rows()}


def test_all_numbers_are_extreme_together_once() -> None:
    assert {"kind": "b", "place": "x", "size": "12", "share": "0.9000"} in _rows()


def test_an_input_without_any_value_in_training_has_extremes_too() -> None:
    assert "2000000000" in {row["size"] for row in _rows(ranges={})}


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        ("int", 12.0, "12"),
        ("decimal(6,4)", 0.1, "0.1000"),
        ("decimal(18,12)", 1e-12, "0.000000000001"),
        ("category", "1e5", "1e5"),
        ("int", None, None),
        ("decimal(6,4)", float("nan"), None),
    ],
)
def test_cells_are_exact_text_without_exponents(
    kind: str, value: float | str | None, text: str | None
) -> None:
    assert cell_text(Column(name="c", type=ColumnType.parse(kind)), value) == text


def _rows(**changes: Any) -> tuple[Row, ...]:  # noqa: ANN401
    content: dict[str, Any] = {
        "contract": CONTRACT,
        "sample": SAMPLE,
        "ranges": {"size": (-7.0, 12.0), "share": (0.01, 0.9)},
        "levels": {"kind": ("a", "b", "c"), "place": ("x", "y")},
    }
    return build_golden_rows(GoldenInputs(**(content | changes)))
