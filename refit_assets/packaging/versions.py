"""Versions of a scoring jar: they follow the input contract, and nobody types them.

`<contract major>.<minor>.<yyyymmdd>[-n]`: the day is the refit's as-of date, n counts further
builds for the same day. One question decides between major and minor: does everything that a
consumer does today still work? Code that compiles and rows that are accepted must stay so, else
the change is major; hence also a narrower range or a level less is major, a wider one minor.

Belongs here: comparing contracts, the next version. Does not: what was published when
(`release.ledger`), uploading (`release.publish`).
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Literal, NamedTuple, TypeAlias

from refit_assets.errors import PublishError
from refit_assets.features.contract import Column, InputContract

ChangeKind: TypeAlias = Literal["same", "minor", "major"]

_MEANING: dict[ChangeKind, str] = {
    "same": "the same contract",
    "minor": "a minor change: all that a consumer does today still works",
    "major": "a major change: a consumer has to look at its code",
}
_SEVERITY: tuple[ChangeKind, ...] = ("same", "minor", "major")
_VERSION = re.compile(r"([1-9]\d*)\.(0|[1-9]\d*)\.(\d{8})(?:-([1-9]\d*))?")


@dataclass(frozen=True, kw_only=True)
class ContractChange:
    """What became of a contract, and in words why."""

    kind: ChangeKind
    lines: tuple[str, ...]
    """One sentence a difference, the major ones first; empty where nothing changed."""


@dataclass(frozen=True, kw_only=True, order=True)
class JarVersion:
    """A version, in parts; versions order as Maven orders them."""

    major: int
    minor: int
    day: date
    build: int = 0

    @classmethod
    def parse(cls, text: str) -> "JarVersion":
        """Read `<major>.<minor>.<yyyymmdd>[-n]`.

        Raises:
            PublishError: it is written otherwise, or names no day of the calendar.

        """
        match = _VERSION.fullmatch(text)
        day = None if match is None else _read_day(match[3])
        if match is None or day is None:
            message = (
                f"{text!r} is no version of a scoring jar: expected "
                "<contract major>.<minor>.<yyyymmdd>[-n], such as 1.0.20130603"
            )
            raise PublishError(message)
        return cls(major=int(match[1]), minor=int(match[2]), day=day, build=int(match[4] or 0))

    def __str__(self) -> str:
        """Render as `parse` reads it."""
        build = f"-{self.build}" if self.build else ""
        return f"{self.major}.{self.minor}.{self.day:%Y%m%d}{build}"


@dataclass(frozen=True, kw_only=True)
class PublishedVersion:
    """A version that was given away, and what it stands for."""

    version: str
    contract: InputContract
    mojo_sha256: str | None = None
    """Digest of the canonical MOJO inside; None where nobody knows any more."""


class _Difference(NamedTuple):
    kind: ChangeKind
    line: str


def compare_contracts(old: InputContract, new: InputContract) -> ContractChange:
    """Compare two contracts; the order of columns and their descriptions carry no meaning."""
    found = [*_compare_answers(old, new), *_compare_inputs(old, new)]
    # Stable, so that within a kind the answers come first and then the inputs by name.
    found.sort(key=lambda difference: -_SEVERITY.index(difference.kind))
    kind = found[0].kind if found else "same"
    return ContractChange(kind=kind, lines=tuple(difference.line for difference in found))


def render_contract_diff(
    old: InputContract, new: InputContract, *, old_name: str = "old", new_name: str = "new"
) -> str:
    """Tell the difference in words: a headline, then one line a difference."""
    change = compare_contracts(old, new)
    headline = f"{old_name} → {new_name}: {_MEANING[change.kind]}"
    return "\n".join([headline, *(f"  - {line}" for line in change.lines)])


def next_version(
    published: Sequence[PublishedVersion],
    contract: InputContract,
    as_of: date,
    *,
    mojo_sha256: str | None = None,
) -> str:
    """Return the version of a jar for a contract and an as-of date.

    `published` stands in the order of publication. The same MOJO under the same contract and for
    the same day gets the version that it already has: the same inputs make the same bytes.
    """
    versions = [(JarVersion.parse(one.version), one) for one in published]
    for version, one in versions:
        again = mojo_sha256 is not None and one.mojo_sha256 == mojo_sha256
        if again and version.day == as_of and one.contract == contract:
            return str(version)
    if not versions:
        return str(JarVersion(major=1, minor=0, day=as_of))
    # `max` keeps the first of equals; the last published of the newest contract is the one asked.
    latest, base = max(reversed(versions), key=lambda pair: (pair[0].major, pair[0].minor))
    # With the newest only: going back to an older contract changes things for consumers again
    # (decision 0010).
    kind = compare_contracts(base.contract, contract).kind
    return str(_free(_bump(latest, kind, as_of), [version for version, _ in versions]))


def _read_day(digits: str) -> date | None:
    try:
        return date.fromisoformat(f"{digits[:4]}-{digits[4:6]}-{digits[6:]}")
    except ValueError:
        return None


def _bump(latest: JarVersion, kind: ChangeKind, day: date) -> JarVersion:
    if kind == "major":
        return JarVersion(major=latest.major + 1, minor=0, day=day)
    return JarVersion(major=latest.major, minor=latest.minor + (kind == "minor"), day=day)


def _free(wanted: JarVersion, taken: Sequence[JarVersion]) -> JarVersion:
    builds = [version.build for version in taken if replace(version, build=0) == wanted]
    return replace(wanted, build=max(builds) + 1) if builds else wanted


def _compare_answers(old: InputContract, new: InputContract) -> Iterator[_Difference]:
    if old.target != new.target:
        line = f"the target was {old.target}, is {new.target}: the scores mean something else"
        yield _Difference("major", line)
    if sorted(old.classes) != sorted(new.classes):
        was, is_now = _render_answer(old), _render_answer(new)
        yield _Difference("major", f"the answer was {was}, is {is_now}")


def _render_answer(contract: InputContract) -> str:
    return f"one of the classes {_listed(contract.classes)}" if contract.classes else "a number"


def _compare_inputs(old: InputContract, new: InputContract) -> Iterator[_Difference]:
    before = {column.name: column for column in old.columns}
    after = {column.name: column for column in new.columns}
    gone = [before[name] for name in sorted(before.keys() - after.keys())]
    come = [after[name] for name in sorted(after.keys() - before.keys())]
    renamed = _find_renamed(gone, come)
    for column in gone:
        yield _Difference("major", _render_gone(column, renamed.get(column.name)))
    for column in come:
        if column.name in renamed.values():
            continue
        yield _compare_new(column)
    for name in sorted(before.keys() & after.keys()):
        yield from _compare_column(before[name], after[name])


def _find_renamed(gone: Sequence[Column], come: Sequence[Column]) -> dict[str, str]:
    """Old name to new name, where exactly one column went and one alike came."""
    alike = [(g, c) for g in gone for c in come if _nameless(g) == _nameless(c)]
    once_gone = [g.name for g, _ in alike]
    once_come = [c.name for _, c in alike]
    return {
        g.name: c.name
        for g, c in alike
        if once_gone.count(g.name) == 1 and once_come.count(c.name) == 1
    }


def _nameless(column: Column) -> Column:
    return replace(column, name="", description="")


def _render_gone(column: Column, new_name: str | None) -> str:
    if new_name is None:
        return f"{column.name} ({column.type}) is gone"
    return f"{column.name} ({column.type}) is gone; renamed to {new_name}, by the look of it"


def _compare_new(column: Column) -> _Difference:
    if column.nullable:
        return _Difference("minor", f"{column.name} ({column.type}) is new and may be missing")
    return _Difference("major", f"{column.name} ({column.type}) is new and required")


def _compare_column(old: Column, new: Column) -> Iterator[_Difference]:
    name = new.name
    if old.type != new.type:
        # Limits of another type are not compared: they belong to other values.
        yield _Difference("major", f"{name} was {old.type}, is {new.type}")
        return
    if old.nullable and not new.nullable:
        yield _Difference("major", f"{name} could be missing, is now required")
    if new.nullable and not old.nullable:
        yield _Difference("minor", f"{name} was required, may now be missing")
    yield from _compare_limit(name, "smallest", old.minimum, new.minimum)
    yield from _compare_limit(name, "largest", old.maximum, new.maximum)
    yield from _compare_levels(name, old.levels, new.levels)


def _compare_limit(
    name: str, which: Literal["smallest", "largest"], old: str | None, new: str | None
) -> Iterator[_Difference]:
    # As numbers: 1.0 and 1.00 are the same limit.
    was = None if old is None else Decimal(old)
    is_now = None if new is None else Decimal(new)
    if was == is_now:
        return
    line = f"{name}: the {which} allowed value was {old or 'not limited'}"
    line += f", is {new or 'no longer limited'}"
    if is_now is None:
        wider = True
    elif was is None:
        wider = False
    else:
        wider = is_now < was if which == "smallest" else is_now > was
    yield _Difference("minor" if wider else "major", line)


def _compare_levels(
    name: str, old: tuple[str, ...] | None, new: tuple[str, ...] | None
) -> Iterator[_Difference]:
    if old is None and new is not None:
        yield _Difference("major", f"{name} took any level, now only {_listed(new)}")
    elif old is not None and new is None:
        yield _Difference("minor", f"{name} took only {_listed(old)}, now any level")
    elif old is not None and new is not None:
        if gone := sorted(set(old) - set(new)):
            yield _Difference("major", f"{name} no longer takes {_listed(gone)}")
        if come := sorted(set(new) - set(old)):
            yield _Difference("minor", f"{name} now also takes {_listed(come)}")


def _listed(names: Sequence[str]) -> str:
    return ", ".join(repr(name) for name in names)
