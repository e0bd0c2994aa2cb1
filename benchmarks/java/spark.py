"""Rows a second of a jar's ScoreUdf in Spark, beside the same rows through its command line.

    python -m benchmarks.java.spark JAR EXAMPLES [ROWS]

JAR is an -all jar, EXAMPLES a CSV of its inputs, repeated until there are so many rows. Spark runs
in this process on two threads; reading its cached rows is taken off. The command line has one.
"""

import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

from pyspark.sql import SparkSession
from pyspark.sql import functions as f

ROUNDS = 3


def main(jar: Path, examples: Path, rows: int) -> None:
    """Measure both, and print rows a second."""
    with tempfile.TemporaryDirectory(prefix="refit-udf-") as folder:
        table = Path(folder) / "rows.csv"
        _repeat(examples, table, rows)
        for name, seconds in _in_spark(jar, table).items():
            print(f"{name}: {rows / seconds:,.0f} rows a second", flush=True)
        command = ["java", "-jar", str(jar), "score", str(table), f"{folder}/scored.csv"]
        seconds = _best(lambda: subprocess.run(command, check=True))
        print(f"command line, CSV to CSV: {rows / seconds:,.0f} rows a second")


def _repeat(examples: Path, table: Path, rows: int) -> None:
    header, *lines = examples.read_text().splitlines()
    with table.open("w") as stream:
        stream.write(f"{header}\n")
        stream.writelines(f"{lines[row % len(lines)]}\n" for row in range(rows))


def _in_spark(jar: Path, table: Path) -> dict[str, float]:
    """Seconds of scoring cached rows, by the function and without it."""
    (name,) = [n for n in zipfile.ZipFile(jar).namelist() if n.endswith("/ScoreUdf.class")]
    udf = name.removesuffix(".class").replace("/", ".")
    builder = SparkSession.builder.master("local[2]").config("spark.jars", str(jar))
    spark = builder.config("spark.ui.enabled", "false").getOrCreate()
    function = spark._jvm  # noqa: SLF001 - as the guide does
    for part in udf.split("."):
        function = getattr(function, part)
    spark.udf.registerJavaFunction("score", udf, function.answerType())
    rows = spark.read.csv(str(table), header=True, inferSchema=True).repartition(8).cache()
    rows.count()
    answers = rows.select(f.expr("score(struct(*))").alias("answer")).select("answer.*")
    reading = _best(lambda: rows.agg(f.count(f.struct("*"))).collect())
    scoring = _best(lambda: answers.write.format("noop").mode("overwrite").save())
    spark.stop()
    return {"Spark, two threads": scoring, "of that without reading": scoring - reading}


def _best(work: Callable[[], object]) -> float:
    """Seconds of the fastest of a few rounds: the first ones compile."""
    seconds: list[float] = []
    for _ in range(ROUNDS):
        started = time.monotonic()
        work()
        seconds.append(time.monotonic() - started)
    return min(seconds)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]) if sys.argv[3:] else 1_000_000)
