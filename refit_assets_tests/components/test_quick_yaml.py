"""YAML by libyaml is for Dagster what its own parser made of it, positions included."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from dagster_shared.yaml_utils import parse_yaml_with_source_position
from dagster_shared.yaml_utils.source_position import SourcePositionTree

from refit_assets.components.quick_yaml import quick_yaml
from refit_assets.models import DEFS


def begins(tree: SourcePositionTree, *keys: object) -> Iterator[tuple[object, ...]]:
    """Where everything begins."""
    yield keys, tree.position.filename, tree.position.start
    for key, below in tree.children.items():
        yield from begins(below, *keys, key)


@pytest.mark.parametrize("path", sorted(DEFS.glob("*/defs.yaml")), ids=lambda p: p.parent.name)
def test_values_and_their_lines_are_those_of_the_slow_parser(path: Path) -> None:
    slow = parse_yaml_with_source_position(path.read_text(), str(path))
    with quick_yaml():
        quick = parse_yaml_with_source_position(path.read_text(), str(path))
    assert quick.value == slow.value
    assert [*begins(quick.source_position_tree)] == [*begins(slow.source_position_tree)]


@pytest.mark.parametrize("text", ["a: 1\nb: [", "a: 1\nb: @", "\n@"])
def test_broken_text_is_told_with_file_and_line(text: str) -> None:
    with quick_yaml(), pytest.raises(yaml.YAMLError, match=r'in "defs.yaml", line [23]'):
        parse_yaml_with_source_position(text, "defs.yaml")


def test_what_is_parsed_afterwards_is_parsed_as_before() -> None:
    before = yaml.SafeLoader
    with quick_yaml():
        assert issubclass(yaml.SafeLoader, yaml.CSafeLoader)
    assert yaml.SafeLoader is before
