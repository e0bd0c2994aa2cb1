"""A folder as packaging leaves it, with a few bytes in place of real jars."""

from pathlib import Path

POM = """<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>{0}</groupId><artifactId>{1}</artifactId><version>{2}</version></project>
"""


def write_jar_folder(folder: Path, coordinates: str, *, content: str = "tested") -> Path:
    """Write pom, jar, classifiers and SBOM, whose bytes differ with `content`."""
    group, artifact, version = coordinates.split(":")
    stem = f"{artifact}-{version}"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{stem}.pom").write_text(POM.format(group, artifact, version))
    for number, classifier in enumerate(("", "-all", "-sources", "-javadoc"), start=1):
        (folder / f"{stem}{classifier}.jar").write_text(f"{content}{classifier}" * number)
    (folder / f"{stem}-cyclonedx.json").write_text('{"bomFormat": "CycloneDX"}')
    (folder / "parity.json").write_text("not of the version")
    return folder
