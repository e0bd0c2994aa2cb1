"""The verdict on a challenger: every gate of the spec, held or not, in a sentence to check it by.

A gate that cannot be computed fails. Pure: reads an Evaluation, a Comparison and the jar's figures.
Who approves, and what is published after that, is `release`'s.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from refit_assets.evaluation.records import (
    Comparison,
    Evaluation,
    Measured,
    PairedDifference,
    Slice,
)
from refit_assets.evaluation.wording import format_number, format_share, metric_name
from refit_assets.spec import (
    ChampionGate,
    Gates,
    JarGate,
    Metric,
    MigrationGate,
    SliceGate,
)


@dataclass(frozen=True, kw_only=True)
class PlannedGate:
    """A gate that the spec asks for, before anything is measured."""

    name: str
    """Letters, digits and underscores: fit for the name of a check."""
    description: str
    needs: Literal["evaluation", "champion", "jar"]


@dataclass(frozen=True, kw_only=True)
class GateResult:
    """A gate, judged."""

    name: str
    held: bool
    sentence: str
    value: float | None
    """What was found; None where it could not be computed."""
    limit: float | None


@dataclass(frozen=True, kw_only=True)
class JarFigures:
    """What serving the jar costs; None where it was not measured."""

    mib: float | None
    rows_a_second: float | None


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Whether a challenger is good enough to replace the champion."""

    promote: bool
    reasons: tuple[str, ...]
    """Why not, gate by gate; or, where it is good enough, why."""
    gates: tuple[GateResult, ...]


def plan_gates(gates: Gates) -> tuple[PlannedGate, ...]:
    """All gates of a spec in the order in which they are judged; parity is always one."""
    return tuple(_planned(gates))


def judge(
    gates: Gates,
    evaluation: Evaluation,
    comparison: Comparison | None,
    jar: JarFigures | None,
    *,
    champion: str | None,
) -> Verdict:
    """Judge every gate.

    `champion` is the version that serves, None before the first release. A champion without a
    `comparison` (its jar is gone, or could not score these rows) fails the gates that need one.
    """
    results = [
        *judge_evaluation(gates, evaluation),
        *_judge_champion(gates, comparison, champion),
        *_judge_jar(gates.jar, jar),
    ]
    failed = tuple(result.sentence for result in results if not result.held)
    return Verdict(
        promote=not failed,
        reasons=failed or (_praise(results, comparison, champion),),
        gates=tuple(results),
    )


def judge_evaluation(gates: Gates, evaluation: Evaluation) -> tuple[GateResult, ...]:
    """Judge the gates that need nothing but the evaluation: parity, floors, ceilings, slices."""
    floors = [_bound(evaluation, name, limit, floor=True) for name, limit in gates.floors.items()]
    ceilings = [
        _bound(evaluation, name, limit, floor=False) for name, limit in gates.ceilings.items()
    ]
    slices = [
        _slices(evaluation, gate, column, limit, floor=floor)
        for gate, column, limit, floor in _slice_limits(gates)
    ]
    return _parity(evaluation), *floors, *ceilings, *slices


def _planned(gates: Gates) -> Iterator[PlannedGate]:
    yield _plan("parity", "The jar predicts what the cluster predicted, on the whole holdout.")
    for metric, limit in gates.floors.items():
        yield _plan(f"floor_{metric}", f"{metric_name(metric)} is at least {limit}.")
    for metric, limit in gates.ceilings.items():
        yield _plan(f"ceiling_{metric}", f"{metric_name(metric)} is at most {limit}.")
    for gate, column, limit, floor in _slice_limits(gates):
        bound = "at least" if floor else "at most"
        yield _plan(
            _slice_name(gate, column, floor=floor),
            f"{metric_name(gate.metric)} is {bound} {limit} in every slice of {column} with "
            f"{gate.minimum_rows} rows or more.",
        )
    if gates.champion:
        text = f"{metric_name(gates.champion.metric)} is no worse than the champion's."
        yield PlannedGate(name="champion", description=text, needs="champion")
    if gates.migration:
        share = format_share(gates.migration.largest_share)
        text = f"At most {share} of the decisions change when the challenger takes over."
        yield PlannedGate(name="migration", description=text, needs="champion")
    if gates.jar.largest_mib is not None:
        text = f"The jar is no larger than {gates.jar.largest_mib} MiB."
        yield PlannedGate(name="jar_size", description=text, needs="jar")
    if gates.jar.fewest_rows_a_second is not None:
        text = f"The jar scores {gates.jar.fewest_rows_a_second:,.0f} rows a second or more."
        yield PlannedGate(name="jar_speed", description=text, needs="jar")


