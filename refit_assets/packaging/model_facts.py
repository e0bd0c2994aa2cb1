"""What a MOJO says about itself: columns, levels, classes, algorithm.

Belongs here: reading the zip that H2O exports, `model.ini` above all. Does not: scoring, and
judging whether the model is good.
"""

import hashlib
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from refit_assets.column_types import ColumnType
from refit_assets.errors import DataError, SpecError
from refit_assets.features.contract import Column, InputContract
from refit_assets.training.mojo import used_variables

H2O_SERIES = "3.46."
"""The series whose MOJOs were tried; H2O keeps their format within it."""

CLASSIFIERS = frozenset({"Binomial", "Multinomial", "Ordinal"})
CATEGORIES = CLASSIFIERS | {"Regression", "AnomalyDetection", "Clustering", "CoxPH"}

_NEEDS_EXPANSION = frozenset({"gam", "targetencoder", "word2vec", "pipeline"})
"""Their MOJOs read columns that only H2O's own wrappers compute."""


@dataclass(frozen=True, kw_only=True)
class ModelFacts:
    """A MOJO's description of itself."""

    algorithm: str
    """H2O's short name: `gbm`, `drf`, `glm`, `xgboost`, `stackedensemble`…"""
    category: str
    """`Binomial`, `Multinomial`, `Ordinal`, `Regression`, `AnomalyDetection`, `Clustering`."""
    h2o_version: str
    features: tuple[str, ...]
    """Columns as a caller names them, before one-hot or other encodings."""
    levels: Mapping[str, tuple[str, ...]]
    """Levels of every category among the features."""
    encoded: bool
    """Whether its own row has other columns: those of a one-hot or another explicit encoding."""
    target: str
    classes: tuple[str, ...]
    """Labels in the order of the model's probabilities; empty if it has none."""
    offset_column: str | None
    calibrated: bool
    uses_xgboost: bool
    explains: bool
    """Whether the MOJO computes contributions: for two classes or a number, from trees."""
    default_threshold: float
    sha256: str
    """Digest of the file that was read."""

    @property
    def output_names(self) -> tuple[str, ...]:
        """Columns of a prediction, as the scoring jar's CSV names them."""
        probabilities = [f"p:{label}" for label in self.classes]
        calibrated = [f"cal:{label}" for label in self.classes] if self.calibrated else []
        lengths = ["mean_length"] if self.category == "AnomalyDetection" else []
        return ("predict", *probabilities, *calibrated, *lengths)


def read_model_facts(mojo: Path) -> ModelFacts:
    """Read a MOJO.

    Raises:
        DataError: the file is no MOJO.
        SpecError: it is one that can't be packaged; says why.

    """
    try:
        with zipfile.ZipFile(mojo) as archive:
            ini = _Ini.parse(archive.read("model.ini").decode())
            facts = _facts(archive, ini, hashlib.sha256(mojo.read_bytes()).hexdigest())
    except zipfile.BadZipFile as error:
        what = "the source of a POJO" if mojo.suffix == ".java" else "no zip file"
        message = f"{mojo} is no MOJO of H2O: it is {what}"
        raise DataError(message, cure="export one with model.download_mojo()") from error
    except (OSError, KeyError, ValueError, IndexError) as error:
        message = f"{mojo} is no MOJO of H2O: {error.args[-1]}"
        raise DataError(message, cure="export one with model.download_mojo()") from error
    _check_packageable(mojo, facts)
    return facts


def derive_contract(facts: ModelFacts) -> InputContract:
    """Describe the inputs of a model that came without a contract: nothing is required."""
    columns = [
        Column(
            name=name,
            type=ColumnType(kind="category" if name in facts.levels else "number"),
            nullable=True,
        )
        for name in facts.features
    ]
    if facts.offset_column is not None:
        columns.append(Column(name=facts.offset_column, type=ColumnType(kind="number")))
    return InputContract(
        columns=tuple(columns), target=facts.target, classes=tuple(sorted(facts.classes))
    )


@dataclass(frozen=True, kw_only=True)
class _Ini:
    values: Mapping[str, str]
    columns: tuple[str, ...]
    domains: Mapping[int, str]
    """File of the levels of a column, by its number."""

    @classmethod
    def parse(cls, text: str) -> "_Ini":
        sections: dict[str, list[str]] = {}
        lines: list[str] = []
        for line in text.splitlines():
            if line in {"[info]", "[columns]", "[domains]"}:
                lines = sections.setdefault(line, [])
            elif line:
                lines.append(line)
        values = dict(line.split(" = ", 1) for line in sections["[info]"] if " = " in line)
        # Such a line is the column's number, the number of its levels, the file.
        domains = dict(line.split(": ", 1) for line in sections.get("[domains]", []))
        return cls(
            values=values,
            columns=tuple(sections["[columns]"]),
            domains={int(at): rest.split(" ", 1)[1] for at, rest in domains.items()},
        )


