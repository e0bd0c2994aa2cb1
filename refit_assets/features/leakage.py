"""Looks at a pinned training set for what gives the answer away.

Two suspicions: a window that reaches past what was known, and a single feature that orders the
target almost perfectly. The stronger test, which mutates the future, is `features.honesty`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from refit_assets.features.training_set import TrainingSet
from refit_assets.spec import ModelSpec

SUSPICIOUS_AUC = 0.98
"""No single feature of an honest model of behaviour orders two labels this well."""

SUSPICIOUS_RANK_CORRELATION = 0.999
"""For a number; high, since a physical law (distance and time in the air) is no leak."""


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
    import pyarrow.dataset as ds  # noqa: PLC0415 - 0.3 s that loading definitions need not pay

    names = [*spec.features.columns, spec.target.column]
    table = ds.dataset([uri.removeprefix("file://") for uri in files]).to_table(columns=names)
    frame: Any = table.to_pandas()
    frame = frame[frame[spec.target.column].notna()]
    target = frame[spec.target.column]
    labels = (target == spec.target.positive if spec.classification else target).astype(float)
    found = {
        name: _strength(_as_number(frame[name], labels), labels, spec.classification)
        for name in spec.features.columns
    }
    return tuple(sorted(found.items(), key=lambda item: -item[1]))


def _as_number(column: Any, labels: Any) -> Any:  # noqa: ANN401 - pandas
    """A category by its levels' mean label, without the row itself; missing values lowest."""
    if column.dtype == object and isinstance(column.dropna().iloc[0] if len(column.dropna()) else "", str):
        groups = labels.groupby(column.fillna("\0"))
        count, total = groups.transform("size"), groups.transform("sum")
        others = (total - labels) / (count - 1).clip(lower=1)
        # Leaving the row out orders it against its own label: only levels of weight can tell.
        return others.where(count >= 30, labels.mean()).round(3)
    return column.astype(float).fillna(float("-inf"))


def _strength(values: Any, labels: Any, classification: bool) -> float:  # noqa: ANN401, FBT001
    from scipy.stats import rankdata  # noqa: PLC0415

    ranks = rankdata(values)
    if not classification:
        target = rankdata(labels)
        if ranks.std() == 0 or target.std() == 0:
            return 0.0
        import numpy as np  # noqa: PLC0415

        return float(abs(np.corrcoef(ranks, target)[0, 1]))
    positives = labels.sum()
    negatives = len(labels) - positives
    if not positives or not negatives:
        return 0.5
    wins = ranks[labels == 1].sum() - positives * (positives + 1) / 2
    auc = float(wins / (positives * negatives))
    return max(auc, 1 - auc)
