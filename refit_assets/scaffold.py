"""Writes the two files of a new model, which work as they are, for its owner to change.

Belongs here: where the files go, and refusing to touch what is there. What they say lies in
`scaffold_templates/`. Does not: reading models (`models`).
"""

from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from refit_assets.errors import SpecError
from refit_assets.spec import Name

TEMPLATES = Path(__file__).parent / "scaffold_templates"
PLACEHOLDER = "NAME_OF_THE_MODEL"


def scaffold(name: str, folder: Path) -> tuple[Path, ...]:
    """Write defs.yaml and features.py into `folder`/`name`, and return their paths.

    The model learns from the demo's flights, so that it runs before a word of it is changed.

    Raises:
        SpecError: the name does not fit a model, or its folder is there already.

    """
    try:
        TypeAdapter(Name).validate_python(name)
    except ValidationError as error:
        message = (
            f"{name!r} cannot name a model: expected a small letter, then small letters, digits "
            "and underscores, 63 at most; for example: refit new late_parcels"
        )
        raise SpecError(message) from error
    target = folder / name
    target.mkdir(parents=True, exist_ok=True)
    # dg makes the folder before it asks for its content.
    if any(target.iterdir()):
        message = f"{target} is there already: choose another name, or remove it first"
        raise SpecError(message)
    return tuple(
        _write(template, target, name) for template in sorted(TEMPLATES.glob("*.template"))
    )


def _write(template: Path, target: Path, name: str) -> Path:
    path = target / template.stem
    path.write_text(template.read_text().replace(PLACEHOLDER, name))
    return path
