"""Drift of a day against the training window: PSI, missing values, unseen levels.

PSI, the population stability index (Siddiqi, Credit Risk Scorecards, 2006), sums
`(now - then) * ln(now / then)` over bins. Bins come from the training window and stay: tenths of a
number's values, the most frequent levels of a category (the others together), missing values as a
bin of their own. Every bin counts half a row more than it holds, so that an empty one is finite.

PSI of few rows is large by chance: without drift its expectation is about
`(bins - 1) * (1/rows then + 1/rows now)`, and it is that factor times a chi-square of `bins - 1`
(Yurdakul & Naranjo, Statistical Properties of the Population Stability Index, 2020). That takes
rows for independent, and the rows of a week share their weather. So weeks are compared, too: the
PSI of each week that the model was fitted to, against the others, and of each that it was tested
on. What is ordinary is the upper prediction limit for one more such week, their logarithms taken
for normal (Hahn, Additional Factors for Calculating Prediction Intervals, 1970), so that of all
inputs together one in twenty stretches without drift is beyond it (Bonferroni). A stretch breaches
only beyond the spec's limit, that chance *and* what is ordinary.

Belongs here: profiles, comparisons and what counts as a breach; pure. Does not: reading tables.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from refit_assets.errors import DataError
from refit_assets.spec import Monitoring

BINS = 10
MOST_LEVELS = 30
"""Levels with a bin of their own; the rarer ones share one."""
_HALF_A_ROW = 0.5
_CHANCE_Z = 2.3263478740408408  # 99th percentile of a normal
_FALSE_ALARMS = 0.05  # stretches of which some input alarms although nothing drifts
_FEWEST_STRETCHES = 3  # two would know their spread by one number
_SMALLEST = 1e-4  # the PSI of a constant is 0, which has no logarithm
_T_STEP = 1e-6


@dataclass(frozen=True, kw_only=True)
class NumberProfile:
    """How a number was distributed in the training window."""

    name: str
    edges: tuple[float, ...]
    """Inner edges, ascending; a value on an edge belongs to the bin above it."""
    counts: tuple[int, ...]
    """One more than edges."""
    missing: int
    days: tuple[tuple[int, ...], ...] = ()
    """Counts of each day of the window, missing values last; empty where days are not known."""
    tested: tuple[tuple[int, ...], ...] = ()
    """The same of days after the window on which the model was tested."""

    @property
    def rows(self) -> int:
        """All rows, missing values included."""
        return sum(self.counts) + self.missing


@dataclass(frozen=True, kw_only=True)
class CategoryProfile:
    """How a category was distributed in the training window."""

    name: str
    levels: tuple[str, ...]
    """With a bin of their own, most frequent first."""
    counts: tuple[int, ...]
    other_levels: tuple[str, ...]
    """Seen in training, too rare for a bin; sorted."""
    other: int
    missing: int
    days: tuple[tuple[int, ...], ...] = ()
    """Counts of each day of the window: levels, the others, missing values."""
    tested: tuple[tuple[int, ...], ...] = ()
    """The same of days after the window on which the model was tested."""

    @property
    def rows(self) -> int:
        """All rows, missing values included."""
        return sum(self.counts) + self.other + self.missing


Profile: TypeAlias = NumberProfile | CategoryProfile
ProfileT = TypeVar("ProfileT", NumberProfile, CategoryProfile)


@dataclass(frozen=True, kw_only=True)
class Drift:
    """One column of a stretch of days against its profile."""

    name: str
    rows: int
    psi: float
    chance: float
    """PSI that is nothing to wonder at: 99th percentile of what so many rows have by chance, or
    what one more stretch like those that the model was fitted to and tested on would reach."""
    missing_share: float
    training_missing_share: float
    unseen_share: float
    """Share of rows with a level that training never saw; 0 for a number."""
    unseen_levels: tuple[str, ...]
    """Most frequent first."""
    blind: bool = False
    """Whether no rows at all could be beyond `chance`: the column follows the season, or the rows
    are few. A change of unit is then for the contract's range to tell."""