def _plan(name: str, description: str) -> PlannedGate:
    return PlannedGate(name=name, description=description, needs="evaluation")


def _slice_limits(gates: Gates) -> Iterator[tuple[SliceGate, str, float, bool]]:
    """Each slice gate, column by column, with its limit and whether that is a floor."""
    for gate in gates.slices:
        for column in gate.columns:
            if gate.floor is not None:
                yield gate, column, gate.floor, True
            if gate.ceiling is not None:
                yield gate, column, gate.ceiling, False


def _slice_name(gate: SliceGate, column: str, *, floor: bool) -> str:
    return f"slice_{'floor' if floor else 'ceiling'}_{gate.metric}_{column}"


def _parity(evaluation: Evaluation) -> GateResult:
    parity = evaluation.parity
    # Nothing compared proves nothing.
    if parity is None or not parity.values:
        sentence = (
            "Parity could not be computed: there are no in-cluster predictions to hold it to."
        )
        return GateResult(name="parity", held=False, sentence=sentence, value=None, limit=0)
    rows = len({difference.key for difference in parity.differing})
    sentence = f"The jar and the training cluster differ on {rows:,} of {parity.rows:,} rows."
    if not rows:
        every = f"all {parity.rows:,} rows"
        sentence = f"The jar predicts what the training cluster did on {every}, bit for bit."
    return GateResult(name="parity", held=not rows, sentence=sentence, value=rows, limit=0)


def _bound(evaluation: Evaluation, metric: Metric, limit: float, *, floor: bool) -> GateResult:
    name = f"{'floor' if floor else 'ceiling'}_{metric}"
    measured = evaluation.measured(metric)
    if measured is None or measured.value is None:
        return _lost(name, f"{metric_name(metric)} is undefined on this holdout", limit)
    held = _within(measured.value, limit, floor=floor)
    sentence = (
        f"{_capital(metric_name(metric))} on the holdout is {_figure(measured)}; the spec asks for "
        f"{_asked(limit, floor=floor)}."
    )
    return GateResult(name=name, held=held, sentence=sentence, value=measured.value, limit=limit)


def _slices(
    evaluation: Evaluation, gate: SliceGate, column: str, limit: float, *, floor: bool
) -> GateResult:
    name = _slice_name(gate, column, floor=floor)
    slices = [one for one in evaluation.slices if one.column == column]
    judged = [one for one in slices if one.rows >= gate.minimum_rows]
    # Held for want of slices, it would guard nothing and say nothing.
    if not judged:
        return _lost(name, f"no slice of {column} has {gate.minimum_rows:,} rows", limit)
    values: list[tuple[float, Slice, Measured]] = []
    for one in judged:
        measured = one.measured(gate.metric)
        # The worst slice may be the one that cannot be measured.
        if measured is None or measured.value is None:
            what = f"{metric_name(gate.metric)} is undefined in {column} = {one.level}"
            return _lost(name, what, limit)
        values.append((measured.value, one, measured))
    value, worst, measured = (min if floor else max)(values, key=lambda found: found[0])
    left = len(slices) - len(judged)
    small = f" Of {len(slices)} slices, {left} are too small to judge." if left else ""
    sentence = (
        f"{_capital(metric_name(gate.metric))} by {column} is worst at {worst.level}: "
        f"{_figure(measured)} on {worst.rows:,} rows; the spec asks for "
        f"{_asked(limit, floor=floor)} in every slice.{small}"
    )
    held = _within(value, limit, floor=floor)
    return GateResult(name=name, held=held, sentence=sentence, value=value, limit=limit)


def _judge_champion(
    gates: Gates, comparison: Comparison | None, champion: str | None
) -> Iterator[GateResult]:
    if gates.champion:
        yield _against_champion(gates.champion, comparison, champion)
    if gates.migration:
        yield _migrated(gates.migration, comparison, champion)


