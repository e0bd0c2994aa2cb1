"""Checks Kubernetes objects against the schemas of one release: `python validate.py FILE...`.

Run by `deploy/check`, which brings the schemas' package.
"""

import sys
from pathlib import Path

import kubernetes_validate
import yaml

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
    try:
        kubernetes_validate.validate(found, RELEASE, strict=True)
    except kubernetes_validate.ValidationError as error:
        print(f"{name}: {'.'.join(map(str, error.path))}: {error.message}", file=sys.stderr)
        return True
    return False


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