@dataclass(frozen=True, kw_only=True)
class Breach:
    """Something beyond its limit."""

    name: str
    kind: str
    """psi, missing or unseen."""
    value: float
    limit: float
    sentence: str


def profile_number(
    name: str, values: NDArray[np.float64], days: NDArray[np.int64] | None = None
) -> NumberProfile:
    """Profile a number of the training window; NaN is missing. Ties may leave fewer bins.

    `days` is the day of each value, in any numbering that keeps their order.
    """
    present = _present(name, values)
    edges = np.unique(np.quantile(present, np.linspace(0, 1, BINS + 1)[1:-1], method="lower"))
    # The lowest value as an edge would leave an empty bin below it.
    edges = edges[edges > present.min()]
    return NumberProfile(
        name=name,
        edges=tuple(edges.tolist()),
        counts=_counts(edges, present),
        missing=len(values) - len(present),
        days=_by_day(_number_bins(edges, values), len(edges) + 2, days),
    )


def profile_category(
    name: str, values: Sequence[str | None], days: NDArray[np.int64] | None = None
) -> CategoryProfile:
    """Profile a category of the training window; None is missing, `days` as for a number."""
    if not values:
        message = f"{name}: no rows to make a profile of"
        raise DataError(message)
    found = Counter(value for value in values if value is not None)
    # Ties by name, so that the order of rows does not matter.
    ranked = sorted(found.items(), key=lambda item: (-item[1], item[0]))
    own, rare = ranked[:MOST_LEVELS], ranked[MOST_LEVELS:]
    levels = tuple(level for level, _ in own)
    return CategoryProfile(
        name=name,
        levels=levels,
        counts=tuple(count for _, count in own),
        other_levels=tuple(sorted(level for level, _ in rare)),
        other=sum(count for _, count in rare),
        missing=len(values) - found.total(),
        days=_by_day(_category_bins(levels, values), len(own) + 2, days),
    )


def add_tested(
    profile: ProfileT, values: NDArray[np.float64] | Sequence[str | None], days: NDArray[np.int64]
) -> ProfileT:
    """Add the days on which the model was tested, in the bins of its training window."""
    if isinstance(profile, NumberProfile):
        edges = np.array(profile.edges)
        bins, width = _number_bins(edges, np.asarray(values, dtype=np.float64)), len(edges) + 2
    else:
        bins, width = _category_bins(profile.levels, [*values]), len(profile.levels) + 2
    return replace(profile, tested=_by_day(bins, width, days))


def compare_number(
    profile: NumberProfile, values: NDArray[np.float64], stretch: int = 1, among: int = 1
) -> Drift:
    """Compare the numbers of `stretch` days with their profile; it is one `among` so many."""
    present = values[~np.isnan(values)]
    missing = len(values) - len(present)
    now = _counts(np.array(profile.edges), present)
    then = [*profile.counts, profile.missing]
    return _drift(profile, then, [*now, missing], Counter(), (stretch, among))


def compare_category(
    profile: CategoryProfile, values: Sequence[str | None], stretch: int = 1, among: int = 1
) -> Drift:
    """Compare levels with their profile; unseen ones count as rare ones in the PSI."""
    found = Counter(value for value in values if value is not None)
    missing = len(values) - found.total()
    known = {*profile.levels, *profile.other_levels}
    unseen = Counter({level: count for level, count in found.items() if level not in known})
    own = [found[level] for level in profile.levels]
    then = [*profile.counts, profile.other, profile.missing]
    now = [*own, found.total() - sum(own), missing]
    return _drift(profile, then, now, unseen, (stretch, among))


def judge_drift(
    limits: Monitoring, inputs: Sequence[Drift], scores: Drift | None
) -> tuple[Breach, ...]:
    """List what is beyond its limit, inputs first, each with a sentence."""
    breaches = [breach for drift in inputs for breach in _input_breaches(limits, drift)]
    if scores is not None:
        breaches += _psi_breach(scores, limits.score_psi)
    return tuple(breaches)


