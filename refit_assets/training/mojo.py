"""The canonical MOJO: the same model gives the same bytes, whenever and wherever it was exported.

Belongs here: bytes of a MOJO in, bytes out. Does not: exporting it (`fit`), reading its trees
(the scoring jar).
"""

import hashlib
import json
import re
import zipfile
from dataclasses import dataclass
from io import BytesIO

from refit_assets.errors import DataError

# The earliest date that a zip can hold: H2O writes the clock's.
_EPOCH = (1980, 1, 1, 0, 0, 0)
_PERMISSIONS = 0o644 << 16
_UNIX = 3
# Of a forest of a million nodes 6 takes 2.7 s in place of 0.6, and saves 12 %; 9 takes 20 s.
_LEVEL = 1
_STATISTICS = "_aux.bin"
_TREE = "trees/"
_INI = "model.ini"
_COLUMN = ("type", "format", "description")
DETAILS = "experimental/modelDetails.json"
"""What H2O's reader of a MOJO reads only where it is asked to."""


@dataclass(frozen=True, kw_only=True)
class Domain:
    """The levels that a MOJO knows of one of its columns, in its order."""

    column: str
    levels: tuple[str, ...]


def canonical_mojo(exported: bytes) -> bytes:
    """Return the MOJO without what depends on clock, chance and machine.

    Dropped: `experimental/` (scoring history with times; of a random forest the variables that it
    uses are kept), `timestamp`, and the `uuid` is 0; entries are sorted and dated alike. Nested
    models of an ensemble are treated the same.

    Raises:
        DataError: it is no MOJO.

    """
    target = BytesIO()
    with _opened(exported) as source, zipfile.ZipFile(target, "w") as canonical:
        used = used_variables(source)
        for name in sorted(source.namelist()):
            if name == DETAILS and used is not None:
                canonical.writestr(_entry(name), used, compresslevel=_LEVEL)
            elif not name.endswith("/") and "experimental" not in name.split("/")[:-1]:
                canonical.writestr(_entry(name), _content(source, name), compresslevel=_LEVEL)
    return target.getvalue()


def mojo_for_scoring(mojo: bytes) -> bytes:
    """Return the MOJO without what contributions alone need, and its trees not deflated.

    Statistics of nodes are larger than the trees. Trees are read sooner than they are inflated, and
    are still smaller then than they were with statistics.
    """
    target = BytesIO()
    with _opened(mojo) as source, zipfile.ZipFile(target, "w") as scoring:
        for name in source.namelist():
            if not name.endswith(_STATISTICS) and name != DETAILS:
                stored = zipfile.ZIP_STORED if _TREE in name else None
                scoring.writestr(_entry(name), source.read(name), stored, _LEVEL)
    return target.getvalue()


def used_variables(mojo: zipfile.ZipFile) -> bytes | None:
    """Of a random forest, H2O's table of importances, with 1 for every variable that it uses.

    H2O divides a forest's contributions by how many variables are used. It adds importances up in
    whatever order its threads come, so that their last bits are chance; which ones are 0 is not.
    None for other models, and where H2O did not tell.
    """
    if DETAILS not in mojo.namelist() or b"\nalgo = drf\n" not in mojo.read(_INI):
        return None
    try:
        table = json.loads(mojo.read(DETAILS))["output"]["variable_importances"]
        names, importances = table["data"][:2]
        named = {key: table[key] for key in ("name", "description")}
        columns = [{key: one[key] for key in _COLUMN} for one in table["columns"][:2]]
    except (ValueError, KeyError, TypeError):
        return None
    used = {name: float(value > 0) for name, value in zip(names, importances, strict=True)}
    data = [sorted(used), [used[name] for name in sorted(used)]]
    kept = {**named, "columns": columns, "rowcount": len(used), "data": data}
    nothing = {"name": "", "description": "", "columns": [], "rowcount": 0, "data": []}
    # H2O's reader looks for these, too, and says on stdout where it finds none.
    told = {"model_summary": nothing, "scoring_history": nothing, "variable_importances": kept}
    return json.dumps({"output": told}, indent=1).encode()


def mojo_digest(mojo: bytes) -> str:
    """SHA-256 of a canonical MOJO, 64 hex digits."""
    return hashlib.sha256(mojo).hexdigest()


def read_domains(mojo: bytes) -> tuple[Domain, ...]:
    """Read the levels of every categorical column, target included."""
    with _opened(mojo) as source:
        ini = source.read(_INI).decode("utf-8")
        columns = _section(ini, "columns")
        found: list[Domain] = []
        for line in _section(ini, "domains"):
            at, rest = line.split(":", 1)
            content = source.read(f"domains/{rest.split()[-1]}").decode("utf-8")
            levels = tuple(_unescaped(level) for level in content.splitlines())
            found.append(Domain(column=columns[int(at)], levels=levels))
    return tuple(found)


def _opened(mojo: bytes) -> zipfile.ZipFile:
    try:
        source = zipfile.ZipFile(BytesIO(mojo))
    except zipfile.BadZipFile as error:
        message = f"{len(mojo)} bytes are no MOJO: {error}"
        raise DataError(message) from error
    if _INI not in source.namelist():
        message = f"a zip without {_INI} is no MOJO; it holds {', '.join(source.namelist()[:5])}"
        raise DataError(message)
    return source


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, _EPOCH)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = _PERMISSIONS
    # zipfile would note this system's own.
    entry.create_system = _UNIX
    return entry


def _content(source: zipfile.ZipFile, name: str) -> bytes:
    content = source.read(name)
    if name.rsplit("/", 1)[-1] != _INI:
        return content
    content = re.sub(rb"(?m)^timestamp = .*\n", b"", content)
    return re.sub(rb"(?m)^uuid = .*$", b"uuid = 0", content)


def _section(ini: str, name: str) -> list[str]:
    _, _, rest = ini.partition(f"[{name}]\n")
    body = rest.split("\n[", 1)[0]
    return [line for line in body.splitlines() if line]


def _unescaped(level: str) -> str:
    return level.replace("\\n", "\n").replace("\\\\", "\\")
