"""Measure the scoring library with JMH against H2O's own ways to score.

    make bench-java           trains the models once, then builds and measures all
    python -m benchmarks.java.run FOLDER build
    python -m benchmarks.java.run FOLDER rows [JMH options, such as -p model=glm]
    python -m benchmarks.java.run FOLDER seconds

Builds the library's sources, a typed row and the benchmark beside the models' folder, by the
machine's Maven, and prints the tables of docs/performance.md. `rows` measures what was built last.
"""

import csv
import json
import math
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from refit_assets.class_archive import user_cache
from refit_assets.column_types import ColumnType
from refit_assets.features.contract import Column, InputContract
from refit_assets.packaging.maven import find_maven
from refit_assets.packaging.package import package
from refit_assets.packaging.parity import opened_table
from refit_assets.packaging.project import (
    Coordinates,
    PackagingRequest,
    build_project,
    write_model,
)

HERE = Path(__file__).parent
MOST_BYTES = "3g"
CATEGORIES = ("dest", "carrier", "weekday", "origin")
NUMBERS = ("month", "minute_of_day", "distance", "temp", "dewp", "humid", "wind_dir")
NUMBERS += ("wind_speed", "precip", "pressure", "visib")
WAYS = {
    "easyPredict": "EasyPredict",
    "score0": "score0",
    "pojo": "POJO",
    "typedRow": "ours, typed row",
    "batch": "ours, batch",
    "batchOnTwoThreads": "batch, 2 threads",
    "stream": "stream",
    "parallelStream": "parallel stream",
}
ROW_WAYS = {
    "score0MadeAndScored": "a map of levels for each category, then `score0`",
    "madeAndScored": "ours, the row begun by the scorer",
    "foreignMadeAndScored": "ours, the row begun without it",
    "scored": "ours, the row begun by the scorer, scoring alone",
    "foreignScored": "ours, the row begun without it, scoring alone",
}
"""From a caller's values to a prediction of the linear model."""
OPTIONS = ["-f", "1", "-wi", "3", "-w", "1", "-i", "20", "-r", "250ms", "-prof", "gc"]


def main(models: Path, what: str, options: list[str]) -> None:
    """Build, or print one of the two tables, or all of it."""
    built = models.with_name(f"{models.name}_jmh")
    if what in {"build", "all"} or not _jar(built).exists():
        shutil.rmtree(built, ignore_errors=True)
        _write_sources(models, built)
        find_maven().run(built, "package", "-DskipTests")
    if what in {"rows", "all"}:
        _run_jmh(built, options)
    if what in {"seconds", "all"}:
        with tempfile.TemporaryDirectory(prefix="refit-jmh-") as name:
            print(_seconds(models, Path(name)))


def _jar(built: Path) -> Path:
    return built / "target/benchmarks.jar"


def _run_jmh(built: Path, options: list[str]) -> None:
    """Run JMH in this terminal, and print its tables."""
    command = [str(find_maven().java_home / "bin/java"), f"-Xmx{MOST_BYTES}", "-XX:+UseSerialGC"]
    command += [f"-Dmodels={built / 'models'}", "-jar", str(_jar(built))]
    result = built / "result.json"
    subprocess.run([*command, *OPTIONS, *options, "-rf", "json", "-rff", str(result)], check=True)
    figures = _figures(json.loads(result.read_text()))
    if by_model := {place: figure for place, figure in figures.items() if place[0]}:
        print(_table(by_model))
    if rows := {way: figure for (model, way), figure in figures.items() if not model}:
        print(_row_table(rows))


def _write_sources(models: Path, folder: Path) -> None:
    """One Maven project: a typed row and the library in one package, and the benchmark in it."""
    found = sorted(path for path in models.iterdir() if path.is_dir())
    build_project(_request(next(path for path in found if "xgb" in path.name)), folder)
    shutil.rmtree(folder / "src/test")
    # It would need Spark to compile.
    (folder / "src/main/java/refit/scoring/ScoreUdf.java").unlink()
    shutil.copytree(HERE / "src", folder / "src", dirs_exist_ok=True)
    shutil.copyfile(HERE / "pom.xml", folder / "pom.xml")
    for model in found:
        write_model(_request(model), lambda file, at=model.name: folder / "models" / at / file)
        _write_all_rows(model / "examples.csv", folder / "models" / model.name / "golden.csv")
        for source in model.glob("*.java"):
            shutil.copyfile(source, folder / "src/main/java" / source.name)


