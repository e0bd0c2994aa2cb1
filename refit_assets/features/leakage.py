"""Looks at a pinned training set for what gives the answer away.

Two suspicions: a window that reaches past what was known, and a single feature that orders the
target almost perfectly. The stronger test, which mutates the future, is `features.honesty`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from refit_assets.features.pinned import read_pinned
from refit_assets.features.training_set import TrainingSet
from refit_assets.spec import ModelSpec

SUSPICIOUS_AUC = 0.98
"""No single feature of an honest model of behaviour orders two labels this well."""

SUSPICIOUS_RANK_CORRELATION = 0.999
"""For a number; high, since a physical law (distance and time in the air) is no leak."""

_FEWEST_OF_LEVEL = 30


@dataclass(frozen=True, kw_only=True)
class Leakage:
    """What was found, in sentences, and how strongly each feature alone orders the target."""

    problems: tuple[str, ...]
    strengths: tuple[tuple[str, float], ...]
    """(feature, AUC or absolute rank correlation), strongest first."""


def judge_leakage(spec: ModelSpec, pinned: TrainingSet) -> Leakage:
    """Judge the window and every feature of the training rows."""
    known_until = pinned.as_of - timedelta(days=spec.refit.label_delay_days)
    problems: list[str] = []
    if pinned.window.end > known_until:
        problems.append(
            f"the window ends {pinned.window.end}, and labels are known until {known_until} only"
        )
    strengths = _strengths(spec, pinned.files("train"))
    limit = SUSPICIOUS_AUC if spec.classification else SUSPICIOUS_RANK_CORRELATION
    measure = "AUC" if spec.classification else "rank correlation"
    problems += [
        f"{name} alone orders the target with {measure} {strength:.4f} (suspicious from {limit})"
        for name, strength in strengths
        if strength >= limit
    ]
    return Leakage(problems=tuple(problems), strengths=strengths)


def _strengths(spec: ModelSpec, files: Sequence[str]) -> tuple[tuple[str, float], ...]:
    frame: Any = read_pinned(files, [*spec.features.columns, spec.target.column]).to_pandas()
    frame = frame[frame[spec.target.column].notna()]
    target = frame[spec.target.column]
    labels = (target == spec.target.positive if spec.classification else target).astype(float)
    found = {
        name: _strength(_as_number(frame[name], labels), labels, spec.classification)
        for name in spec.features.columns
    }
    return tuple(sorted(found.items(), key=lambda item: -item[1]))


def _as_number(column: Any, labels: Any) -> Any:  # noqa: ANN401 - pandas
    """A category by its levels' mean label, a number as it is; missing values lowest."""
    known = column.dropna()
    if not len(known) or not isinstance(known.iloc[0], str):
        return column.astype(float).fillna(float("-inf"))
    levels = labels.groupby(column.fillna("\0"))
    # A level of a few rows says its own labels: it would be suspicious of any name or number.
    return levels.transform("mean").where(
        levels.transform("size") >= _FEWEST_OF_LEVEL, labels.mean()
    )


def _strength(values: Any, labels: Any, classification: bool) -> float:  # noqa: ANN401, FBT001
    # By pandas: scipy.stats, which has the same, takes a second to import.
    ranks = values.rank().to_numpy()
    if not classification:
        target = labels.rank().to_numpy()
        if ranks.std() == 0 or target.std() == 0:
            return 0.0
        import numpy as np

        return float(abs(np.corrcoef(ranks, target)[0, 1]))
    positives = labels.sum()
    negatives = len(labels) - positives
    if not positives or not negatives:
        return 0.5
    wins = ranks[labels == 1].sum() - positives * (positives + 1) / 2
    auc = float(wins / (positives * negatives))
    # What orders the labels backwards gives them away as well.
    return max(auc, 1 - auc)
