"""`make bench-scale`: what grows with the rows, measured; the tables of docs/scaling.md.

The demo's days with every flight repeated under fresh carriers, so that keys stay unique and each
day has 1, 10 or 50 times its rows. Each figure comes from a process of its own:

    python -m benchmarks.scale                  all of it, FACTORS="1 10 50" DAYS=28 by default
    python -m benchmarks.scale features HOME 2  the features of all days landed in HOME, two cores
    python -m benchmarks.scale trial HOME 1024  import, sort and a small GBM in a heap of 1024 MiB

Peak sizes are the operating system's (ru_maxrss), H2O's live heap that of its garbage collector.
It ends within twenty minutes: a heap is not tried below what fewer rows needed, nor above HEAPS,
and what takes longer than MOST_SECONDS is given up.
"""

import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from itertools import islice, product
from pathlib import Path
from string import ascii_uppercase, digits
from typing import Any

from refit_assets.artefacts import Folder
from refit_assets.assets.steps import cpu_seconds
from refit_assets.demo import FIRST_DAY, land
from refit_assets.features.job import FeaturesRequest
from refit_assets.models import find_model
from refit_assets.resources.deployment import Deployment
from refit_assets.resources.spark import EmbeddedSpark

HEAPS_MIB = tuple(
    int(text) for text in os.environ.get("HEAPS", "256 512 768 1024 1536 2048 3072").split()
)
FACTORS = [int(text) for text in os.environ.get("FACTORS", "1 10 50").split()]
DAYS = int(os.environ.get("DAYS", "28"))
_SECONDS = float(os.environ.get("MOST_SECONDS", "240"))
"""What takes longer is given up: a trial that thrashes in its heap does not fit into it."""
_CARRIER = 9
"""Column of the flights."""


def main() -> None:
    """Measure every factor and print the tables in Markdown."""
    with tempfile.TemporaryDirectory(prefix="refit-scale-") as name:
        homes = {factor: Path(name) / str(factor) for factor in FACTORS}
        for factor, home in homes.items():
            land_times(home, factor, DAYS)
        print("| rows | factor | cores | features, s | CPU s | JVM, MiB | driver's Python, MiB |")
        print("|---|---|---|---|---|---|---|")
        for (factor, home), cores in product(homes.items(), sorted({1, _cores()})):
            print(_features_row(home, factor, cores), flush=True)
        print("\n| rows | frame, MiB | smallest heap that does, MiB | live at most, MiB | s |")
        print("|---|---|---|---|---|")
        heaps = HEAPS_MIB
        for factor, home in homes.items():
            line, heaps = _trial_row(home, factor, heaps)
            print(line, flush=True)


def _cores() -> int:
    return len(os.sched_getaffinity(0))


def _features_row(home: Path, factor: int, cores: int) -> str:
    made = _measured("features", home, cores)
    if made is None:
        return f"| | {factor} | {cores} | more than {_SECONDS:.0f} | | | |"
    return (
        f"| {made['rows']:,} | {factor} | {cores} | {made['seconds']:.0f} | {made['cpu']:.0f} "
        f"| {made['jvm_mib']:.0f} | {made['python_mib']:.0f} |"
    )


def _trial_row(home: Path, factor: int, heaps: Sequence[int]) -> tuple[str, Sequence[int]]:
    """Find the smallest heap that does; more rows need no smaller one."""
    for tried, heap in enumerate(heaps):
        made = _measured("trial", home, heap)
        if made is not None:
            return (
                f"| {made['rows']:,} | {made['frame_mib']:.0f} | {heap} | {made['live_mib']:.0f} "
                f"| {made['seconds']:.0f} |"
            ), heaps[tried:]
    return f"| {factor} times | | more than {heaps[-1]} | | |", heaps[-1:]


def _measured(what: str, home: Path, size: int) -> Any:  # noqa: ANN401 - JSON
    command = [sys.executable, "-m", "benchmarks.scale", what, str(home), str(size)]
    try:
        done = subprocess.run(
            command, check=False, stdout=subprocess.PIPE, text=True, timeout=_SECONDS
        )
    except subprocess.TimeoutExpired:
        return None
    if done.returncode:
        # A heap that is too small ends a trial; what ends the features is a mistake.
        if what == "trial":
            return None
        done.check_returncode()
    # The last line is h2o's, which says that its session is closed.
    return json.loads(next(line for line in done.stdout.splitlines() if line.startswith("{")))


