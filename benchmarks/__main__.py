"""`make bench`: the pipeline beside a bare script, alternating, and the table of ratios.

Every figure of a table comes from one run of this program on one machine: only ratios travel.
What a row shows is the smaller of the rounds. ROUNDS=1 in the environment halves the time.
"""

import json
import os
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import yaml

from benchmarks.loading import copy_package
from benchmarks.measured import Measured, measure
from refit_assets.artefacts import Folder
from refit_assets.demo import land

FIRST = date(2013, 1, 1)
UNTIL = date(2013, 12, 16)
NEXT_DAY = UNTIL
NEXT_WEEK = UNTIL + timedelta(days=7)
# This environment's own, whatever PATH says.
REFIT = [str(Path(sys.executable).with_name("refit")), "run", "flight_delay", "--json"]
FEATURES = [sys.executable, "-m", "benchmarks.features"]
SHARED = ("features", "training_set", "trials")
"""The stages that the bare script has, too."""
# A load takes a second or two, which any neighbour disturbs.
LOADS = 3

Figures = dict[str, float]


@dataclass(frozen=True, kw_only=True)
class Row:
    """A ratio, or where there is nothing to compare with, a figure in seconds."""

    what: str
    figure: str
    against: Callable[[Figures], float] | None = None
    limit: float | None
    """None: nobody asked for one."""


ROWS = (
    Row(
        what="whole refit against the bare script, wall",
        figure="cold",
        against=lambda f: f["bare"],
        limit=1.05,
    ),
    Row(
        what="stages that both have, wall",
        figure="cold_shared",
        against=lambda f: f["bare_shared"],
        limit=0.85,
    ),
    Row(
        what="features of all days against the bare Spark job, CPU",
        figure="features_cpu",
        against=lambda f: f["bare_features_cpu"],
        limit=1.05,
    ),
    Row(
        what="one new day against 0.10 of the bare Spark job and a bare session's start, CPU",
        figure="day_cpu",
        against=lambda f: 0.10 * f["bare_features_cpu"] + f["bare_start_cpu"],
        limit=1.0,
    ),
    Row(
        what="the same in a session that computed days before, against 0.10 of all days, CPU",
        figure="warm_day_cpu",
        against=lambda f: 0.10 * f["features_cpu"],
        limit=1.0,
    ),
    Row(
        what="weekly refit after one new week against a cold one, wall",
        figure="week",
        against=lambda f: f["cold"],
        limit=0.6,
    ),
    Row(
        what="the same in a week that searches, as every third does, wall",
        figure="week_searching",
        against=lambda f: f["cold"],
        limit=None,
    ),
    Row(what="refit with nothing new, wall", figure="nothing_new", limit=5),
    Row(what="definitions loaded, beyond importing Dagster, CPU", figure="load", limit=2),
    Row(
        what="50 models loaded against one, CPU",
        figure="load_50",
        against=lambda f: f["load_1"],
        limit=3,
    ),
)


def main() -> None:
    """Measure, then print the table in Markdown."""
    rounds = int(os.environ.get("ROUNDS", "2"))
    measured: list[Figures] = []
    with tempfile.TemporaryDirectory(prefix="refit-bench-") as name:
        _warm(Path(name) / "first")
        for n in range(rounds):
            measured.append(_round(Path(name) / str(n), bare_first=n % 2 == 1))
            print(f"round {n + 1}: {json.dumps(measured[-1])}", file=sys.stderr)
    best = {key: min(one[key] for one in measured) for key in measured[0]}
    print(_table(best | _loads()))


def _round(folder: Path, *, bare_first: bool) -> Figures:
    compared = [lambda: _refits(folder / "refits"), lambda: _bare(folder / "bare")]
    found: Figures = {}
    # Whichever comes first finds another machine: a colder disk, a cooler processor.
    for one in reversed(compared) if bare_first else compared:
        found |= one()
    return found | _features(folder / "features")


def _warm(home: Path) -> None:
    """Compute a day: the first Spark of an environment writes the archive of its classes."""
    _land(home, FIRST + timedelta(days=1))
    _measured([*FEATURES, FIRST.isoformat(), FIRST.isoformat()], home)


