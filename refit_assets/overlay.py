"""A storage over another one: reads fall through, writes stay above.

For work that may use what is there, and must change none of it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from refit_assets.artefacts import Folder, Listed, Storage


@dataclass(frozen=True, kw_only=True)
class Overlay:
    """A folder over a storage; of that one only some prefixes are seen."""

    above: Folder
    below: Storage
    seen: tuple[str, ...]
    """Prefixes that end in a slash."""

    @property
    def uri(self) -> str:
        """Address of what is written."""
        return self.above.uri

    def read(self, name: str) -> bytes | None:
        """Return the bytes, or None where neither has the name."""
        content = self.above.read(name)
        return self.below.read(name) if content is None and self._is_seen(name) else content

    def write(self, name: str, content: bytes) -> None:
        """Put the bytes above."""
        self.above.write(name, content)

    def write_new(self, name: str, content: bytes) -> bool:
        """Put the bytes above if neither has the name."""
        if self._is_seen(name) and self.below.look_at(name) is not None:
            return False
        return self.above.write_new(name, content)

    def names(self, prefix: str) -> Sequence[str]:
        """All names of both, sorted."""
        return sorted({one.name for one in self.listed(prefix)})

    def listed(self, prefix: str) -> Iterator[Listed]:
        """All files of both; what lies above hides its namesake."""
        above = {one.name: one for one in self.above.listed(prefix)}
        yield from above.values()
        for one in self.below.listed(prefix):
            if one.name not in above and self._is_seen(one.name):
                yield one

    def look_at(self, name: str) -> Listed | None:
        """Return what a listing tells of one file."""
        found = self.above.look_at(name)
        return self.below.look_at(name) if found is None and self._is_seen(name) else found

    def upload(self, local: Path, name: str) -> None:
        """Put a file above."""
        self.above.upload(local, name)

    def download(self, name: str, local: Path) -> None:
        """Fetch a file; FileNotFoundError names it where neither has it."""
        hidden = self.above.look_at(name) is None and self._is_seen(name)
        (self.below if hidden else self.above).download(name, local)

    def _is_seen(self, name: str) -> bool:
        return name.startswith(self.seen)
