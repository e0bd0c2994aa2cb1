"""What a program outside this process is asked, and what it answers: records in a store.

Belongs here: names and records of requests, results and errors. Does not: what a program does
(`programs`), where it runs (`resources.kubernetes`).
"""

from dataclasses import dataclass
from typing import TypeVar

from refit_assets import errors
from refit_assets.artefacts import ArtefactStore
from refit_assets.errors import DataError, Finding, ParityError, RefitError, WorkloadFailed
from refit_assets.spec import ModelSpec

RecordT = TypeVar("RecordT")

STORE_VARIABLE = "REFIT_STORE"
"""Address of the artefact store, for a program."""
WORKLOAD_VARIABLE = "REFIT_WORKLOAD"
"""Name of the workload that a program runs as, under which it finds its request."""

H2O_HOSTS = "REFIT_H2O_HOSTS"
"""All nodes of the cluster that the fit program works on, comma-separated."""
H2O_PASSWORD = "REFIT_H2O_PASSWORD"  # noqa: S105 - the variable's name

H2O_MEMORY, H2O_THREADS = "REFIT_H2O_MEMORY_MIB", "REFIT_H2O_THREADS"
"""Size of an H2O inside the program's own pod, where there is no cluster."""


@dataclass(frozen=True, kw_only=True)
class PackageRequest:
    """Package a refit's candidate."""

    spec: ModelSpec
    refit: str


@dataclass(frozen=True, kw_only=True)
class ScoreRequest:
    """Score stored rows by a stored jar; all three are names in the store."""

    jar: str
    rows: str
    predictions: str


@dataclass(frozen=True, kw_only=True)
class Scored:
    """The predictions are stored."""

    predictions: str


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """An error of ours, on its way from a program to whoever asked."""

    kind: str
    text: str
    transient: bool
    findings: tuple[Finding, ...] = ()
    differences: tuple[str, ...] = ()

    def build(self) -> RefitError:
        """Build the error again, as it was raised."""
        if self.kind == "DataError":
            # The text names the findings already: the constructor would name them again.
            data = DataError(self.text)
            data.findings = self.findings
            return data
        if self.kind == "ParityError":
            parity = ParityError(self.text)
            parity.differences = self.differences
            return parity
        if self.kind == "WorkloadFailed":
            return WorkloadFailed(self.text, transient=self.transient)
        kind = getattr(errors, self.kind, RefitError)
        return kind(self.text)


def refusal_of(error: RefitError) -> Refusal:
    """Describe an error of ours."""
    return Refusal(
        kind=type(error).__name__,
        text=str(error),
        transient=error.transient,
        findings=error.findings if isinstance(error, DataError) else (),
        differences=error.differences if isinstance(error, ParityError) else (),
    )


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """The records of one workload."""

    store: ArtefactStore
    workload: str

    @property
    def folder(self) -> str:
        """Where they lie."""
        return f"programs/{self.workload}/"

    def ask(self, request: object) -> None:
        """Store what is asked for."""
        self.store.write_record(f"{self.folder}request.json", request)

    def asked(self, kind: type[RecordT]) -> RecordT:
        """Read what is asked for."""
        return self.store.need_record(kind, f"{self.folder}request.json", made_by="the step")

    def answer(self, result: object) -> None:
        """Store the result."""
        self.store.write_record(f"{self.folder}result.json", result)

    def refuse(self, error: RefitError) -> None:
        """Store the error."""
        self.store.write_record(f"{self.folder}error.json", refusal_of(error))

    def answered(self, kind: type[RecordT]) -> RecordT | None:
        """Read the result; None where there is none.

        Raises:
            RefitError: the program refused; the error is of the type that it raised.

        """
        refusal = self.store.read_record(Refusal, f"{self.folder}error.json")
        if refusal is not None:
            raise refusal.build()
        return self.store.read_record(kind, f"{self.folder}result.json")
