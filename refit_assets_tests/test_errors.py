"""Messages of errors: everything that is wrong, as far as anybody reads."""

import pytest

from refit_assets.errors import DataError, Finding, ParityError, PublishError, WorkloadFailed


def findings(count: int) -> list[Finding]:
    return [
        Finding(where="flights.csv", row=n, column="hour", expected="int", found=f"'{n}x'")
        for n in range(count)
    ]


@pytest.mark.parametrize(
    ("count", "left"), [(20, None), (21, "  and 1 more"), (45, "  and 25 more")]
)
def test_twenty_findings_are_shown_and_the_rest_is_counted(count: int, left: str | None) -> None:
    error = DataError("bad values", findings(count), cure="land it again")
    lines = str(error).splitlines()
    assert lines[0] == "bad values"
    assert lines[1] == "  flights.csv, row 0, column hour: expected int, found '0x'"
    assert lines[20] == "  flights.csv, row 19, column hour: expected int, found '19x'"
    assert lines[21:] == [*([left] if left else []), "land it again"]
    assert len(error.findings) == count


def test_an_error_without_findings_is_its_sentence() -> None:
    assert str(DataError("no such day")) == "no such day"


@pytest.mark.parametrize(
    ("row", "column", "place"),
    [(None, None, "table"), (3, None, "table, row 3"), (None, "hour", "table, column hour")],
)
def test_a_finding_tells_its_place_as_far_as_it_is_known(
    row: int | None, column: str | None, place: str
) -> None:
    finding = Finding(where="table", row=row, column=column, expected="1", found="2")
    assert str(finding) == f"{place}: expected 1, found 2"


def test_a_lack_of_parity_shows_all_rows_that_differ() -> None:
    differences = [f"row {n}" for n in range(30)]
    error = ParityError("30 rows differ", differences)
    assert str(error).splitlines() == ["30 rows differ", *(f"  {line}" for line in differences)]
    assert error.differences == tuple(differences)


@pytest.mark.parametrize("kind", [PublishError, WorkloadFailed])
def test_a_failure_is_final_unless_it_says_otherwise(
    kind: type[PublishError | WorkloadFailed],
) -> None:
    assert not kind("broken").transient
    assert kind("busy", transient=True).transient
