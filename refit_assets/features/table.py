"""The feature table as plain Python sees it: what is recorded of a day, which files hold it.

An Iceberg table read through pyiceberg, without Spark.
Belongs here: names of the table, snapshots, files, tags, the record of a day. Does not: writing
rows (`writing`), choosing days (`training_set`).
"""

import os
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from refit_assets.errors import DataError

if TYPE_CHECKING:
    from pyiceberg.table import Table

CATALOGUE = "refit"
"""Spark's name of the catalogue; pyiceberg finds its tables only under the same name."""
NAMESPACE = "features"
WRITE_PROPERTY = "refit-write"
RUN_PROPERTY = "refit-run-id"
_DAY_MS = 24 * 60 * 60 * 1000
_MOST_ATTEMPTS = 20
_MOST_LOST = 3


@dataclass(frozen=True, kw_only=True)
class DayRecord:
    """What one day of the feature table is: written by a run, named by its files."""

    day: date
    rows: int
    labelled_rows: int
    digest: str
    """Of the rows and the input contract; equal for equal rows, however they were computed."""
    contract_digest: str
    recipe: str
    """Digest of the code and of what the spec says about features; see `features.recipe`."""
    nulls: dict[str, int]
    """How many rows lack each nullable feature."""
    inputs: dict[str, str]
    """Name and ETag of every landed file that the day was computed from."""
    files: tuple[str, ...]
    """URIs of the day's data files, sorted; empty for an empty day."""
    snapshot_id: int
    run_id: str


@dataclass(frozen=True, kw_only=True)
class FeatureTable:
    """The feature table of one model."""

    catalogue_uri: str
    """As SQLAlchemy spells it."""
    warehouse_uri: str
    model: str
    namespace: str = NAMESPACE
    """What the rows are; tables of a kind of their own lie beside the features."""

    @property
    def name(self) -> str:
        """Its name within the catalogue."""
        return f"{self.namespace}.{self.model}"

    def load(self) -> "Table":
        """Load the table's present metadata.

        Raises:
            DataError: it is not there yet.

        """
        from pyiceberg.exceptions import NoSuchTableError
        from sqlalchemy.exc import OperationalError, ProgrammingError

        try:
            return _catalogue(self.catalogue_uri, self.warehouse_uri).load_table(self.name)
        # Before Spark's first write the database has no tables at all, which means the same.
        except (NoSuchTableError, OperationalError, ProgrammingError) as error:
            message = (
                f"there is no table of {self.namespace} of {self.model}: "
                f"materialise {self.model}/{self.namespace}"
            )
            raise DataError(message) from error

    def files(self, first: date, last: date, snapshot_id: int) -> dict[date, tuple[str, ...]]:
        """URIs of the data files of each day that has rows, at a snapshot."""
        return files_by_day(self.load(), first, last, snapshot_id)

    def tag(
        self,
        name: str,
        snapshot_id: int,
        *,
        retain_days: int | None = None,
        loaded: "Table | None" = None,
    ) -> str:
        """Tag a snapshot so that expiry keeps it; return the metadata's location.

        A tag of that name is moved. Without `retain_days` it stays until it is removed.
        Whoever has loaded the table spares it a second look, unless somebody else committed since.
        """

        def change(table: "Table") -> None:
            age = None if retain_days is None else retain_days * _DAY_MS
            table.manage_snapshots().create_tag(snapshot_id, name, max_ref_age_ms=age).commit()

        return self._commit(change, loaded)

    def untag(self, name: str) -> None:
        """Remove a tag; nothing happens where there is none."""

        def change(table: "Table") -> None:
            if name in table.metadata.refs:
                table.manage_snapshots().remove_tag(name).commit()

        self._commit(change)

    def _commit(self, change: "Callable[[Table], None]", loaded: "Table | None" = None) -> str:
        """Commit optimistically: whoever else committed in between, look again."""
        from pyiceberg.exceptions import CommitFailedException

        lost = 0
        for _ in range(_MOST_ATTEMPTS):
            table, loaded = loaded or self.load(), None
            try:
                change(table)
            except CommitFailedException:
                continue
            except OSError:
                # An S3 server that refuses a write once in a while (seen: 400 at the end of an
                # upload). Metadata that was not written commits nothing.
                lost += 1
                if lost == _MOST_LOST:
                    raise
                continue
            return str(table.metadata_location)
        message = f"{self.name} is written to all the time: no commit in {_MOST_ATTEMPTS} attempts"
        raise DataError(message)


