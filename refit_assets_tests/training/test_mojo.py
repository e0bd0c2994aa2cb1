"""The canonical MOJO: what clock and chance put into a zip is gone, the rest is kept."""

import io
import json
import zipfile

import pytest

from refit_assets.errors import DataError
from refit_assets.training.mojo import (
    Domain,
    canonical_mojo,
    mojo_digest,
    mojo_for_scoring,
    read_domains,
)

INI = """[info]
h2o_version = 3.46.0.11
timestamp = {clock}
uuid = {chance}
default_threshold = 0.3

[columns]
carrier
distance
arrival

[domains]
0: 2 d000.txt
2: 2 d001.txt
"""


def test_two_exports_of_one_model_have_the_same_bytes() -> None:
    one = _mojo(clock="2013-07-01", chance="17", year=2013)
    other = _mojo(clock="2026-11-24", chance="-4", year=2026, backwards=True)
    assert one != other
    assert canonical_mojo(one) == canonical_mojo(other)


def test_another_tree_gives_another_digest() -> None:
    one, other = canonical_mojo(_mojo()), canonical_mojo(_mojo(tree=b"other"))
    assert mojo_digest(one) != mojo_digest(other)


def test_nested_models_are_made_canonical_too() -> None:
    names = _names(canonical_mojo(_mojo()))
    assert names == sorted(names)
    assert not [name for name in names if "experimental" in name]
    nested = _content(canonical_mojo(_mojo(chance="99")), "models/gbm/model.ini").decode()
    assert "uuid = 0\n" in nested
    assert "timestamp" not in nested


def test_what_scoring_needs_stays() -> None:
    ini = _content(canonical_mojo(_mojo()), "model.ini").decode()
    assert "default_threshold = 0.3\n" in ini
    assert _content(canonical_mojo(_mojo()), "trees/t00.bin") == b"tree"


def test_a_canonical_mojo_stays_as_it_is() -> None:
    once = canonical_mojo(_mojo())
    assert canonical_mojo(once) == once


def test_a_mojo_for_scoring_lacks_statistics_and_its_trees_lie_there_as_they_are() -> None:
    whole = canonical_mojo(_mojo())
    scoring = mojo_for_scoring(whole)
    names = _names(whole)
    assert [name for name in names if "_aux" in name] == ["models/gbm/trees/t00_aux.bin"]
    assert _names(scoring) == [name for name in names if "_aux" not in name]
    with zipfile.ZipFile(io.BytesIO(scoring)) as archive:
        stored = [one.filename for one in archive.infolist() if one.compress_type == 0]
    assert stored == ["models/gbm/trees/t00.bin", "trees/t00.bin"]
    assert {_content(scoring, name) == _content(whole, name) for name in _names(scoring)} == {True}


def test_a_forest_keeps_which_inputs_it_uses_and_not_how_much() -> None:
    one = canonical_mojo(_forest([["PSA", "AGE", "RACE"], [103.5, 28.25, 0.0], [1.0, 0.27, 0.0]]))
    # Added up in another order, and told so.
    other = _forest([["AGE", "PSA", "RACE"], [28.250001, 28.25, 0.0], [1.0, 0.99, 0.0]])
    assert canonical_mojo(other) == one
    assert canonical_mojo(one) == one
    details = json.loads(_content(one, "experimental/modelDetails.json"))
    assert {*details["output"]} == {"model_summary", "scoring_history", "variable_importances"}
    table = details["output"]["variable_importances"]
    assert table["data"] == [["AGE", "PSA", "RACE"], [1.0, 1.0, 0.0]]
    assert table["rowcount"] == 3
    assert [column["description"] for column in table["columns"]] == [
        "Variable",
        "Relative Importance",
    ]
    assert "experimental/modelDetails.json" not in _names(mojo_for_scoring(one))


def _forest(data: list[list[str] | list[float]]) -> bytes:
    """A random forest's MOJO with H2O's table of importances, and what else H2O tells beside it."""
    kinds = (("Variable", "string"), ("Relative Importance", "double"), ("Scaled", "double"))
    table = {
        "name": "Variable Importances",
        "description": "",
        "columns": [
            {"name": name.lower(), "type": kind, "format": "%s", "description": name}
            for name, kind in kinds
        ],
        "rowcount": len(data[0]),
        "data": data,
    }
    details = {"output": {"variable_importances": table, "run_time": id(table)}}
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("model.ini", "[info]\nalgo = drf\n")
        archive.writestr("experimental/modelDetails.json", json.dumps(details))
    return target.getvalue()


def test_levels_are_read_with_their_columns() -> None:
    assert read_domains(canonical_mojo(_mojo())) == (
        Domain(column="carrier", levels=("AA", "B6")),
        Domain(column="arrival", levels=("late", "on_time")),
    )


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x03\x04"])
def test_what_is_no_zip_is_refused(content: bytes) -> None:
    with pytest.raises(DataError, match="no MOJO"):
        canonical_mojo(content)


def test_a_zip_of_something_else_is_refused() -> None:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("readme.txt", "hello")
    with pytest.raises(DataError, match=r"without model\.ini"):
        canonical_mojo(target.getvalue())


def _mojo(
    *,
    clock: str = "now",
    chance: str = "1",
    year: int = 2013,
    tree: bytes = b"tree",
    backwards: bool = False,
) -> bytes:
    ini = INI.format(clock=clock, chance=chance).encode()
    entries = {
        "model.ini": ini,
        "domains/d000.txt": b"AA\nB6\n",
        "domains/d001.txt": b"late\non_time\n",
        "trees/": b"",
        "trees/t00.bin": tree,
        "experimental/modelDetails.json": clock.encode(),
        "models/gbm/model.ini": ini,
        "models/gbm/trees/t00.bin": b"another tree",
        "models/gbm/trees/t00_aux.bin": b"statistics of its nodes",
        "models/gbm/experimental/modelDetails.json": clock.encode(),
    }
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name in sorted(entries, reverse=backwards):
            archive.writestr(zipfile.ZipInfo(name, (year, 1, 1, 0, 0, 0)), entries[name])
    return target.getvalue()


def _names(mojo: bytes) -> list[str]:
    with zipfile.ZipFile(io.BytesIO(mojo)) as archive:
        return archive.namelist()


def _content(mojo: bytes, name: str) -> bytes:
    with zipfile.ZipFile(io.BytesIO(mojo)) as archive:
        return archive.read(name)