def _facts(archive: zipfile.ZipFile, ini: _Ini, sha256: str) -> ModelFacts:
    values = ini.values
    names, levels = _columns(archive, ini)
    supervised = values["supervised"] == "true"
    response = ini.columns[-1] if supervised else ""
    # By the column's name: `requiresOffset()` of a MOJO does not tell of it, and without its offset
    # a model answers wrong scores without a word.
    offset = values.get("offset_column", "null")
    classifier = values["category"] in CLASSIFIERS
    return ModelFacts(
        algorithm=values["algo"],
        category=values["category"],
        h2o_version=values["h2o_version"],
        features=names,
        levels={name: levels[name] for name in names if name in levels},
        encoded=values.get("_genmodel_encoding", "AUTO") != "AUTO",
        target=response,
        classes=_classes(archive, ini) if classifier else (),
        offset_column=None if offset == "null" else offset,
        calibrated=values.get("calib_method", "null") != "null",
        uses_xgboost=_uses_xgboost(archive, values["algo"]),
        explains=_explains(archive, values),
        default_threshold=float(values["default_threshold"]),
        sha256=sha256,
    )


def _columns(
    archive: zipfile.ZipFile, ini: _Ini
) -> tuple[tuple[str, ...], dict[str, tuple[str, ...]]]:
    """Return the features and the levels of the categories, as they were before encoding."""
    if "_n_orig_names" not in ini.values:
        count = int(ini.values["n_features"])
        features = ini.columns[:count]
        found = {at: _domain(archive, ini, at) for at in ini.domains if at < count}
        return features, {features[at]: levels for at, levels in found.items()}
    names = _lines(archive, ini, "_orig_names")
    listed = set(archive.namelist())
    files = {name: f"_orig_domain_values_{at}" for at, name in enumerate(names)}
    levels = {n: _lines(archive, ini, file) for n, file in files.items() if file in listed}
    special = {ini.columns[-1], ini.values.get("offset_column"), ini.values.get("weights_column")}
    return tuple(name for name in names if name not in special), levels


def _classes(archive: zipfile.ZipFile, ini: _Ini) -> tuple[str, ...]:
    response = len(ini.columns) - 1
    if response in ini.domains:
        return _domain(archive, ini, response)
    # A quasibinomial model answers probabilities for a target that is a number.
    return tuple(map(str, range(int(ini.values["n_classes"]))))


def _domain(archive: zipfile.ZipFile, ini: _Ini, column: int) -> tuple[str, ...]:
    return _lines(archive, ini, f"domains/{ini.domains[column]}")


def _lines(archive: zipfile.ZipFile, ini: _Ini, name: str) -> tuple[str, ...]:
    # Not splitlines(): a level may hold any of the eight characters that it splits at.
    lines = archive.read(name).decode().removesuffix("\n").split("\n")
    escaped = ini.values.get("escape_domain_values") == "true"
    return tuple(_unescape(line) if escaped else line for line in lines)


def _unescape(line: str) -> str:
    if "\\" not in line:
        return line
    parts = line.split("\\\\")
    return "\\".join(part.replace("\\n", "\n") for part in parts)


def _uses_xgboost(archive: zipfile.ZipFile, algorithm: str) -> bool:
    # By file name, since an ensemble carries its members within its own zip.
    inner = (PurePosixPath(name).name for name in archive.namelist())
    return algorithm == "xgboost" or "boosterBytes" in set(inner)


def _explains(archive: zipfile.ZipFile, values: Mapping[str, str]) -> bool:
    if values["category"] not in {"Binomial", "Regression"}:
        return False
    if values["algo"] == "drf":
        return values["binomial_double_trees"] == "false" and used_variables(archive) is not None
    return values["algo"] in {"gbm", "xgboost"} and values.get("booster") != "gblinear"


def _check_packageable(mojo: Path, facts: ModelFacts) -> None:
    reasons: Sequence[tuple[bool, str]] = (
        (
            facts.category not in CATEGORIES,
            f"is a {facts.category} model ({facts.algorithm}); a scoring jar predicts one of: "
            + ", ".join(sorted(CATEGORIES)),
        ),
        (
            facts.algorithm in _NEEDS_EXPANSION,
            f"is a {facts.algorithm} model, whose MOJO reads columns that only H2O computes",
        ),
        (
            not facts.h2o_version.startswith(H2O_SERIES),
            f"was exported by H2O {facts.h2o_version}; export it again with h2o 3.46.0.11",
        ),
    )
    for wrong, reason in reasons:
        if wrong:
            message = f"{mojo} {reason}"
            raise SpecError(message)
