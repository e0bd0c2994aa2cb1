"""Landing: raw data as it came, made outside and only observed here.

Models share sources, so these specs are built once for all models and not by each component.
"""

from collections.abc import Iterable

import dagster as dg

from refit_assets.errors import SpecError
from refit_assets.spec import ModelSpec, Source


def build_landing_specs(models: Iterable[ModelSpec]) -> list[dg.AssetSpec]:
    """Build one spec for every source that any model reads.

    Raises:
        SpecError: two models mean different files by one name.

    """
    sources: dict[str, tuple[ModelSpec, Source]] = {}
    owners: dict[str, set[str]] = {}
    for spec in models:
        for name, source in spec.sources.items():
            # The first model's spec stands for all: Dagster refuses two specs of one asset key.
            first, known = sources.setdefault(name, (spec, source))
            owners.setdefault(name, set()).update(spec.owners)
            if known.path != source.path:
                message = (
                    f"source {name} is {known.path} in model {first.name} and {source.path} in "
                    f"{spec.name}: give one of them another name"
                )
                raise SpecError(message)
    return [
        # Whoever reads a source is asked before it changes.
        _landing_spec(name, *source).replace_attributes(owners=sorted(owners[name]))
        for name, source in sources.items()
    ]


def _landing_spec(name: str, spec: ModelSpec, source: Source) -> dg.AssetSpec:
    start, end = spec.start.isoformat(), spec.end and spec.end.isoformat()
    days = dg.DailyPartitionsDefinition(start_date=start, end_date=end) if source.daily else None
    columns = [dg.TableColumn(column, kind) for column, kind in source.columns.items()]
    return dg.AssetSpec(
        ["landing", name],
        description=f"{source.path} in the landing zone, as it came.",
        partitions_def=days,
        group_name="landing",
        kinds={source.format.replace("_lines", "")},
        metadata={"dagster/column_schema": dg.TableSchema(columns), "path": source.path},
    )
