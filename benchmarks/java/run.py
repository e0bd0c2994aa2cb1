"""Measure the scoring library with JMH against H2O's own ways to score.

    python benchmarks/java/train.py FOLDER && python benchmarks/java/run.py FOLDER [JMH options]

Builds the library's sources and the benchmark in a temporary folder, by the machine's Maven.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from refit_assets.packaging.maven import find_maven
from refit_assets.packaging.project import LIBRARY, Coordinates, PackagingRequest, write_model

HERE = Path(__file__).parent
MOST_BYTES = "4g"


def main(models: Path, options: list[str]) -> None:
    """Build, then run JMH in this terminal."""
    with tempfile.TemporaryDirectory(prefix="refit-jmh-") as name:
        folder = Path(name)
        shutil.copytree(LIBRARY / "src/main/java", folder / "src/main/java")
        shutil.copytree(HERE / "src", folder / "src", dirs_exist_ok=True)
        shutil.copyfile(HERE / "pom.xml", folder / "pom.xml")
        for model in sorted(path for path in models.iterdir() if path.is_dir()):
            write_model(request(model), lambda file, at=model.name: folder / "models" / at / file)
        maven = find_maven()
        maven.run(folder, "package")
        command = [str(maven.java_home / "bin/java"), f"-Xmx{MOST_BYTES}", "-XX:+UseSerialGC"]
        command += [f"-Dmodels={folder / 'models'}", "-jar", str(folder / "target/benchmarks.jar")]
        subprocess.run([*command, *options], check=True, env=dict(os.environ))


def request(model: Path) -> PackagingRequest:
    """Describe a model just enough to write its files."""
    return PackagingRequest(
        mojo=model / "model.zip",
        examples=model / "examples.csv",
        coordinates=Coordinates(group="bench", artifact=model.name, version="1"),
        class_name="Bench",
        package="bench",
        contract=None,
        description="",
        timestamp="2000-01-01T00:00:00Z",
        provenance={},
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
