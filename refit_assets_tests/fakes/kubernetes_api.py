"""An API server in memory: objects live until deleted, and states come from a script."""

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from refit_assets.workloads.kube import LogLine, Manifest, NameTakenError


@dataclass
class FakeClock:
    """A clock that only sleeping moves on; what is due at an instant happens then."""

    now: float = 0.0
    plan: list[tuple[float, Callable[[], object]]] = field(default_factory=list)

    def __call__(self) -> float:
        return self.now

    def at(self, seconds: float, happen: Callable[[], object]) -> None:
        self.plan.append((seconds, happen))

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        due = [one for one in self.plan if one[0] <= self.now]
        self.plan = [one for one in self.plan if one[0] > self.now]
        for _, happen in sorted(due, key=lambda one: one[0]):
            happen()


@dataclass
class FakeApi:
    """What `workloads.kube.Api` asks for."""

    namespace: str = "refit"
    objects: dict[tuple[str, str], Manifest] = field(default_factory=dict)
    logs: dict[str, list[LogLine]] = field(default_factory=dict)
    said: dict[str, list[str]] = field(default_factory=dict)
    deleted: list[tuple[str, str]] = field(default_factory=list)
    created: list[str] = field(default_factory=list)
    stays: set[str] = field(default_factory=set)
    """Names of objects that survive their deletion, and of pods that survive their owner's."""

    def create(self, manifest: Manifest) -> Manifest:
        key = manifest["kind"], manifest["metadata"]["name"]
        if key in self.objects:
            message = f"{key} is there"
            raise NameTakenError(message)
        self.objects[key] = copy.deepcopy(manifest)
        self.created.append(key[1])
        return self.objects[key]

    def read(self, kind: str, name: str) -> Manifest | None:
        return copy.deepcopy(self.objects.get((kind, name)))

    def find(self, kind: str, labels: Mapping[str, str]) -> Sequence[Manifest]:
        return [
            copy.deepcopy(found)
            for (its_kind, _), found in sorted(self.objects.items())
            if its_kind == kind and labels.items() <= found["metadata"].get("labels", {}).items()
        ]

    def patch(self, kind: str, name: str, change: Manifest) -> None:
        self.objects[kind, name]["metadata"] |= change["metadata"]

    def delete(self, kind: str, name: str) -> None:
        if self.objects.get((kind, name)) is None or name in self.stays:
            return
        self.deleted.append((kind, name))
        del self.objects[kind, name]
        # The garbage collector, for whatever carries the workload's label.
        for key, found in [*self.objects.items()]:
            if (
                found["metadata"].get("labels", {}).get("refit/workload") == name
                and key[0] == "Pod"
                and key[1] not in self.stays
            ):
                del self.objects[key]

    def log(self, pod: str, *, after: str = "") -> Sequence[LogLine]:
        return [line for line in self.logs.get(pod, ()) if line[0] > after]

    def events(self, name: str) -> Sequence[str]:
        return self.said.get(name, [])

    # What happens on a cluster, for tests to tell.

    def pod(self, name: str, phase: str = "Running", **about: Any) -> None:  # noqa: ANN401
        """Put a pod there, or change it."""
        labels = about.pop("labels", {})
        environment = about.pop("env", [])
        self.objects["Pod", name] = {
            "kind": "Pod",
            "metadata": {"name": name, "labels": labels},
            "spec": {"containers": [{"name": "main", "env": environment}]},
            "status": {"phase": phase, **about},
        }

    def status(self, kind: str, name: str, status: Manifest) -> None:
        """Let an operator or controller set a status."""
        self.objects[kind, name]["status"] = status

    @property
    def names(self) -> list[str]:
        """What is there."""
        return sorted(name for _, name in self.objects)