def _against_champion(
    gate: ChampionGate, comparison: Comparison | None, champion: str | None
) -> GateResult:
    # Below zero: there the challenger is the worse one.
    limit = -gate.margin
    if champion is None:
        return _first("champion", limit)
    if comparison is None:
        why = f"champion {champion} did not score these rows: its jar is gone or asks for others"
        return _lost("champion", why, limit)
    found = comparison.difference
    # Better by another metric is an answer to another question.
    if found is None or found.metric != gate.metric:
        what = f"the difference in {metric_name(gate.metric)} from {champion} is undefined"
        return _lost("champion", what, limit)
    sentence = (
        f"{_capital(metric_name(gate.metric))} is {format_number(found.challenger)} against "
        f"{format_number(found.champion)} of champion {champion} on the same {comparison.rows:,} "
        f"rows. {_certainty(found)}; the spec allows it to be "
        f"{f'{format_number(gate.margin)} worse' if gate.margin else 'no worse'}."
    )
    # The bound and not the difference: the challenger must surely be no worse than that.
    held = found.at_least >= limit
    return GateResult(
        name="champion", held=held, sentence=sentence, value=found.at_least, limit=limit
    )


def _certainty(found: PairedDifference) -> str:
    sure = f"With {found.confidence * 100:g}\u202f% confidence the challenger is"
    if found.at_least == found.at_most == 0:
        return f"{sure} exactly as good"
    if found.at_least >= 0:
        return f"{sure} better by {format_number(found.at_least)} or more"
    return f"{sure} at most {format_number(-found.at_least)} worse"


def _migrated(
    gate: MigrationGate, comparison: Comparison | None, champion: str | None
) -> GateResult:
    limit = gate.largest_share
    if champion is None:
        return _first("migration", limit)
    found = comparison.migration if comparison else None
    if found is None:
        return _lost("migration", f"the decisions of champion {champion} are not known", limit)
    sentence = (
        f"{format_share(found.share)} of the decisions change against champion {champion}: "
        f"{found.newly_flagged:,} rows are newly flagged and {found.no_longer_flagged:,} no "
        f"longer; the spec allows {format_share(limit)}."
    )
    held = found.share <= limit
    return GateResult(
        name="migration", held=held, sentence=sentence, value=found.share, limit=limit
    )


def _judge_jar(gate: JarGate, jar: JarFigures | None) -> Iterator[GateResult]:
    if gate.largest_mib is not None:
        yield _jar_gate(
            "jar_size",
            jar and jar.mib,
            gate.largest_mib,
            lambda value, limit: f"The jar has {value:.2f} MiB; the spec allows {limit:g}.",
            floor=False,
        )
    if gate.fewest_rows_a_second is not None:
        yield _jar_gate(
            "jar_speed",
            jar and jar.rows_a_second,
            gate.fewest_rows_a_second,
            lambda value, limit: (
                f"The jar scores {value:,.0f} rows a second; the spec asks for {limit:,.0f}."
            ),
            floor=True,
        )


def _jar_gate(
    name: str,
    value: float | None,
    limit: float,
    say: Callable[[float, float], str],
    *,
    floor: bool,
) -> GateResult:
    if value is None:
        return _lost(name, "the jar was not measured", limit)
    held = _within(value, limit, floor=floor)
    return GateResult(name=name, held=held, sentence=say(value, limit), value=value, limit=limit)


def _first(name: str, limit: float) -> GateResult:
    # The first model has floors and ceilings to hold, and nobody to be worse than.
    sentence = "No model has been released yet: there is no champion to compare with."
    return GateResult(name=name, held=True, sentence=sentence, value=None, limit=limit)


def _lost(name: str, why: str, limit: float) -> GateResult:
    sentence = f"{_capital(why)}: a gate that cannot be computed fails."
    return GateResult(name=name, held=False, sentence=sentence, value=None, limit=limit)


def _within(value: float, limit: float, *, floor: bool) -> bool:
    return value >= limit if floor else value <= limit


def _asked(limit: float, *, floor: bool) -> str:
    return f"at {'least' if floor else 'most'} {limit:g}"


def _figure(measured: Measured) -> str:
    value = format_number(measured.value)
    interval = measured.interval
    if interval is None:
        return value
    sure = f"{interval.confidence * 100:g}\u202f% interval"
    return f"{value} ({sure} {format_number(interval.low)} to {format_number(interval.high)})"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _praise(
    results: Sequence[GateResult], comparison: Comparison | None, champion: str | None
) -> str:
    every = f"all {len(results)} gates hold" if len(results) > 1 else "parity holds"
    if champion is None:
        return f"First release of this model; {every}."
    against = next((result.sentence for result in results if result.name == "champion"), None)
    if against is not None:
        return f"{_capital(every)}. {against}"
    compared = f" against champion {champion}" if comparison else ""
    return f"{_capital(every)}{compared}; the spec has no gate on the champion."
