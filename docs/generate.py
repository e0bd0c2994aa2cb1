"""Generates what must not be written by hand: the reference of the YAML, the asset graph's picture.

`python docs/generate.py` writes both; with `--check` it writes nothing and exits 1 where a file is
not what would be written. Prose belongs into the other files of docs/.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from refit_assets.job_spec import SparkJobSpec
from refit_assets.spec import ModelSpec

DOCS = Path(__file__).parent
LIMITS = {
    "minimum": "≥ {}",
    "exclusiveMinimum": "> {}",
    "maximum": "≤ {}",
    "exclusiveMaximum": "< {}",
    "minItems": "at least {}",
    "minProperties": "at least {}",
    "pattern": "`{}`",
}
INTRODUCTION = """# The YAML of a model

Everything that `defs/<model>/defs.yaml` can say below `attributes`, with every default.
Generated from `refit_assets/spec.py` by `make docs`; `make check` holds the two together.
Unknown keys and contradictions are refused with file and line.
"""
JOB_INTRODUCTION = """# The YAML of a Spark job

Everything that the YAML of a `SparkJob` can say below `attributes`, with every default.
Generated from `refit_assets/job_spec.py` by `make docs`; `make check` holds the two together.
"""

# Column and row of every asset, the engine that makes it, and what it depends on.
NODES = {
    "landing": (0, 0, "observed", ()),
    "features": (1, 0, "Spark, Iceberg", ("landing",)),
    "training_set": (2, 0, "pinned snapshot", ("features",)),
    "trials": (3, 0, "H2O", ("training_set",)),
    "candidate": (3, 1, "MOJO, golden rows", ("trials",)),
    "scoring_jar": (2, 1, "Maven, parity 0.0", ("candidate",)),
    "evaluation": (1, 1, "the jar scores", ("scoring_jar",)),
    "release": (0, 1, "verdict, ledger", ("evaluation",)),
    "predictions": (0, 2, "Spark, the jar", ("release",)),
    "monitoring": (1, 2, "drift, live metric", ("predictions",)),
}
BOX_WIDTH, BOX_HEIGHT, GAP_X, GAP_Y, MARGIN = 168, 60, 44, 56, 16


def render_reference(spec: type[BaseModel], introduction: str) -> str:
    """Render what a spec can say as Markdown, a table for each part."""
    schema = spec.model_json_schema()
    parts = {spec.__name__: schema, **schema["$defs"]}
    tables = [_table(name, part) for name, part in parts.items() if "properties" in part]
    return "\n".join([introduction, *tables])


def _table(name: str, part: Mapping[str, Any]) -> str:
    required = part.get("required", ())
    lines = [f"## {name}", "", part.get("description", ""), ""]
    lines += ["| key | type | default | meaning |", "|---|---|---|---|"]
    for key, field in part["properties"].items():
        default = "**required**" if key in required else _default(field)
        meaning = field.get("description", "").replace("<", "&lt;")
        lines.append(f"| `{key}` | {_type(field)} | {default} | {meaning} |")
    return "\n".join([*lines, ""])


def _default(field: Mapping[str, Any]) -> str:
    default = field.get("default")
    if default is None:
        return "none"
    # A default that is a whole part says no more than that part's own table.
    return "see there" if isinstance(default, dict) and default else f"`{json.dumps(default)}`"


def _type(field: Mapping[str, Any]) -> str:
    limits = [text.format(field[key]) for key, text in LIMITS.items() if key in field]
    return ", ".join([_type_name(field), *limits])


def _type_name(field: Mapping[str, Any]) -> str:
    if "$ref" in field:
        name = field["$ref"].rsplit("/", 1)[1]
        return f"[{name}](#{name.lower()})"
    if "enum" in field:
        return " or ".join(f"`{value}`" for value in field["enum"])
    if "anyOf" in field:
        options = [option for option in field["anyOf"] if option.get("type") != "null"]
        return " or ".join(_type(option) for option in options)
    if field.get("type") == "array":
        return f"list of {_type_name(field.get('items', {}))}"
    if field.get("type") == "object":
        return f"map to {_type_name(_values(field))}"
    return field.get("format") or field.get("type", "anything")


def _values(field: Mapping[str, Any]) -> Mapping[str, Any]:
    by_pattern = field.get("patternProperties")
    if by_pattern:
        return next(iter(by_pattern.values()))
    values = field.get("additionalProperties", {})
    return values if isinstance(values, dict) else {}


def render_graph() -> str:
    """Render the asset graph of one model as an SVG that reads on light and dark pages."""
    columns = 1 + max(column for column, *_ in NODES.values())
    width = 2 * MARGIN + columns * BOX_WIDTH + (columns - 1) * GAP_X
    rows = 1 + max(row for _, row, *_ in NODES.values())
    height = 2 * MARGIN + rows * BOX_HEIGHT + (rows - 1) * GAP_Y
    arrows = [_arrow(before, name) for name, node in NODES.items() for before in node[3]]
    boxes = [_box(name, *node[:3]) for name, node in NODES.items()]
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
        'aria-label="From landing to monitoring: the asset graph of one model" '
        'font-family="system-ui, sans-serif" text-anchor="middle">'
    )
    marker = (
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" '
        'markerHeight="8" orient="auto"><path d="M0 0 8 4 0 8z" fill="#6b7280"/></marker></defs>'
    )
    ground = f'<rect width="{width}" height="{height}" rx="12" fill="#ffffff"/>'
    return "\n".join([head, marker, ground, *arrows, *boxes, "</svg>", ""])


def _corner(name: str) -> tuple[int, int]:
    column, row = NODES[name][:2]
    return MARGIN + column * (BOX_WIDTH + GAP_X), MARGIN + row * (BOX_HEIGHT + GAP_Y)


def _box(name: str, _column: int, _row: int, engine: str) -> str:
    x, y = _corner(name)
    fill, edge = ("#ecfdf5", "#059669") if name == "release" else ("#eff6ff", "#3b82f6")
    middle = x + BOX_WIDTH // 2
    title = 'font-size="16" font-weight="600" fill="#111827"'
    return (
        f'<rect x="{x}" y="{y}" width="{BOX_WIDTH}" height="{BOX_HEIGHT}" rx="8" '
        f'fill="{fill}" stroke="{edge}"/>'
        f'<text x="{middle}" y="{y + 26}" {title}>{name}</text>'
        f'<text x="{middle}" y="{y + 46}" font-size="12" fill="#4b5563">{engine}</text>'
    )


def _arrow(before: str, name: str) -> str:
    (x1, y1), (x2, y2) = _corner(before), _corner(name)
    half_width, half_height = BOX_WIDTH // 2, BOX_HEIGHT // 2
    if x1 == x2:
        line = (x1 + half_width, y1 + BOX_HEIGHT, x2 + half_width, y2 - 2)
    elif x1 < x2:
        line = (x1 + BOX_WIDTH, y1 + half_height, x2 - 2, y2 + half_height)
    else:
        line = (x1, y1 + half_height, x2 + BOX_WIDTH + 2, y2 + half_height)
    ends = " ".join(
        f'{axis}="{value}"' for axis, value in zip(("x1", "y1", "x2", "y2"), line, strict=True)
    )
    return f'<line {ends} stroke="#6b7280" stroke-width="1.5" marker-end="url(#tip)"/>'


def main() -> int:
    """Write the files, or compare them; the exit status says whether all is well."""
    wanted = {
        DOCS / "reference" / "model-spec.md": render_reference(ModelSpec, INTRODUCTION),
        DOCS / "reference" / "spark-job.md": render_reference(SparkJobSpec, JOB_INTRODUCTION),
        DOCS / "asset-graph.svg": render_graph(),
    }
    stale = [path for path, text in wanted.items() if not path.exists() or path.read_text() != text]
    if "--check" not in sys.argv[1:]:
        for path in stale:
            path.write_text(wanted[path])
        return 0
    for path in stale:
        print(f"{path.relative_to(DOCS.parent)} is out of date: run `make docs`", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