def psi(then: Sequence[int], now: Sequence[int]) -> float:
    """Population stability index of two sets of counts over the same bins; 0 is the same shape."""
    before = np.array(then, dtype=np.float64) + _HALF_A_ROW
    after = np.array(now, dtype=np.float64) + _HALF_A_ROW
    before, after = before / before.sum(), after / after.sum()
    return float(((after - before) * np.log(after / before)).sum())


def chance_psi(bins: int, rows_then: int, rows_now: int) -> float:
    """99th percentile of the PSI of two samples of one distribution."""
    free = bins - 1
    if not free:
        return 0.0
    # Wilson and Hilferty's approximation of the chi-square quantile: within 1 % here.
    part = 2 / (9 * free)
    quantile = free * (1 - part + _CHANCE_Z * math.sqrt(part)) ** 3
    return quantile * (1 / rows_then + 1 / rows_now)


def usual_psi(profile: Profile, stretch: int, among: int = 1) -> float:
    """PSI that one more stretch of so many days may reach; 0 where too few are known to tell."""
    found = [
        max(psi(then.tolist(), now.tolist()), _SMALLEST)
        for then, now in _known_stretches(profile, stretch)
    ]
    if len(found) < _FEWEST_STRETCHES:
        return 0.0
    logs, free = np.log(found), len(found) - 1
    factor = t_quantile(1 - _FALSE_ALARMS / among, free) * math.sqrt(1 + 1 / len(found))
    return float(np.exp(logs.mean() + factor * logs.std(ddof=1)))


def summarise_drift(drifts: Sequence[Drift]) -> Mapping[str, float]:
    """PSI by name, largest first: what a chart or the UI's metadata shows."""
    ranked = sorted(drifts, key=lambda drift: (-drift.psi, drift.name))
    return {drift.name: drift.psi for drift in ranked}


def _known_stretches(
    profile: Profile, stretch: int
) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Counts of each stretch of the window and the others', and of each tested and the window's."""
    whole = np.sum(profile.days, axis=0) if profile.days else np.zeros(1, np.int64)
    # Against the others, since a window that a week is part of looks like that week.
    pairs = [(whole - now, now) for now in _stretches(profile.days, stretch)]
    pairs += [(whole, now) for now in _stretches(profile.tested, stretch)]
    kept = [(then, now, then + now > 0) for then, now in pairs if then.sum() and now.sum()]
    return [(then[some], now[some]) for then, now, some in kept]


def _stretches(days: Sequence[Sequence[int]], length: int) -> list[NDArray[np.int64]]:
    """Counts of stretches that share no day, so that none tells of another; the last ends last."""
    first = len(days) % length
    return [np.sum(days[at : at + length], axis=0) for at in range(first, len(days), length)]


@cache
def t_quantile(share: float, free: int) -> float:
    """Quantile of Student's t, by halving: its density, summed from 0 on."""
    # Not by scipy, which every image would then carry for this one number.
    scale = math.exp(math.lgamma((free + 1) / 2) - math.lgamma(free / 2)) / math.sqrt(
        free * math.pi
    )
    low, high = 0.0, 1e4
    while high - low > _T_STEP:
        middle = (low + high) / 2
        # Points that lie close where the density is, whatever the end.
        points = np.sinh(np.linspace(0, math.asinh(middle), 4001))
        density = scale * (1 + points**2 / free) ** (-(free + 1) / 2)
        below = 0.5 + float(((density[1:] + density[:-1]) / 2 * np.diff(points)).sum())
        low, high = (middle, high) if below < share else (low, middle)
    return high


def _present(name: str, values: NDArray[np.float64]) -> NDArray[np.float64]:
    present = values[~np.isnan(values)]
    if not len(present):
        message = f"{name}: no values to make a profile of, all {len(values)} rows are missing"
        raise DataError(message)
    return present


