"""Checks objects against their schemas, Kubernetes' own and Argo's: `python validate.py FILE...`.

Run by `deploy/check`, which brings the packages with the schemas. Argo's CRDs, as it is installed,
accept anything; hera's models are generated from Argo's API, and what they lose is unknown to it.
"""

import sys
from pathlib import Path

import kubernetes_validate
import yaml
from hera.workflows import models as argo
from pydantic import ValidationError

RELEASE = "1.32"


def main(paths: list[str]) -> int:
    """Check all objects; the code is 1 if any is wrong."""
    wrong = 0
    for path in map(Path, paths):
        objects = [found for found in yaml.safe_load_all(path.read_text()) if found]
        for found in objects:
            wrong += _is_wrong(path, found)
        print(f"{path.stem}: {len(objects)} objects")
    return 1 if wrong else 0


def _is_wrong(path: Path, found: dict) -> bool:
    name = f"{path.stem}: {found['kind']}/{found['metadata']['name']}"
    if found["apiVersion"].startswith("argoproj.io/"):
        problems = _argo_problems(found)
        for problem in problems:
            print(f"{name}: {problem}", file=sys.stderr)
        return bool(problems)
    try:
        kubernetes_validate.validate(found, RELEASE, strict=True)
    except kubernetes_validate.ValidationError as error:
        print(f"{name}: {'.'.join(map(str, error.path))}: {error.message}", file=sys.stderr)
        return True
    return False


def _argo_problems(found: dict) -> list[str]:
    try:
        read = getattr(argo, found["kind"]).model_validate(found)
    except ValidationError as error:
        return [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()]
    known = read.model_dump(by_alias=True, exclude_none=True, mode="json")
    return [f"{path}: unknown to Argo" for path in _lost(found, known)]


def _lost(given: object, kept: object, path: str = "") -> list[str]:
    """Paths that are given and were not kept."""
    if isinstance(given, dict) and isinstance(kept, dict):
        gone = [f"{path}.{key}" for key in given if key not in kept]
        both = [(f"{path}.{key}", given[key], kept[key]) for key in given if key in kept]
    elif isinstance(given, list) and isinstance(kept, list):
        gone = []
        both = [(f"{path}.{n}", *pair) for n, pair in enumerate(zip(given, kept, strict=True))]
    else:
        return []
    return gone + [lost for where, one, other in both for lost in _lost(one, other, where)]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
