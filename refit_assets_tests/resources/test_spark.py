"""Spark's early start, in an interpreter that has imported nothing of it."""

import subprocess
import sys

EARLY = """
import sys
import threading

from refit_assets.resources.spark import EmbeddedSpark
from refit_assets_tests.specs import build_spec

going_on = threading.Event()


class Waiting(EmbeddedSpark):
    def session(self, *_):
        going_on.wait()


spark = Waiting()
assert "pyspark" not in sys.modules
try:
    spark.start(build_spec())
    found = [sys.modules.get(name) for name in ("pyspark", "pyspark.sql")]
    print([m.__name__ for m in found if m and not getattr(m.__spec__, "_initializing", False)])
finally:
    going_on.set()
"""


def test_pyspark_is_whole_before_another_thread_can_import_it() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", EARLY], check=True, capture_output=True, text=True
    )
    assert ended.stdout == "['pyspark', 'pyspark.sql']\n"
