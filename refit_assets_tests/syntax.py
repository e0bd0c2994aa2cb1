"""Python's statements, for tests that read the code: its expressions are most of a tree."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path


@cache
def parse(path: Path) -> ast.Module:
    """Parse a module once: all of ours take as long as many tests."""
    return ast.parse(path.read_text(), filename=str(path))


def statements(node: ast.AST) -> Iterator[ast.AST]:
    """Walk through the statements below a node, in the order of the text."""
    for field in ("body", "handlers", "orelse", "finalbody", "cases"):
        below = getattr(node, field, ())
        # The body of a lambda or of a conditional expression is no list.
        for one in below if isinstance(below, list) else ():
            yield one
            yield from statements(one)
