"""The recipe of a feature table: the model's own code and all that its YAML says about features.

A day computed by another recipe is due again. Where its rows come out the same, so does its
digest, and nothing downstream is refitted.
"""

import hashlib
import json
from importlib.util import find_spec
from pathlib import Path

from refit_assets.errors import SpecError
from refit_assets.spec import ModelSpec


def module_name(spec: ModelSpec) -> str:
    """Name of the module that holds the model's `features`."""
    return spec.features.module or f"refit_assets.defs.{spec.name}.features"


def recipe_digest(spec: ModelSpec) -> str:
    """Sixteen hex digits over the source of features.py, the sources, the features, the target.

    Raises:
        SpecError: the model has no features.py.

    """
    name = module_name(spec)
    try:
        # Found and not imported: sensors ask for it, and features.py brings PySpark along.
        found = find_spec(name)
    except ModuleNotFoundError:
        found = None
    if found is None or found.origin is None:
        message = f"model {spec.name} has no features.py: no module {name}"
        raise SpecError(message)
    # Refits, trials and gates change no row, and must not make all days due.
    said = spec.model_dump(mode="json", include={"sources", "features", "target"})
    digest = hashlib.sha256(Path(found.origin).read_bytes())
    digest.update(json.dumps(said, sort_keys=True).encode())
    return digest.hexdigest()[:16]
