"""`make bench`: the pipeline beside a bare script, alternating, and the table of ratios.

Every figure of a table comes from one run of this program on one machine: only ratios travel.
ROUNDS=2 in the environment does everything twice and shows the smaller of both.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

UNTIL = date(2013, 12, 16)
NEXT = date(2013, 12, 23)
REFIT = [str(Path(sys.executable).with_name("refit"))]
COMPARED = ("features", "training_set", "trials")
"""The stages that the bare script has, too."""


def main() -> None:
    """Measure, then print the table in Markdown."""
    rounds = int(os.environ.get("ROUNDS", "1"))
    with tempfile.TemporaryDirectory(prefix="refit-bench-") as name:
        measured = [_round(Path(name) / str(n)) for n in range(rounds)]
    best = {key: min(one[key] for one in measured) for key in measured[0]}
    print(_table(best))


def _round(folder: Path) -> dict[str, float]:
    home = folder / "home"
    cold = _refit(home, UNTIL)
    bare = _bare(home / "landing", folder / "bare")
    again = _seconds([*REFIT, "demo", "--until", UNTIL.isoformat()], home)
    week = _refit(home, NEXT)
    return {
        "refit": _sum(cold, "seconds"),
        "refit_shared": _sum({k: cold[k] for k in COMPARED}, "seconds"),
        "bare": _sum(bare, "seconds"),
        "features_cpu": cold["features"]["cpu_seconds"],
        "bare_features_cpu": bare["features"]["cpu_seconds"],
        "week": _sum(week, "seconds"),
        "nothing_new": again,
        "load_1": _load_cpu(1),
        "load_50": _load_cpu(50),
    }


def _refit(home: Path, until: date) -> dict[str, dict[str, float]]:
    command = [*REFIT, "demo", "--json", "--until", until.isoformat()]
    return json.loads(_run(command, home))["seconds"]


def _bare(landing: Path, work: Path) -> dict[str, dict[str, float]]:
    work.mkdir()
    script = Path(__file__).with_name("bare.py")
    printed = _run([sys.executable, str(script), str(landing), str(work), UNTIL.isoformat()], work)
    return json.loads(printed.splitlines()[-1])


def _seconds(command: Sequence[str], home: Path) -> float:
    started = time.monotonic()
    _run(command, home)
    return round(time.monotonic() - started, 2)


def _run(command: Sequence[str], home: Path) -> str:
    environment = {**os.environ, "REFIT_HOME": str(home)}
    return subprocess.run(
        command, check=True, stdout=subprocess.PIPE, text=True, env=environment
    ).stdout


def _load_cpu(models: int) -> float:
    """CPU seconds of building the graphs of so many models, Dagster's own import left out."""
    program = (
        "import time, dagster\n"
        "started = time.process_time()\n"
        "from refit_assets.assets.refit import build_refit_defs\n"
        "from refit_assets.models import find_model\n"
        "spec = find_model('flight_delay')\n"
        f"for n in range({models}):\n"
        "    build_refit_defs(spec.model_copy(update={'name': f'model_{n}'}))\n"
        "print(time.process_time() - started)\n"
    )
    return float(_run([sys.executable, "-c", program], Path.cwd()))


def _sum(stages: dict[str, dict[str, float]], what: str) -> float:
    return round(sum(figures[what] for figures in stages.values()), 1)


def _table(found: dict[str, Any]) -> str:
    ratios = [
        ("a whole refit against the bare script, wall", "refit", "bare", 1.05),
        ("the stages that both have, wall", "refit_shared", "bare", 0.85),
        ("features, CPU", "features_cpu", "bare_features_cpu", 1.05),
        ("a weekly refit after one new week against a cold one, wall", "week", "refit", 0.6),
        ("50 models loaded against one, CPU", "load_50", "load_1", 3),
    ]
    lines = ["| what | measured | against | ratio | goal |", "|---|---|---|---|---|"]
    for what, one, other, goal in ratios:
        ratio = found[one] / found[other]
        lines.append(
            f"| {what} | {found[one]:.1f} s | {found[other]:.1f} s | {ratio:.2f} | {goal} |"
        )
    lines.append(f"| a refit with nothing new, wall | {found['nothing_new']:.1f} s | | | 5 s |")
    lines.append(f"| definitions of one model, CPU | {found['load_1']:.2f} s | | | 2 s |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
