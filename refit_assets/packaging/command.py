"""`refit package`: a tested scoring jar of any MOJO, for somebody who has only that.

Belongs here: what the command leaves out of a request (names, date), and the sentence it prints.
Does not: parsing arguments (`cli`), packaging (`package`).
"""

import re
from pathlib import Path

from refit_assets.class_archive import user_cache
from refit_assets.errors import SpecError
from refit_assets.packaging.identifiers import is_package_name, pascal
from refit_assets.packaging.maven import Maven, find_maven
from refit_assets.packaging.package import ScoringJar, package
from refit_assets.packaging.project import Coordinates, PackagingRequest

TIMESTAMP = "2000-01-01T00:00:00Z"
"""There is no as-of date; a fixed one, so that the same MOJO makes the same bytes."""


def package_from_command(
    mojo: Path, examples: Path, coordinates: str, out: Path, *, maven: Maven | None = None
) -> ScoringJar:
    """Package any MOJO exported from H2O 3.46 into `out`; the contract is derived from it.

    `examples` has the input columns by name and, where known, the in-cluster predictions as
    `predict` and `p:<class>` at full precision: those rows become the golden rows.

    Raises:
        SpecError: coordinates that are none, or a model that can't be packaged.
        DataError: MOJO or examples can't be read, or don't fit together.
        ParityError: the jar does not predict what the examples say.
        SetupError: there is no Maven or no JDK.

    """
    place = Coordinates.parse(coordinates)
    request = PackagingRequest(
        mojo=mojo,
        examples=examples,
        coordinates=place,
        class_name=class_name(place.artifact),
        package=package_name(place),
        contract=None,
        description=f"Scores rows with the model of {mojo.name}.",
        timestamp=TIMESTAMP,
        provenance={"made_by": "refit package", "mojo": mojo.name},
    )
    return package(request, out, find_maven(cache=user_cache()) if maven is None else maven)


def class_name(artifact: str) -> str:
    """Name the classes after the artifact: `flight-delay` makes `FlightDelay`."""
    name = pascal(artifact)
    return name if name[0].isalpha() else f"Model{name}"


def package_name(coordinates: Coordinates) -> str:
    """Name the Java package after group and artifact, in a spelling that Java allows."""
    last = re.sub(r"[^0-9a-z]", "", coordinates.artifact.lower())
    first = re.sub(r"[^0-9a-z._]", "_", coordinates.group.lower())
    name = f"{first}.{last if last[:1].isalpha() else f'm{last}'}"
    if not is_package_name(name):
        message = f"no Java package can be named after the group {coordinates.group!r}"
        raise SpecError(message)
    return name


def render_jar(jar: ScoringJar, out: Path) -> str:
    """Tell what was made, what was shown of it, and what to do with it."""
    runnable = out / jar.file("all").name
    lines = [f"{jar.coordinates} is in {out}", f"scoring: {jar.scoring_path}"]
    if jar.parity.proven:
        lines.append(
            f"parity: {jar.parity.golden_rows} rows equal to the cluster's predictions, "
            f"{jar.parity.adversarial_rows} odd rows equal to H2O's own scoring, to the last bit"
        )
    else:
        lines.append(
            "parity: NOT PROVEN, the examples have no predictions of the cluster; add them as "
            "predict and p:<class> at full precision"
        )
    lines.append(f"try it: java -jar {runnable} score rows.csv scores.csv")
    return "\n".join(lines)
