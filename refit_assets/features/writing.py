"""Writing days of the feature table by Spark: each is replaced whole, or nothing changes.

Belongs here: the table's shape and how it follows the contract, the one overwrite. Does not:
what the rows are (`conform`), reading the table (`table`).
"""

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING

from refit_assets.errors import DataError
from refit_assets.features.table import CATALOGUE, NAMESPACE, RUN_PROPERTY, WRITE_PROPERTY

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

_PROPERTIES = {
    "format-version": "2",
    # Whoever reads the files by themselves, as H2O does, knows nothing of delete files.
    "write.delete.mode": "copy-on-write",
    "write.update.mode": "copy-on-write",
    "write.merge.mode": "copy-on-write",
    # One file a day, and not one for every day in every task.
    "write.distribution-mode": "hash",
    # H2O parses lz4_raw as garbage, without an error.
    "write.parquet.compression-codec": "snappy",
    # Other runs commit other days meanwhile; Iceberg's default is 4.
    "commit.retry.num-retries": "20",
}


def prepare_table(
    spark: "SparkSession", model: str, types: Mapping[str, str], *, namespace: str = NAMESPACE
) -> dict[str, str]:
    """Make the table, or add the contract's new columns; return its columns' types, in order.

    Raises:
        DataError: a column has another type in the table, which no reader could bridge.

    """
    table = spark_name(model, namespace)
    spark.sql(f"CREATE NAMESPACE IF NOT EXISTS {CATALOGUE}.{namespace}")
    columns = ", ".join(f"`{name}` {kind}" for name, kind in types.items() if name != "day")
    properties = ", ".join(f"'{key}' = '{value}'" for key, value in _PROPERTIES.items())
    spark.sql(
        f"CREATE TABLE IF NOT EXISTS {table} (day date NOT NULL, {columns}) USING iceberg "
        f"PARTITIONED BY (day) TBLPROPERTIES ({properties})"
    )
    found = _types(spark, table)
    new = {name: kind for name, kind in types.items() if name not in found}
    if new:
        added = ", ".join(f"`{name}` {kind}" for name, kind in new.items())
        spark.sql(f"ALTER TABLE {table} ADD COLUMNS ({added})")
    _refuse_other_types(table, found, types)
    return {**found, **new}


def replace_days(
    rows: "DataFrame",
    *,
    model: str,
    first: date,
    last: date,
    write_id: str,
    run_id: str,
    namespace: str = NAMESPACE,
) -> None:
    """Replace all days of a range in one commit; days without rows become empty."""
    from pyspark.sql import functions as f

    days = f.col("day").between(f.lit(first), f.lit(last))
    # The same condition twice: rows outside it would be appended without a word.
    writer = rows.where(days).writeTo(spark_name(model, namespace))
    writer = writer.option(f"snapshot-property.{WRITE_PROPERTY}", write_id)
    # Not `overwritePartitions`: without rows it commits nothing, and an emptied day would stay.
    # Of two runs over one day the later wins whole; Iceberg looks for no conflict here.
    writer.option(f"snapshot-property.{RUN_PROPERTY}", run_id).overwrite(days)


def fitted(rows: "DataFrame", columns: Mapping[str, str]) -> "DataFrame":
    """Order the columns as the table has them; those that the contract dropped are null."""
    present = set(rows.columns)
    return rows.selectExpr(
        *(
            f"`{name}`" if name in present else f"cast(null as {kind}) as `{name}`"
            for name, kind in columns.items()
        )
    )


def spark_name(model: str, namespace: str = NAMESPACE) -> str:
    """Return the table's full name in Spark."""
    return f"{CATALOGUE}.{namespace}.`{model}`"


def _types(spark: "SparkSession", table: str) -> dict[str, str]:
    return {field.name: field.dataType.simpleString() for field in spark.table(table).schema}


def _refuse_other_types(table: str, found: Mapping[str, str], types: Mapping[str, str]) -> None:
    changed = [
        f"{name} is {found[name]} in the table and {kind} in the contract"
        for name, kind in types.items()
        if name in found and found[name] != kind.replace(" ", "")
    ]
    if changed:
        cure = "give a column of another type another name"
        message = f"{table}: {'; '.join(changed)}. Nothing was replaced: {cure}"
        raise DataError(message)