def find_snapshot(table: "Table", write_id: str) -> int:
    """Find the snapshot that one write made; the latest may be a neighbour's."""
    for snapshot in reversed(table.metadata.snapshots):
        summary = snapshot.summary
        if summary is not None and summary.additional_properties.get(WRITE_PROPERTY) == write_id:
            return snapshot.snapshot_id
    message = f"{table.name()} has no snapshot of write {write_id}: re-run the features"
    raise DataError(message)


def files_by_day(
    table: "Table", first: date, last: date, snapshot_id: int
) -> dict[date, tuple[str, ...]]:
    """URIs of the data files of each day that has rows, at a snapshot."""
    from pyiceberg.expressions import And, GreaterThanOrEqual, LessThanOrEqual

    # pyright reads these classes' constructors as pydantic's, without their own.
    days: Any = And(
        GreaterThanOrEqual("day", first.isoformat()),  # pyright: ignore[reportCallIssue]
        LessThanOrEqual("day", last.isoformat()),  # pyright: ignore[reportCallIssue]
    )
    found: defaultdict[date, list[str]] = defaultdict(list)
    for task in table.scan(row_filter=days, snapshot_id=snapshot_id).plan_files():
        found[_partition_day(task.file.partition[0])].append(_uri(task.file.file_path))
    # In one order: a day's record is compared with what the table holds.
    return {day: tuple(sorted(files)) for day, files in sorted(found.items())}


def spark_catalogue(catalogue_uri: str, warehouse_uri: str) -> Mapping[str, str]:
    """Return the settings by which a Spark session finds the same catalogue."""
    prefix = f"spark.sql.catalog.{CATALOGUE}"
    return {
        prefix: "org.apache.iceberg.spark.SparkCatalog",
        f"{prefix}.type": "jdbc",
        f"{prefix}.jdbc.schema-version": "V1",
        f"{prefix}.warehouse": warehouse_uri,
        # A cached table would hide what other processes have committed since.
        f"{prefix}.cache-enabled": "false",
        **{f"{prefix}.{key}": value for key, value in _jdbc(catalogue_uri).items()},
    }


def _jdbc(catalogue_uri: str) -> dict[str, str]:
    from sqlalchemy import make_url

    url = make_url(catalogue_uri)
    if url.get_backend_name() == "sqlite":
        # Without them a lock held by another process fails a commit after 3 s.
        return {"uri": f"jdbc:sqlite:{url.database}?busy_timeout=60000&journal_mode=WAL"}
    port = "" if url.port is None else f":{url.port}"
    settings = {"uri": f"jdbc:{url.get_backend_name()}://{url.host}{port}/{url.database}"}
    if url.username:
        settings |= {"jdbc.user": url.username, "jdbc.password": str(url.password or "")}
    return settings


def _catalogue(catalogue_uri: str, warehouse_uri: str) -> Any:  # noqa: ANN401 - untyped upstream
    from pyiceberg.catalog.sql import SqlCatalog
    from sqlalchemy import make_url

    url = make_url(catalogue_uri)
    if url.get_backend_name() == "sqlite":
        # Seconds, as long as Spark waits for the same lock.
        url = url.update_query_dict({"timeout": "60"})
    uri = url.render_as_string(hide_password=False)
    # Spark makes the catalogue's tables; an empty database is no table of ours, and no error.
    settings = {"uri": uri, "warehouse": warehouse_uri, "init_catalog_tables": "false"}
    settings |= _s3_settings(os.environ)
    return SqlCatalog(CATALOGUE, **settings)


def _s3_settings(environment: Mapping[str, str]) -> dict[str, str]:
    """Hand pyiceberg the standard variables that every other S3 client reads by itself."""
    names = {"s3.endpoint": "AWS_ENDPOINT_URL", "s3.region": "AWS_REGION"}
    return {key: environment[name] for key, name in names.items() if environment.get(name)}


def _partition_day(value: Any) -> date:  # noqa: ANN401 - days since 1970, or a date
    return (
        value if isinstance(value, date) else date.fromordinal(date(1970, 1, 1).toordinal() + value)
    )


def _uri(path: str) -> str:
    """Spell a local path with three slashes, as every other reader does."""
    parts = urlsplit(path)
    return f"file://{parts.path}" if parts.scheme in {"", "file"} else path
