"""Finds the models: reads each `defs/<model>/defs.yaml` into its ModelSpec, without Dagster.

For whoever needs specs but no asset graph: the command line and the sources that models share.
The component reads the same file through Dagster; both validate by `spec.ModelSpec`.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from refit_assets.errors import SpecError
from refit_assets.spec import ModelSpec

DEFS = Path(__file__).parent / "defs"
COMPONENT = "refit_assets.components.RefitModel"
# Written in C: loading fifty models would otherwise be mostly YAML.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_models(folder: Path = DEFS) -> dict[str, ModelSpec]:
    """Read all models below a folder, by name.

    Raises:
        SpecError: a file is no spec, or two files name one model.

    """
    models: dict[str, ModelSpec] = {}
    for path in sorted(folder.glob("*/defs.yaml")):
        spec = read_model(path)
        if spec is None:
            continue
        if spec.name in models:
            message = f"{path}: another model is called {spec.name} already"
            raise SpecError(message)
        models[spec.name] = spec
    return models


def find_model(name: str, folder: Path = DEFS) -> ModelSpec:
    """Return the model of that name; SpecError lists those that are there."""
    models = read_models(folder)
    if name not in models:
        message = f"no model {name!r} below {folder}; there are: {', '.join(models) or 'none'}"
        raise SpecError(message)
    return models[name]


def read_model(path: Path) -> ModelSpec | None:
    """Read one file; None where it describes another kind of component.

    Raises:
        SpecError: names the file, the line and the key of everything that does not fit.

    """
    text = path.read_text()
    try:
        content = yaml.load(text, _LOADER)  # noqa: S506 - a safe one
    except yaml.YAMLError as error:
        message = f"{path}: {error}"
        raise SpecError(message) from error
    if not isinstance(content, dict) or content.get("type") != COMPONENT:
        return None
    try:
        return ModelSpec.model_validate(content.get("attributes") or {})
    except ValidationError as error:
        # Read once more as nodes, for only they know their lines.
        root = yaml.compose(text, _LOADER)
        lines = [
            f"{path}:{_line_of(root, ('attributes', *problem['loc']))}: "
            f"{'.'.join(map(str, problem['loc'])) or 'attributes'}: {problem['msg']}"
            for problem in error.errors()
        ]
        raise SpecError("\n".join(lines)) from error


def line_of(path: Path, *keys: str | int) -> int:
    """Line of the deepest of the keys, one below the other, that a YAML file has; from 1."""
    return _line_of(yaml.compose(path.read_text()), keys)


def _line_of(node: Any, path: Sequence[str | int]) -> int:  # noqa: ANN401 - yaml's nodes
    """Line of the deepest key of a path that the document has."""
    line: int = node.start_mark.line
    for step in path:
        found = _step_into(node, step)
        if found is None:
            break
        key, node = found
        line = key.start_mark.line
    return line + 1


def _step_into(node: Any, step: str | int) -> tuple[Any, Any] | None:  # noqa: ANN401
    if isinstance(node, yaml.MappingNode):
        return next(((k, v) for k, v in node.value if k.value == str(step)), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        return node.value[step], node.value[step]
    return None