def _counts(edges: NDArray[np.float64], values: NDArray[np.float64]) -> tuple[int, ...]:
    places = np.searchsorted(edges, values, side="right")
    return tuple(np.bincount(places, minlength=len(edges) + 1).tolist())


def _number_bins(edges: NDArray[np.float64], values: NDArray[np.float64]) -> NDArray[np.int64]:
    places = np.searchsorted(edges, values, side="right")
    return np.where(np.isnan(values), len(edges) + 1, places)


def _category_bins(levels: Sequence[str], values: Sequence[object]) -> NDArray[np.int64]:
    places: dict[object, int] = {level: place for place, level in enumerate(levels)}
    places[None] = len(levels) + 1
    return np.array([places.get(value, len(levels)) for value in values], dtype=np.int64)


def _by_day(
    bins: NDArray[np.int64], width: int, days: NDArray[np.int64] | None
) -> tuple[tuple[int, ...], ...]:
    if days is None:
        return ()
    return tuple(
        tuple(np.bincount(bins[days == day], minlength=width).tolist()) for day in np.unique(days)
    )


def _drift(
    profile: Profile,
    then: Sequence[int],
    now: Sequence[int],
    unseen: Counter[str],
    stretch: tuple[int, int],
) -> Drift:
    """Compare counts of the same bins, of which the last is missing values."""
    rows = sum(now)
    if not rows:
        message = f"{profile.name}: there are no rows to compare with the training window"
        raise DataError(message)
    # A bin that is empty on both sides says nothing, and must not soften the others.
    pairs = [(one, other) for one, other in zip(then, now, strict=True) if one or other]
    chance = max(chance_psi(len(pairs), profile.rows, rows), usual_psi(profile, *stretch))
    # As far as rows can be from the window: all of them where it had the fewest.
    rarest = then.index(min(then))
    farthest = psi(then, [rows if place == rarest else 0 for place in range(len(then))])
    return Drift(
        name=profile.name,
        rows=rows,
        psi=psi([one for one, _ in pairs], [other for _, other in pairs]),
        chance=chance,
        blind=chance >= farthest,
        missing_share=now[-1] / rows,
        training_missing_share=profile.missing / profile.rows,
        unseen_share=unseen.total() / rows,
        unseen_levels=tuple(
            level for level, _ in sorted(unseen.items(), key=lambda item: (-item[1], item[0]))
        ),
    )


def _input_breaches(limits: Monitoring, drift: Drift) -> list[Breach]:
    breaches = _psi_breach(drift, limits.input_psi)
    more = drift.missing_share - drift.training_missing_share
    if more > limits.missing_share:
        sentence = (
            f"{drift.name} is missing in {drift.missing_share:.1%} of {drift.rows:,} rows, in the "
            f"training window in {drift.training_missing_share:.1%}; {limits.missing_share:.1%} "
            "more are allowed."
        )
        breaches.append(_breach(drift, "missing", more, limits.missing_share, sentence))
    if drift.unseen_share > limits.unseen_share:
        shown = ", ".join(drift.unseen_levels[:5])
        sentence = (
            f"{drift.name} has levels that training never saw in {drift.unseen_share:.1%} of "
            f"{drift.rows:,} rows ({shown}); {limits.unseen_share:.1%} are allowed."
        )
        breaches.append(_breach(drift, "unseen", drift.unseen_share, limits.unseen_share, sentence))
    return breaches


def _psi_breach(drift: Drift, limit: float) -> list[Breach]:
    if drift.psi <= max(limit, drift.chance):
        return []
    sentence = (
        f"{drift.name} drifted from the training window: PSI {drift.psi:.3f} on {drift.rows:,} "
        f"rows, where {limit:g} is allowed and up to {drift.chance:.3f} is ordinary."
    )
    return [_breach(drift, "psi", drift.psi, limit, sentence)]


def _breach(drift: Drift, kind: str, value: float, limit: float, sentence: str) -> Breach:
    return Breach(name=drift.name, kind=kind, value=value, limit=limit, sentence=sentence)
