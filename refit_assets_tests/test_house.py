"""The house rules that no linter knows: docstrings that settle where code goes, length, names.

Imports are import-linter's, style is ruff's, types are pyright's; all three run in `make check`.
"""

import ast
import re
import statistics
import subprocess
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from refit_assets_tests.syntax import parse, statements

PROJECT = Path(__file__).parents[1]
PACKAGE = PROJECT / "refit_assets"
LONGEST_FUNCTION, MOST_CODE_LINES = 60, 400
BANNED_NAMES = {"utils", "util", "helpers", "helper", "common", "base", "manager", "handler"}
BANNED_NAMES |= {"process", "misc"}
MACHINE_PATHS = re.compile(r"(?<![\w$.}/-])/(?:work|root|home)/\w")
TEXT_FILES = {".py", ".md", ".yaml", ".yml", ".toml", ".java", ".xml", ".sh", ""}


def name_of(path: Path) -> str:
    return str(path.relative_to(PROJECT))


def tracked_files() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [PROJECT / name for name in listed.stdout.split("\0") if name]


@dataclass(frozen=True)
class Module:
    """A module of the package, read once."""

    path: Path
    tree: ast.Module
    code: frozenset[int]
    """Numbers of the lines that hold code: no comment, no docstring, no blank line."""

    @property
    def lengths(self) -> dict[str, int]:
        """Lines of code of every function, its signature included."""
        return {
            f"{name_of(self.path)}:{node.lineno} {node.name}": len(
                self.code.intersection(range(node.lineno, (node.end_lineno or 0) + 1))
            )
            for node in statements(self.tree)
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        }


def read_module(path: Path) -> Module:
    text = path.read_text()
    tree = parse(path)
    code = {
        number
        for number, line in enumerate(text.splitlines(), 1)
        if line.strip() and not line.lstrip().startswith("#")
    }
    for node in statements(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            code -= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return Module(path, tree, frozenset(code))


@pytest.fixture(scope="module")
def modules() -> list[Module]:
    return [read_module(path) for path in sorted(PACKAGE.rglob("*.py"))]


def test_every_module_says_what_belongs_in_it(modules: list[Module]) -> None:
    silent = [name_of(m.path) for m in modules if m.code and not ast.get_docstring(m.tree)]
    assert not silent


def test_modules_stay_short(modules: list[Module]) -> None:
    assert not {name_of(m.path): len(m.code) for m in modules if len(m.code) > MOST_CODE_LINES}


def test_functions_stay_short(modules: list[Module]) -> None:
    lengths = {name: length for m in modules for name, length in m.lengths.items()}
    assert not {name: length for name, length in lengths.items() if length > LONGEST_FUNCTION}
    assert statistics.median(lengths.values()) <= 8
    assert statistics.quantiles(lengths.values(), n=10)[-1] <= 28


def test_modules_are_named_for_what_they_hold(modules: list[Module]) -> None:
    named = {m.path: {*m.path.relative_to(PACKAGE).with_suffix("").parts} for m in modules}
    assert not [name_of(path) for path, parts in named.items() if parts & BANNED_NAMES]


def test_no_file_names_a_path_of_somebodys_machine() -> None:
    found = [
        f"{name_of(path)}:{number}: {line.strip()}"
        for path in tracked_files()
        if path.suffix in TEXT_FILES and path.name != "LICENSE" and path.is_file()
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if MACHINE_PATHS.search(line)
    ]
    assert not found, "\n".join(found)


def make_targets() -> dict[str, str]:
    """Targets that a person may type, and what `make help` says of each."""
    makefile = (PROJECT / "Makefile").read_text()
    return dict(re.findall(r"^([a-z0-9-]+):.*?## (.+)$", makefile, flags=re.MULTILINE))


def test_every_phony_target_is_explained_by_make_help() -> None:
    makefile = (PROJECT / "Makefile").read_text().replace("\\\n", " ")
    phony = set(re.findall(r"^\.PHONY: (.+)$", makefile, flags=re.MULTILINE)[0].split())
    assert phony - set(make_targets()) == {"python", "java", "maven"}  # parts of `setup`


def test_the_targets_that_come_first_are_those_of_a_newcomer() -> None:
    assert list(make_targets())[:3] == ["refit", "test", "dev"]


def documents() -> list[Path]:
    return sorted([PROJECT / "README.md", *(PROJECT / "docs").rglob("*.md")])


@pytest.mark.parametrize("path", documents(), ids=name_of)
def test_every_command_in_the_documents_exists(path: Path) -> None:
    from refit_assets.cli import refit

    text = path.read_text()
    typed = re.findall(r"(?:`|^|\$ )make ([a-z0-9-]+)", text, flags=re.MULTILINE)
    assert not set(typed) - set(make_targets())
    # A word with a dot, a slash or a bracket is no subcommand; nor is one in running prose.
    called = re.findall(r"(?:`|^(?:\.venv/bin/)?|\$ )refit ([a-z-]+)\b", text, flags=re.MULTILINE)
    assert not set(called) - set(refit.commands)


@pytest.mark.parametrize("path", documents(), ids=name_of)
def test_every_link_between_documents_leads_somewhere(path: Path) -> None:
    targets = re.findall(r"\]\((?!https?:|#)([^)#\s]+)", path.read_text())
    lost = [target for target in targets if not (path.parent / target).exists()]
    assert not lost


def test_the_code_location_has_one_name() -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())
    location = project["tool"]["dg"]["project"]["code_location_name"]
    workspace = yaml.safe_load((PROJECT / "workspace.yaml").read_text())
    (module,) = (entry["python_module"] for entry in workspace["load_from"])
    assert module == {"module_name": "refit_assets.definitions", "location_name": location}


def test_an_engine_and_its_python_client_are_pinned_to_one_version() -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    pinned = [*project["optional-dependencies"]["spark"], *project["optional-dependencies"]["h2o"]]
    assert all("==" in requirement for requirement in pinned)