def land_times(home: Path, factor: int, days: int) -> Folder:
    """Land the demo's first days in a home, each flight so many times."""
    deployment = Deployment(home=home)
    deployment.prepare()
    landing = deployment.landing
    land(landing, FIRST_DAY, FIRST_DAY + timedelta(days=days - 1))
    codes = _codes(landing.path("flights"))
    for path in sorted(landing.path("flights").glob("*.csv")):
        header, *lines = path.read_text().splitlines(keepends=True)
        with path.open("w") as file:
            file.write(header)
            for copy in range(factor):
                file.writelines(_renamed(line, codes, copy) for line in lines)
    return landing


def _codes(folder: Path) -> dict[str, list[str]]:
    """Give every carrier codes that no other has: its own first."""
    known: dict[str, None] = {}
    for path in sorted(folder.glob("*.csv")):
        for line in path.read_text().splitlines()[1:]:
            known[line.split(",")[_CARRIER]] = None
    free = ("".join(pair) for pair in product(digits + ascii_uppercase, repeat=2))
    # The source's word for nothing is no carrier.
    fresh: Iterator[str] = (code for code in free if code not in {*known, "NA"})
    # There are 1,296 such pairs, and the carriers' own are taken.
    return {carrier: [carrier, *islice(fresh, 1200 // len(known))] for carrier in known}


def _renamed(line: str, codes: dict[str, list[str]], copy: int) -> str:
    cells = line.split(",")
    cells[_CARRIER] = codes[cells[_CARRIER]][copy]
    return ",".join(cells)


def features(home: Path, cores: int) -> dict[str, float]:
    """Compute the features of every day landed in a home, into tables of their own."""
    landing, spec = Deployment(home=home).landing, find_model("flight_delay")
    deployment = Deployment(home=home / f"cores-{cores}")
    deployment.prepare()
    days = [date.fromisoformat(Path(name).stem) for name in landing.names("flights/")]
    request = FeaturesRequest(
        spec=spec,
        first=min(days),
        last=max(days),
        landing_uri=landing.uri,
        catalogue_uri=deployment.catalogue_uri,
        warehouse_uri=deployment.warehouse_uri,
        run_id="scale",
    )
    began, cpu, spark = time.monotonic(), cpu_seconds(), EmbeddedSpark(cores=cores)
    made = spark.features(request, lambda line: print(line, file=sys.stderr))
    took = time.monotonic() - began, cpu_seconds() - cpu
    spark.close()
    return {
        "rows": sum(day.rows for day in made.days),
        "seconds": took[0],
        "cpu": took[1],
        "jvm_mib": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024,
        "python_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def trial(home: Path, heap_mib: int) -> dict[str, float]:
    """Import all features into an H2O of that size, sort, and fit five trees.

    The memory of a GBM is that of its frames and of a working column a tree, not of the number of
    its trees: five are as good as a hundred.
    """
    import h2o
    from h2o.estimators import H2OGradientBoostingEstimator

    from refit_assets.java import find_java
    from refit_assets.workloads.h2o_process import H2OSettings, find_h2o_jar, running_h2o

    spec, log = find_model("flight_delay"), home / f"gc-{heap_mib}.log"
    # A heap that is too small ends as a failure, and is not carried on with.
    os.environ["JAVA_TOOL_OPTIONS"] = f"-Xlog:gc:file={log} -XX:+ExitOnOutOfMemoryError"
    settings = H2OSettings(
        java=find_java().command, jar=find_h2o_jar(), memory_mib=heap_mib, xgboost=False
    )
    began = time.monotonic()
    with running_h2o(settings) as process:
        h2o.connect(url=process.url, auth=(process.user, process.password), verbose=False)
        h2o.no_progress()
        files = sorted(
            str(path) for path in (home / f"cores-{_cores()}" / "warehouse").rglob("*.parquet")
        )
        frame = h2o.import_file(files)
        frame = frame.sort(spec.features.key)
        for name, kind in frame.types.items():
            if kind == "string":
                frame[name] = frame[name].asfactor()
        rows = frame[~frame[spec.target.column].isna(), :]
        described = h2o.api(f"GET /3/Frames/{frame.frame_id}?row_count=1")
        model = H2OGradientBoostingEstimator(ntrees=5, max_depth=7, seed=7)
        model.train(x=[*spec.features.columns], y=spec.target.column, training_frame=rows)
        count = rows.nrow
    lives = re.findall(r"\d+M->(\d+)M\(", log.read_text())
    return {
        "rows": count,
        "frame_mib": described["frames"][0]["byte_size"] / 2**20,
        "live_mib": max(map(int, lives), default=0),
        "seconds": time.monotonic() - began,
    }


def _one(arguments: Sequence[str]) -> None:
    what, home, size = arguments
    print(json.dumps({"features": features, "trial": trial}[what](Path(home), int(size))))


if __name__ == "__main__":
    _one(sys.argv[1:]) if sys.argv[1:] else main()
