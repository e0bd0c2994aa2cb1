"""Golden rows and the comparison of predictions, to the last bit."""

from pathlib import Path

import pytest

from refit_assets.errors import DataError
from refit_assets.packaging.parity import (
    compare_predictions,
    opened_table,
    prediction_names,
    render_cell,
    write_examples,
)


def table(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_doubles_are_written_so_that_they_read_back_as_the_same_bits(tmp_path: Path) -> None:
    values = [0.1, 5e-324, -0.0, 1e300, 2 / 3]
    write_examples(tmp_path / "x.csv", {"x": values, "c": ["a", None, 'b"', "d,", ""]})
    lines = (tmp_path / "x.csv").read_text().splitlines()
    assert lines[0] == "x,c"
    assert [float(line.split(",")[0]) for line in lines[1:]] == values
    assert lines[2:5] == ["5e-324,", '-0.0,"b"""', '1e+300,"d,"']


def test_missing_values_are_empty_cells() -> None:
    assert [render_cell(cell) for cell in (None, float("nan"), 3, "x")] == ["", "", "3", "x"]


def test_h2os_mangled_class_names_are_replaced_by_the_classes() -> None:
    columns = ["predict", "p0", "p1", "cal_p0", "cal_p1"]
    assert prediction_names(columns, ["0", "1"]) == ["predict", "p:0", "p:1", "cal:0", "cal:1"]
    assert prediction_names(["predict", "mean_length"], []) == ["predict", "mean_length"]
    assert prediction_names(["anomaly_score", "mean_length"], []) == ["predict", "mean_length"]


def test_equal_predictions_prove_parity_whatever_their_text(tmp_path: Path) -> None:
    expected = table(tmp_path / "e.csv", "AGE,predict,p:0,p:1\n65,0,1e-5,0.5\n,1,,0.25\n")
    actual = table(tmp_path / "a.csv", "predict,p:1,p:0\n0,0.5,1.0E-5\n1,0.25,NaN\n")
    report = compare_predictions(expected, actual, adversarial_rows=7)
    assert report.proven
    assert (report.golden_rows, report.adversarial_rows, report.differing) == (2, 7, 0)


def test_every_differing_row_is_reported_even_by_one_bit(tmp_path: Path) -> None:
    expected = table(tmp_path / "e.csv", "predict\n0.1\n0.0\n3.0\n")
    actual = table(tmp_path / "a.csv", "predict\n0.10000000000000002\n-0.0\n3.0\n")
    report = compare_predictions(expected, actual)
    assert not report.proven
    assert report.differences == (
        "row 0: predict: expected 0.1, found 0.10000000000000002",
        "row 1: predict: expected 0.0, found -0.0",
    )


def test_another_label_is_a_difference(tmp_path: Path) -> None:
    expected = table(tmp_path / "e.csv", "predict,p:a,p:b\na,0.5,0.5\n")
    actual = table(tmp_path / "a.csv", "predict,p:a,p:b\nb,0.5,0.5\n")
    assert compare_predictions(expected, actual).differing == 1


def test_a_row_too_few_or_too_many_is_a_difference(tmp_path: Path) -> None:
    short = table(tmp_path / "e.csv", "predict\n1.0\n")
    long = table(tmp_path / "a.csv", "predict\n1.0\n2.0\n")
    for report in (compare_predictions(short, long), compare_predictions(long, short)):
        assert report.differences == ("row 1: stands in one of the two files only",)


def test_without_known_predictions_nothing_is_proven(tmp_path: Path) -> None:
    expected = table(tmp_path / "e.csv", "AGE\n65\n")
    report = compare_predictions(expected, table(tmp_path / "a.csv", "predict\n1.0\n"))
    assert not report.proven
    assert report.golden_rows == 0


def test_no_rows_prove_nothing(tmp_path: Path) -> None:
    empty = table(tmp_path / "e.csv", "predict\n")
    assert not compare_predictions(empty, empty).proven


def test_prediction_columns_that_do_not_match_are_refused(tmp_path: Path) -> None:
    expected = table(tmp_path / "e.csv", "predict,p:a\na,1.0\n")
    with pytest.raises(DataError, match="expected predict, p:a, found predict"):
        compare_predictions(expected, table(tmp_path / "a.csv", "predict\na\n"))


def test_a_missing_empty_or_ambiguous_file_is_refused_by_name(tmp_path: Path) -> None:
    good = table(tmp_path / "good.csv", "predict\n1.0\n")
    with pytest.raises(DataError, match=r"gone\.csv can't be read"):
        compare_predictions(tmp_path / "gone.csv", good)
    with pytest.raises(DataError, match=r"empty\.csv is empty"):
        compare_predictions(table(tmp_path / "empty.csv", ""), good)
    with pytest.raises(DataError, match="names predict twice"):
        compare_predictions(table(tmp_path / "twice.csv", "predict,predict\n1,1\n"), good)


@pytest.mark.parametrize(
    ("content", "finding"),
    [
        (b"a,b\n1,2\n\n1,2,3\n", "line 4: expected 2 cells, found 3"),
        (b"a,b\n1,2\n1,\xff\n", "not in UTF-8"),
    ],
)
def test_a_row_that_cannot_be_read_is_named_by_file_and_line(
    tmp_path: Path, content: bytes, finding: str
) -> None:
    (tmp_path / "x.csv").write_bytes(content)
    with (
        pytest.raises(DataError, match=rf"x\.csv, .*{finding}"),
        opened_table(tmp_path / "x.csv") as (_, rows),
    ):
        list(rows)
