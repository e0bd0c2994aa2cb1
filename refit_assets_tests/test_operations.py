"""docs/operations.md against the code: whatever can alarm has a row, and no row is of the past."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import get_args

import pytest

from refit_assets.release.decisions import Reason
from refit_assets_tests.code_location import repository
from refit_assets_tests.syntax import parse, statements

PROJECT = Path(__file__).parents[1]
TEXT = (PROJECT / "docs/operations.md").read_text()
FIRST_CELL = re.compile(r"^\| (`[^|]*) \|", re.MULTILINE)
QUOTED = re.compile(r"`([^`]+)`")


def rows(heading: str) -> list[str]:
    """What is quoted in the first column of the tables of a section."""
    section = TEXT.split(f"## {heading}\n")[1].split("\n## ")[0]
    return [one for cell in FIRST_CELL.findall(section) for one in QUOTED.findall(cell)]


def fits(name: str, known: list[str]) -> bool:
    """Whether a name is there, or its family: `floor_…`."""
    return any(name == one or (one.endswith("…") and name.startswith(one[:-1])) for one in known)


def test_every_check_has_a_row() -> None:
    checks = {
        (key.asset_key.path[-1], key.name)
        for key in repository().asset_graph.asset_check_keys
        if len(key.asset_key.path) > 1
    }
    known = {True: rows("Monitoring found something"), False: rows("A check failed")}
    assert {name for asset, name in checks if not fits(name, known[asset == "monitoring"])} == set()
    assert len(checks) > 20


def test_every_reason_to_refit_or_not_to_has_a_row() -> None:
    assert {*get_args(Reason)} == {*rows("What runs by itself")} & {*get_args(Reason)}


def test_every_sensor_has_a_row() -> None:
    known = [one.replace("<model>", "") for one in rows("What runs by itself")]
    names = {sensor.name for sensor in repository().sensor_defs}
    assert {f"__{name.partition('__')[2]}" for name in names} <= {*known}


@cache
def messages() -> dict[str, list[str]]:
    """Every text in the code by the error that it is raised as; `…` is what is filled in."""
    found: dict[str, list[str]] = {}
    for path in sorted((PROJECT / "refit_assets").rglob("*.py")):
        for function in statements(parse(path)):
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                for error, text in _raised(function):
                    found.setdefault(error, []).append(text)
    return found


def _raised(function: ast.AST) -> Iterator[tuple[str, str]]:
    nodes = [*statements(function)]
    texts = [(n.lineno, _text(n)) for n in nodes if isinstance(n, ast.Assign | ast.Return)]
    for node in nodes:
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
            name = node.exc.func.id if isinstance(node.exc.func, ast.Name) else ""
            before = [text for line, text in sorted(texts) if line <= node.lineno and " " in text]
            yield name, before[-1] if before else ""
    yield "", "\n".join(text for _, text in texts)


def _text(node: ast.AST) -> str:
    """The longest text within, its placeholders as dots."""
    filled: list[str] = []
    plain: list[str] = []
    for one in ast.walk(node):
        if isinstance(one, ast.JoinedStr):
            parts = (p.value if isinstance(p, ast.Constant) else "…" for p in one.values)
            filled.append("".join(parts))
        elif isinstance(one, ast.Constant) and type(one.value) is str:
            plain.append(one.value)
    return max([*filled, *plain], key=len, default="")


@pytest.mark.parametrize("said", rows("An error says"))
def test_every_error_of_the_table_is_one_that_the_code_can_say(said: str) -> None:
    parts = [part for part in said.split("…") if part.strip()]
    every = [text for texts in messages().values() for text in texts]
    assert any(all(part.strip() in text for part in parts) for text in every), said


def test_whatever_the_ledger_refuses_has_a_row() -> None:
    known = [[p.strip() for p in one.split("…") if p.strip()] for one in rows("An error says")]
    refused = [text for text in messages()["LedgerError"] if text and "expected UTC" not in text]
    assert len(refused) >= 10
    assert [t for t in refused if not any(all(p in t for p in one) for one in known)] == []
