"""What can go wrong, as types: every error of ours names the thing and the next command.

    RefitError
    ├── SpecError            the YAML asks for something impossible: fix the YAML
    ├── DataError            the data is not what the spec says: names table or file, day, column
    ├── SetupError           the machine lacks Java, Maven or the right h2o: says what to install
    ├── ParityError          a jar and the training cluster disagree: carries all rows that differ
    ├── PublishError         the jar could not be published: nothing half-published stays behind
    ├── LedgerError          the release ledger refuses: an event out of order, an unknown version
    └── WorkloadError        something that runs outside this process
        ├── WorkloadFailed   it ended badly: object, last state, log tail, the next command
        └── WorkloadTimeout  it did not end in time

Only `assets/` turns these into Dagster's own: `transient` ones are retried, all others are not.
Add a type here when a caller must tell it from the others; otherwise a better sentence is enough.
"""

from collections.abc import Sequence
from dataclasses import dataclass


class RefitError(Exception):
    """Root of all errors that refit_assets raises on purpose."""

    transient: bool = False


class SpecError(RefitError):
    """The model's YAML contradicts itself or asks for what cannot be."""


class SetupError(RefitError):
    """The machine lacks a tool, or has it in a version that does not work."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing wrong with the data: where it stands, what was expected, what is there."""

    where: str
    """The file or table, as a person would open it."""
    expected: str
    found: str
    row: int | None = None
    """Line of the file (the header is line 1), or None where there is no such thing."""
    column: str | None = None

    def __str__(self) -> str:
        """Render as one line."""
        place = self.where
        if self.row is not None:
            place += f", row {self.row}"
        if self.column is not None:
            place += f", column {self.column}"
        return f"{place}: expected {self.expected}, found {self.found}"


class DataError(RefitError):
    """Data that is not what the spec says; nothing has been replaced."""

    most_shown = 20

    def __init__(self, summary: str, findings: Sequence[Finding] = (), *, cure: str = "") -> None:
        """Keep all findings; the text shows up to twenty."""
        self.findings = tuple(findings)
        shown = [f"  {finding}" for finding in self.findings[: self.most_shown]]
        left = len(self.findings) - len(shown)
        if left > 0:
            shown.append(f"  and {left} more")
        super().__init__("\n".join([summary, *shown, *([cure] if cure else [])]))


class ParityError(RefitError):
    """The jar does not predict what the training cluster predicted."""

    def __init__(self, summary: str, differences: Sequence[str] = ()) -> None:
        """Keep all differing rows, rendered."""
        self.differences = tuple(differences)
        super().__init__("\n".join([summary, *(f"  {line}" for line in self.differences)]))


class PublishError(RefitError):
    """A jar that could not be published; the repository resolves what it resolved before."""

    def __init__(self, message: str, *, transient: bool = False) -> None:
        """Say whether another attempt may succeed where nothing else changes."""
        super().__init__(message)
        self.transient = transient


class LedgerError(RefitError):
    """The release ledger refuses an event or a question."""


class WorkloadError(RefitError):
    """Something that runs outside this process."""


class WorkloadFailed(WorkloadError):  # noqa: N818 - a state, named as Kubernetes names it
    """A workload that ended badly."""

    def __init__(self, message: str, *, transient: bool = False) -> None:
        """Say whether another attempt may succeed where nothing else changes."""
        super().__init__(message)
        self.transient = transient


class WorkloadTimeout(WorkloadError):  # noqa: N818
    """A workload that did not end in time."""

    # Another attempt goes on from what is stored.
    transient = True
