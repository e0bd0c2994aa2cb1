"""CPU seconds of loading the code location, Dagster's own import left out; for `make bench`.

    python -m benchmarks.loading [MODELS]

With a number, a copy of the package is loaded that has so many models: flight_delay, renamed.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
MODEL = "flight_delay"
LOAD = """
import time, dagster
started = time.process_time()
from refit_assets.definitions import defs
found = defs().get_repository_def()
found.get_all_jobs()
used = time.process_time() - started
models = {key.path[0] for key in found.asset_graph.get_all_asset_keys()} - {"landing"}
assert len(models) == MODELS, models
print(used)
"""


def main() -> None:
    """Print the seconds."""
    if len(sys.argv) == 1:
        _load(ROOT, len([*(ROOT / "refit_assets" / "defs").glob("*/defs.yaml")]))
        return
    models = int(sys.argv[1])
    with tempfile.TemporaryDirectory(prefix="refit-bench-") as name:
        root = Path(name)
        _copy(root, models)
        # Once to compile the copy, which the package itself is; once to measure.
        _load(root, models, silent=True)
        _load(root, models)


def copy_package(root: Path) -> Path:
    """Copy the package, with what it reads beside itself; returns the folder of its models."""
    shutil.copytree(ROOT / "refit_assets", root / "refit_assets")
    for name in ("pyproject.toml", "dagster.yaml"):
        shutil.copy(ROOT / name, root)
    return root / "refit_assets" / "defs"


def _copy(root: Path, models: int) -> None:
    defs = copy_package(root)
    text = (defs / MODEL / "defs.yaml").read_text()
    shutil.rmtree(defs)
    for n in range(models):
        (defs / f"model_{n}").mkdir(parents=True)
        named = text.replace(f"name: {MODEL}", f"name: model_{n}", 1)
        (defs / f"model_{n}" / "defs.yaml").write_text(named)


def _load(root: Path, models: int, *, silent: bool = False) -> None:
    program = LOAD.replace("MODELS", str(models))
    output = subprocess.DEVNULL if silent else None
    # Empty means unset: otherwise each load would compile all modules anew.
    compiled = {**os.environ, "PYTHONDONTWRITEBYTECODE": ""}
    # From its own folder, which comes before the installed package.
    command = [sys.executable, "-c", program]
    subprocess.run(command, check=True, cwd=root, stdout=output, env=compiled)


if __name__ == "__main__":
    main()
