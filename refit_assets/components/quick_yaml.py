"""Lets Dagster read YAML by libyaml: half of loading many models is its parser in Python.

Positions stay, so a spec that does not fit is told with its line. Knows nothing of models.
"""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import yaml


class _Loader(yaml.CSafeLoader):
    """libyaml's, whose errors can be given the file's name afterwards, which Dagster does."""

    def check_data(self) -> bool:
        with _writable_marks():
            return super().check_data()

    def get_data(self) -> Any:  # noqa: ANN401 - whatever the document is
        with _writable_marks():
            return super().get_data()


@contextmanager
def quick_yaml() -> Generator[None]:
    """Let what is parsed within be parsed by libyaml."""
    # Dagster makes its loader anew for each file, from what PyYAML calls safe at that moment.
    slow = yaml.SafeLoader
    yaml.SafeLoader = _Loader
    try:
        yield
    finally:
        yaml.SafeLoader = slow


@contextmanager
def _writable_marks() -> Generator[None]:
    try:
        yield
    except yaml.MarkedYAMLError as error:
        error.context_mark = _writable(error.context_mark)
        error.problem_mark = _writable(error.problem_mark)
        raise


def _writable(mark: yaml.Mark | None) -> yaml.Mark | None:
    return mark and yaml.Mark(mark.name, mark.index, mark.line, mark.column, None, 0)
