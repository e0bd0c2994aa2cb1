"""What a person sees of a workload while it runs: its log as it comes, and signs of life.

Belongs here: following a pod's log, heartbeats, the tail for an error's message. Does not: states.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from refit_assets.workloads.kube import Api

Tell = Callable[[str], None]


@dataclass(kw_only=True)
class LogFollower:
    """Tells each line of a pod's log once, however often the connection is lost."""

    api: Api
    tell: Tell
    shown_in_errors: int = 20
    _after: str = field(default="", init=False)
    _tail: deque[str] = field(init=False)

    def __post_init__(self) -> None:
        """Begin at the log's beginning."""
        self._tail = deque(maxlen=self.shown_in_errors)

    def follow(self, pod: str) -> int:
        """Tell what is new, and return how many lines that were."""
        lines = self.api.log(pod, after=self._after)
        for instant, line in lines:
            self._after = instant
            self._tail.append(line)
            self.tell(line)
        return len(lines)

    @property
    def tail(self) -> str:
        """The last lines, indented, for an error's message."""
        return "".join(f"\n  | {line}" for line in self._tail)


@dataclass(kw_only=True)
class Heartbeat:
    """Tells now and then that something still runs, where it says nothing itself."""

    tell: Tell
    clock: Callable[[], float]
    every_seconds: float = 60.0
    _started: float = field(init=False)
    _told: float = field(init=False)

    def __post_init__(self) -> None:
        """Begin now."""
        self._started = self._told = self.clock()

    @property
    def seconds(self) -> float:
        """How long it has been going on."""
        return self.clock() - self._started

    def beat(self, state: str, *, spoke: bool) -> None:
        """Tell the state if nothing else was told for a while."""
        now = self.clock()
        if spoke:
            self._told = now
        elif now - self._told >= self.every_seconds:
            self._told = now
            self.tell(f"{state} for {self.seconds:.0f} s")