def _refits(home: Path) -> Figures:
    _land(home, UNTIL)
    cold = _measured(REFIT, home)
    stages = json.loads(cold.printed)["seconds"]
    again = _measured(REFIT, home)
    _land(home, NEXT_WEEK)
    week = _measured(REFIT, home)
    _land(home, NEXT_WEEK + timedelta(days=7))
    searching = _refit_searching(home)
    return {
        "cold": cold.seconds,
        "cold_shared": sum(stages[name]["seconds"] for name in SHARED),
        "nothing_new": again.seconds,
        "week": week.seconds,
        "week_searching": searching.seconds,
    }


def _refit_searching(home: Path) -> Measured:
    """Refit by a copy of the package whose spec has every refit search."""
    root = home / "package"
    file = copy_package(root) / "flight_delay" / "defs.yaml"
    spec = yaml.safe_load(file.read_text())
    del spec["attributes"]["trials"]["search_every"]
    file.write_text(yaml.safe_dump(spec, sort_keys=False))
    # -P: else the package of the folder that this runs in would come first.
    program = "from refit_assets.cli import main; main()"
    command = [sys.executable, "-P", "-c", program, *REFIT[1:]]
    return measure(command, {**os.environ, "REFIT_HOME": str(home), "PYTHONPATH": str(root)})


def _bare(home: Path) -> Figures:
    _land(home, UNTIL)
    folders = [str(home / "landing"), str(home)]
    script = [sys.executable, "-m", "benchmarks.bare", *folders, UNTIL.isoformat()]
    done = _measured(script, home)
    stages: Mapping[str, Figures] = json.loads(done.printed.splitlines()[-1])
    return {
        "bare": done.seconds,
        "bare_shared": sum(stage["seconds"] for stage in stages.values()),
        "bare_features_cpu": stages["start"]["cpu_seconds"] + stages["features"]["cpu_seconds"],
        "bare_start_cpu": stages["start"]["cpu_seconds"],
    }


def _features(home: Path) -> Figures:
    """Days of features by themselves: no H2O starts beside them, whose CPU would count."""
    _land(home, UNTIL + timedelta(days=1))
    last = UNTIL - timedelta(days=1)
    days = _measured([*FEATURES, FIRST.isoformat(), last.isoformat()], home)
    day = _measured([*FEATURES, NEXT_DAY.isoformat(), NEXT_DAY.isoformat()], home)
    return {
        "features_cpu": days.cpu_seconds,
        "day_cpu": day.cpu_seconds,
        "warm_day_cpu": float(_measured([*FEATURES, "warm", NEXT_DAY.isoformat()], home).printed),
    }


def _loads() -> Figures:
    program = [sys.executable, "-m", "benchmarks.loading"]
    found = {"load": [], "load_1": ["1"], "load_50": ["50"]}
    return {
        name: min(float(_measured([*program, *models], Path.cwd()).printed) for _ in range(LOADS))
        for name, models in found.items()
    }


def _land(home: Path, until: date) -> None:
    land(Folder(root=home / "landing", durable=False), FIRST, until - timedelta(days=1))


def _measured(command: list[str], home: Path) -> Measured:
    return measure(command, {**os.environ, "REFIT_HOME": str(home)})


def _table(found: Figures) -> str:
    lines = ["| what | measured | against | ratio | at most |", "|---|---|---|---|---|"]
    for row in ROWS:
        figure = found[row.figure]
        against = row.against and row.against(found)
        shown = ("", "") if not against else (f"{against:.1f} s", f"{figure / against:.2f}")
        figures = f"{figure:.1f} s | {shown[0]} | {shown[1]}"
        lines.append(f"| {row.what} | {figures} | {_limit(row, figure, against)} |")
    return "\n".join(lines)


def _limit(row: Row, figure: float, against: float | None) -> str:
    if row.limit is None:
        return ""
    held = (figure / against if against else figure) <= row.limit
    return f"{row.limit:g}{'' if against else ' s'}{'' if held else ' (missed)'}"


if __name__ == "__main__":
    main()