def _write_all_rows(examples: Path, golden: Path) -> None:
    """A jar carries a thousand golden rows, which a branch predictor would learn by heart."""
    wanted = golden.read_text(encoding="utf-8").splitlines()[0].split(",")
    with opened_table(examples) as (header, rows), golden.open("w", encoding="utf-8") as stream:
        out = csv.writer(stream, lineterminator="\n")
        out.writerow(wanted)
        out.writerows([row[header.index(name)] for name in wanted] for row in rows)


def _request(model: Path) -> PackagingRequest:
    kinds = dict.fromkeys(CATEGORIES, "category") | dict.fromkeys(NUMBERS, "number")
    columns = tuple(
        Column(name=name, type=ColumnType(kind=kind), nullable=True) for name, kind in kinds.items()
    )
    return PackagingRequest(
        mojo=model / "model.zip",
        examples=model / "examples.csv",
        coordinates=Coordinates(group="bench", artifact=model.name, version="1"),
        class_name="Bench",
        package="refit.scoring",
        contract=InputContract(columns=columns, target="late", classes=("late", "ontime")),
        description="",
        timestamp="2000-01-01T00:00:00Z",
        provenance={},
    )


Figures = Mapping[tuple[str, str], tuple[float, float]]
"""Rows a second and bytes a row by model and way; a way that is one model's alone has none."""


def _figures(results: Sequence[Mapping[str, Any]]) -> Figures:
    """Of the best quarter of a second: whatever else the machine does only takes time away."""
    return {
        (one.get("params", {}).get("model", ""), one["benchmark"].rpartition(".")[2]): (
            max(one["primaryMetric"]["rawData"][0]),
            one["secondaryMetrics"]["gc.alloc.rate.norm"]["score"],
        )
        for one in results
    }


def _table(figures: Figures) -> str:
    """Thousand rows a second, how many times as fast as score0, bytes a typed row."""
    models = list(dict.fromkeys(model for model, _ in figures))
    lines = [f"| model | {' | '.join(WAYS.values())} | bytes a typed row |"]
    lines.append("|" + "---|" * (len(WAYS) + 2))
    for model in models:
        # Options may have left it out.
        base = figures.get((model, "score0"), (math.nan,))[0]
        cells = [_cell(figures.get((model, way)), base) for way in WAYS]
        bytes_a_row = figures.get((model, "typedRow"), (0, math.nan))[1]
        lines.append(f"| {model} | {' | '.join(cells)} | {bytes_a_row:.0f} |")
    return "\n".join(lines)


def _row_table(rows: Mapping[str, tuple[float, float]]) -> str:
    """Nanoseconds and bytes of a row."""
    lines = ["| from a caller's values to a prediction | ns a row | bytes a row |", "|---|---|---|"]
    for way, name in ROW_WAYS.items():
        if way in rows:
            lines.append(f"| {name} | {1e9 / rows[way][0]:.0f} | {rows[way][1]:.0f} |")
    return "\n".join(lines)


def _cell(figure: tuple[float, float] | None, base: float) -> str:
    return "-" if figure is None else f"{figure[0] / 1000:,.0f} ({figure[0] / base:.1f}x)"


def _seconds(models: Path, folder: Path) -> str:
    """Cold start and warm packaging, of the first run after one that warmed the disk's cache."""
    maven = find_maven(cache=user_cache())
    lines = [
        "| model | package with all tests, s | first prediction of a cold JVM, s |",
        "|---|---|---|",
    ]
    for model in sorted(path for path in models.iterdir() if path.is_dir()):
        packaging: list[float] = []
        for _ in range(2):
            started = time.monotonic()
            jar = package(_request(model), folder / "out", maven)
            packaging.append(time.monotonic() - started)
        row = folder / "row.csv"
        row.write_text("".join((model / "examples.csv").read_text().splitlines(keepends=True)[:2]))
        cold = [_cold(folder / "out" / jar.file("all").name, row) for _ in range(5)]
        lines.append(f"| {model.name} | {packaging[-1]:.1f} | {sorted(cold)[2]:.2f} |")
    return "\n".join(lines)


def _cold(jar: Path, row: Path) -> float:
    started = time.monotonic()
    subprocess.run(["java", "-jar", str(jar), "score", str(row)], check=True, capture_output=True)
    return time.monotonic() - started


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3:])
